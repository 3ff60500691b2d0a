"""API keys on the views of a host, without an exchange."""

import json
from typing import Any

import pytest
from django.views.decorators.debug import sensitive_post_parameters
from rest_framework.parsers import BaseParser
from rest_framework.test import APIRequestFactory

from tests.support.requests import FORM, JSON, TOKEN_URL, body, form, key_headers
from tests.views import KeysOnly, WhoAmI
from tot_jwt.keys import lifecycle
from tot_jwt.keys.domains import suspend_domain
from tot_jwt.principal import ApiKeyAuth


def send_each_way(client, url, key):
    """Yield the responses to each way in which clients send their keys."""
    sent = {**body(key), "appUserid": "42", "person": {"names": ["a"]}}
    in_form = form(key, "&appUserid=42")
    yield client.post(url, sent, content_type=JSON)
    yield client.post(url, in_form, content_type=FORM, headers={"charset": "utf-8"})
    yield client.generic("GET", url, json.dumps(sent), content_type=JSON)
    yield client.get(url, headers=key_headers(key))


def test_keys_authenticate_in_each_way(make_key, client):
    key = make_key(scopes=["orders:read"])

    for answer in send_each_way(client, "/me", key):
        assert answer.status_code == 200
        assert answer.json()["pk"] == key.public_key
        assert answer.json()["auth"] == "ApiKeyAuth"
        assert answer.json()["scopes"] == ["orders:read"]


def test_auth_describes_key_without_secret(make_key):
    key = make_key()
    request = APIRequestFactory().get("/me", headers=key_headers(key))

    auth = KeysOnly.as_view()(request).renderer_context["request"].auth

    assert auth == ApiKeyAuth(key.public_key, key.app_domain.domain, "live")
    assert key.secret not in repr(auth)


def test_key_without_tokens_authenticates_directly(make_key, client):
    key = make_key(can_issue_tokens=False)

    assert {answer.status_code for answer in send_each_way(client, "/me", key)} == {200}


UNCHANGED: dict[str, Any] = {
    "name": "x",
    "scopes": [],
    "expires_at": None,
    "can_issue_tokens": True,
}


@pytest.mark.req("B5", "B3")
@pytest.mark.parametrize(
    ("change", "status"),
    [
        (lambda key: None, 200),
        (lambda key: setattr(key, "secret", key.secret + "x"), 401),
        (lambda key: setattr(key, "secret", "ü" + key.secret), 401),
        (lambda key: setattr(key, "secret", key.secret_hash), 401),
        (lambda key: setattr(key, "public_key", key.public_key + "x"), 401),
        (lambda key: setattr(key.app_domain, "domain", "other.example.com"), 401),
        (lifecycle.revoke_key, 401),
        (lifecycle.disable_key, 401),
        (lambda key: suspend_domain(key.app_domain), 403),
        (lambda key: lifecycle.change_key(key, **UNCHANGED, allowed_ips=["192.0.2.1"]), 403),
        (lambda key: lifecycle.change_key(key, **UNCHANGED, allowed_ips=["127.0.0.1"]), 200),
    ],
)
def test_direct_keys_are_judged_like_exchanged(make_key, client, post_token, change, status):
    key = make_key()
    change(key)

    exchanged = post_token(key)
    assert exchanged.status_code == status
    for answer in send_each_way(client, "/keys-only", key):
        assert answer.status_code == status
        if status != 200:
            assert answer.json() == exchanged.json()
            challenges = [each.headers.get("WWW-Authenticate") for each in (answer, exchanged)]
            assert challenges[0] == challenges[1]


# What is left for the view


@pytest.mark.req("E6")
def test_view_does_not_see_the_secret(make_key, client):
    key = make_key()
    in_json, in_form, in_get, _ = (answer.json() for answer in send_each_way(client, "/me", key))

    for answer in (in_json, in_form, in_get):
        assert "totSecretKey" not in answer["data"]
        assert answer["data"]["totApiKey"] == key.public_key
        assert answer["data"]["appUserid"] == "42"
        assert key.secret not in json.dumps(answer)
    assert in_form["post"]["appUserid"] == "42"


@pytest.mark.req("E6")
@pytest.mark.parametrize(
    ("view", "hidden"),
    [
        (WhoAmI.as_view(), ["totSecretKey"]),
        (sensitive_post_parameters("pin")(WhoAmI.as_view()), ["pin", "totSecretKey"]),
        (sensitive_post_parameters()(WhoAmI.as_view()), "__ALL__"),
    ],
)
def test_error_report_hides_the_secret(make_key, rf, view, hidden):
    request = rf.post("/me", form(make_key()), content_type=FORM)

    view(request)

    assert request.sensitive_post_parameters == hidden
    assert "totSecretKey" not in request.POST


class RawParser(BaseParser):
    """A parser whose result is not a mapping."""

    media_type = JSON

    def parse(self, stream, media_type=None, parser_context=None):
        return "raw"


def test_data_of_other_types_stays_unchanged(make_key, rf):
    request = rf.post("/me", body(make_key()), content_type=JSON)

    assert KeysOnly.as_view(parser_classes=[RawParser])(request).data["data"] == "raw"


def test_view_without_parser_answers_415(make_key, rf):
    request = rf.post("/me", body(make_key()), content_type=JSON)

    assert KeysOnly.as_view(parser_classes=[])(request).status_code == 415


# Incomplete and damaged credentials


@pytest.mark.parametrize(
    "sent",
    [
        {"totApiKey": "a"},
        {"totSecretKey": "a"},
        {"totApiKey": "a", "totSecretKey": "b"},
        {"totApiKey": 1, "totSecretKey": "b", "appDomain": "c"},
        {"totApiKey": None},
        {"totApiKey": "a\0", "totSecretKey": "b", "appDomain": "c"},
    ],
)
def test_incomplete_body_names_invalid_fields(db, client, sent):
    answer = client.post("/anyone", sent, content_type=JSON)

    assert answer.status_code == 400
    assert answer.json().keys() <= {"appDomain", "totApiKey", "totSecretKey"}


@pytest.mark.parametrize("name", ["Tot-Api-Key", "Tot-Secret-Key", "Tot-App-Domain"])
def test_single_header_names_missing_fields(db, client, name):
    answer = client.get("/anyone", headers={name: "x"})

    assert (answer.status_code, len(answer.json())) == (400, 2)


@pytest.mark.parametrize(
    ("sent", "content_type"),
    [
        ('{"totSecretKey": "a"', JSON),
        ('{"totSecretKey": "a", "totSecretKey": "b"}', JSON),
        ('["totSecretKey"]', JSON),
        ('{"totApiKey": ' + "[" * 100_000, JSON),
        ('{"totApiKey": "a", "x": ' + "[" * 40 + "]" * 40 + "}", JSON),
        ("totApiKey=a&totApiKey=b", FORM),
        ("totApiKey=%ff", FORM),
    ],
)
def test_keys_in_damaged_body_are_malformed(db, client, sent, content_type):
    answer = client.post("/anyone", sent, content_type=content_type)

    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_request")


@pytest.mark.parametrize(
    ("sent", "content_type"), [('{"tot\\u0041piKey": "a"}', JSON), ("tot%41piKey=a", FORM)]
)
def test_escaped_name_is_the_same_name(db, client, sent, content_type):
    assert client.post("/anyone", sent, content_type=content_type).status_code == 400


@pytest.mark.parametrize(
    ("sent", "content_type"),
    [
        ("{}", JSON),
        ('{"appDomain": "a"}', JSON),
        ('{"a": "\\u0041"}', JSON),
        ('{"a": {"totApiKey": "a"}}', JSON),
        ("{\\", JSON),
        ("%ff", FORM),
        ("a=b", FORM),
        ('{"totApiKey": "a"}', "text/plain"),
        (
            '--x\r\nContent-Disposition: form-data; name="totApiKey"\r\n\r\na\r\n--x--\r\n',
            "multipart/form-data; boundary=x",
        ),
    ],
)
def test_body_without_keys_is_left_alone(db, client, sent, content_type):
    assert client.post("/anyone", sent, content_type=content_type).json() == {"pk": None}


# Where keys are searched


def test_authorization_header_excludes_keys_in_body(make_key, client):
    headers = {"Authorization": "Basic x"}

    answer = client.post("/anyone", body(make_key()), content_type=JSON, headers=headers)

    assert answer.json() == {"pk": None}


def test_keys_in_two_places_are_malformed(make_key, client):
    key = make_key()

    answer = client.post("/me", body(key), content_type=JSON, headers=key_headers(key))

    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_request")


def test_keys_in_query_are_malformed(make_key, client):
    assert client.get(f"/me?{form(make_key())}&x=1").status_code == 400
    assert client.get("/anyone?totApiKey=").status_code == 400
    assert client.get("/anyone?a=1").status_code == 200


def test_setting_allows_keys_in_query(make_key, client, settings):
    settings.TOT_JWT = {"API_KEYS_IN_QUERY": True}
    key = make_key()
    url = f"/me?{form(key)}&x=1"

    assert client.get(url).json()["pk"] == key.public_key
    assert client.get(f"{url}&totApiKey=again").status_code == 400
    assert client.get("/me?totApiKey=a").status_code == 400


# Bodies that middleware or the connection changed


@pytest.mark.req("E6")
def test_partly_read_body_is_not_searched(make_key, rf):
    key = make_key()
    request = rf.post("/me", body(key), content_type=JSON)
    request.read(5)

    assert KeysOnly.as_view()(request).status_code == 401


@pytest.mark.req("E6")
def test_form_parsed_by_middleware_is_searched(make_key, rf):
    key = make_key()
    request = rf.post("/me", form(key), content_type=FORM)
    assert request.POST["totSecretKey"]

    assert KeysOnly.as_view()(request).data["pk"] == key.public_key
    assert "totSecretKey" not in request.POST


def test_body_over_hosts_limit_answers_413(make_key, client, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 50

    answer = client.post("/me", body(make_key()), content_type=JSON)

    assert (answer.status_code, answer.json()["code"]) == (413, "request_too_large")


def test_body_over_8_kib_is_searched(make_key, client):
    sent = body(make_key(), picture="x" * 100_000)

    assert client.post("/me", sent, content_type=JSON).status_code == 200


class BrokenConnection:
    """The input of a request whose client has gone."""

    def read(self, *_):
        raise OSError("connection reset")

    readline = read


@pytest.mark.parametrize("url", ["/me", TOKEN_URL])
def test_unreadable_body_answers_400(db, client, url):
    answer = client.post(url, "{}", content_type=JSON, **{"wsgi.input": BrokenConnection()})

    assert answer.status_code == 400
