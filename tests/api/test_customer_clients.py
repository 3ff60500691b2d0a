"""The customer's own clients, as they stand in the field (contract §1, §4)."""

import json
from urllib.parse import urlencode

import pytest

from tests.support.requests import FORM, JSON, TOKEN_URL, body
from tests.support.tokens import claims_of
from tot_jwt.keys.domains import create_domain

pytestmark = pytest.mark.req("C4")

#: What a form of a shop sends beside the keys: PHP writes nested arrays so.
ORDER = [
    ("order[items][0][sku]", "A-1"),
    ("order[items][0][quantity]", "2"),
    ("order[items][1][sku]", "B 2"),
    ("order[tags][]", "gift"),
    ("order[tags][]", "express"),
    ("order[note]", "Grüße & Küsse"),
    ("action", "sync"),
    ("action", "sync"),
]


@pytest.fixture
def plugin(make_key):
    """Return the key of a WordPress plugin, which is developed at a port of localhost."""
    domain = create_domain("shop.example", aliases=["localhost", "www.shop.example"])
    return make_key(app_domain=domain, scopes=["orders:write"])


@pytest.fixture
def mobile(make_key):
    """Return the key of a React Native app, which sends its bundle id."""
    return make_key(app_domain=create_domain("com.example.my_app"), scopes=["orders:read"])


def fields(key, host):
    """Return the fields that the plugin adds to its forms."""
    return list(body(key, appDomain=host).items())


HOSTS = ["localhost:8888", "shop.example", "www.shop.example", "Shop.Example:443", "localhost"]


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("content_type", [FORM, f"{FORM}; charset=UTF-8"])
def test_plugins_form_is_exchanged(plugin, client, get_token, host, content_type):
    sent = urlencode([*ORDER, *fields(plugin, host)])

    answer = client.post(TOKEN_URL, sent, content_type=content_type)

    assert answer.status_code == 200, answer.content
    verified = get_token(answer.json()["token"])
    assert (verified.status_code, verified.json()["appDomain"]) == (200, "shop.example")


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("keys_first", [True, False])
def test_plugins_form_is_used_directly(plugin, client, host, keys_first):
    keys = fields(plugin, host)
    sent = urlencode([*keys, *ORDER] if keys_first else [*ORDER, *keys])

    answer = client.post("/me", sent, content_type=FORM)

    assert (answer.status_code, answer.json()["pk"]) == (200, plugin.public_key)
    assert answer.json()["scopes"] == ["orders:write"]
    data = answer.json()["data"]
    assert data["order[items][0][sku]"] == "A-1"
    assert data["order[note]"] == "Grüße & Küsse"
    assert plugin.secret not in answer.content.decode()


@pytest.mark.parametrize("host", HOSTS)
def test_keys_in_get_body_authenticate(plugin, client, host):
    sent = {"filter": {"status": ["open"]}, **body(plugin, appDomain=host), "page": 2}

    answer = client.generic("GET", "/me?per_page=10", json.dumps(sent), content_type=JSON)

    assert (answer.status_code, answer.json()["pk"]) == (200, plugin.public_key)
    assert (answer.json()["data"]["filter"], answer.json()["data"]["page"]) == (
        {"status": ["open"]},
        2,
    )
    assert plugin.secret not in answer.content.decode()


@pytest.mark.parametrize("bundle", ["com.example.my_app", "COM.example.My_App"])
@pytest.mark.parametrize("content_type", [JSON, f"{JSON}; charset=utf-8"])
def test_apps_json_is_exchanged_and_used(mobile, client, bundle, content_type):
    sent = {**body(mobile, appDomain=bundle), "platform": "ios", "version": "7.1", "extra": None}

    answer = client.post(TOKEN_URL, sent, content_type=content_type)
    assert answer.status_code == 200, answer.content
    token = answer.json()["token"]
    assert claims_of(token)["appDomain"] == "com.example.my_app"
    used = client.get("/scoped", headers={"Authorization": f"Bearer {token}"})
    assert (used.status_code, used.json()["pk"]) == (200, mobile.public_key)
    direct = client.post("/me", sent, content_type=content_type)
    assert (direct.status_code, direct.json()["pk"]) == (200, mobile.public_key)
    assert direct.json()["data"]["platform"] == "ios"


def test_apps_headers_authenticate(mobile, client):
    headers = {
        "Tot-App-Domain": "com.example.my_app",
        "Tot-Api-Key": mobile.public_key,
        "Tot-Secret-Key": mobile.secret,
    }

    assert client.get("/me", headers=headers).json()["pk"] == mobile.public_key


@pytest.mark.req("B3")
def test_clients_do_not_stand_for_another(plugin, mobile, client):
    crossed = [
        body(plugin, appDomain="com.example.my_app"),
        body(mobile, appDomain="localhost:8888"),
        body(mobile, appDomain="shop.example"),
    ]

    for sent in crossed:
        for url in (TOKEN_URL, "/me"):
            answers = [
                client.post(url, sent, content_type=JSON),
                client.post(url, urlencode(sent), content_type=FORM),
            ]
            assert [answer.status_code for answer in answers] == [401, 401]
