"""Tokens, and API keys sent directly, on a host's own views: contract §4."""

import copy
import json
import pickle
from typing import Any

import pytest
from django.db import OperationalError
from django.db.backends.utils import CursorWrapper
from django.http import HttpRequest
from django.test import RequestFactory
from django.views.decorators.debug import sensitive_post_parameters
from rest_framework.test import APIRequestFactory
from rest_framework_simplejwt.tokens import AccessToken

from tests.support.requests import TOKEN_URL, body
from tests.support.tokens import b64, claims_for, sign
from tests.views import KeysOnly, WhoAmI
from tot_jwt.access.verification import verify_token
from tot_jwt.exceptions import ServiceUnavailable
from tot_jwt.http.addresses import client_address
from tot_jwt.keys import lifecycle
from tot_jwt.keys.domains import suspend_domain
from tot_jwt.principal import ApiClient, ApiKeyAuth
from tot_jwt.rules.networks import is_allowed

FORM = "application/x-www-form-urlencoded"


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def key_headers(key):
    return {
        "Tot-App-Domain": key.app_domain.domain,
        "Tot-Api-Key": key.public_key,
        "Tot-Secret-Key": key.secret,
    }


def form(key, extra=""):
    return f"appDomain={key.app_domain}&totApiKey={key.public_key}&totSecretKey={key.secret}{extra}"


# Tokens


def test_token_lets_its_client_in(make_key, make_token, client):
    key = make_key(scopes=["orders:read"])

    answer = client.get("/me", headers=bearer(make_token(key)))

    assert answer.status_code == 200
    assert answer.json()["pk"] == key.public_key
    assert answer.json()["kind"] == "ApiClient"
    assert answer.json()["auth"] == "ApiToken"
    assert answer.json()["scopes"] == ["keys:manage", "orders:read"]


@pytest.mark.req("A11")
def test_rights_are_what_stands_in_the_token_and_is_held_now(make_key, make_token, client):
    key = make_key(scopes=["orders:read", "orders:write"])
    token = make_token(key, scopes=["orders:read", "orders:write"])
    key.scopes = "catalog:read orders:read"
    key.save()

    assert client.get("/me", headers=bearer(token)).json()["scopes"] == ["orders:read"]


def test_scopes_of_a_token_alone_give_no_rights(make_key, client, settings):
    key = make_key(scopes=["orders:read"])
    settings.TOT_JWT = {"TOKENS_MANAGE_KEYS": False}
    token = sign(claims_for(key, scope="orders:read admin keys:manage"))

    assert client.get("/me", headers=bearer(token)).json()["scopes"] == ["orders:read"]


def test_no_credentials_are_the_views_business(db, client):
    answer = client.get("/me")

    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, 'Bearer realm="api"')
    assert client.get("/keys-only").headers["WWW-Authenticate"] == 'Bearer realm="api"'
    assert client.get("/anyone").json() == {"pk": None}


@pytest.mark.req("A3")
@pytest.mark.parametrize(
    "credentials",
    [
        "opaque",
        "",
        "a.b",
        "a.b.c.d",
        "a.b.c",
        "v4.public.payload",
        "e30.e30.e30",
        f"e30.{b64(b'[]')}.e30",
        f"e30.{b64(b'null')}.e30",
        f"e30.{b64(b'[' * 3000)}.e30",
        f"e30.{b64(b'{')}.e30",
        f"e30.{b64(bytes([255, 254]))}.e30",
        f"e30.{b64(json.dumps({'token_type': 'access'}).encode())}.e30",
        f"e30.{b64(json.dumps({'token_type': ['tot_api']}).encode())}.e30",
        "é.é.é",
    ],
)
def test_bearer_that_is_not_ours_is_left_to_the_next_class(db, client, credentials):
    assert client.get("/anyone", headers=bearer(credentials)).status_code == 200


@pytest.mark.parametrize("header", ["Basic abc", "Bearer", "Digest a.b.c"])
def test_other_authorization_is_left_to_the_next_class(db, client, header):
    assert client.get("/anyone", headers={"Authorization": header}).status_code == 200


@pytest.mark.req("A3")
def test_damaged_token_of_ours_is_refused_even_where_anyone_may_enter(make_key, make_token, client):
    key = make_key()
    ours = make_token(key)
    tries = {
        ours[:-4] + "AAAA": "token_invalid",
        ours + "=": "token_malformed",
        f" {ours}": "token_malformed",
        ours.rpartition(".")[0] + ".": "token_malformed",
        sign(claims_for(key), {"alg": "none"}): "token_invalid",
        sign(claims_for(key, iat=1, exp=2)): "token_expired",
        sign(claims_for(key, ver=9)): "token_revoked",
        sign({"token_type": "tot_api", "x": "a" * 5000}): "token_malformed",
    }

    assert {
        token: client.get("/anyone", headers=bearer(token)).json()["code"] for token in tries
    } == tries


@pytest.mark.req("A3")
def test_beside_simplejwt_both_kinds_of_token_work(make_key, make_token, make_user, client):
    user, key = make_user(), make_key()

    assert (
        client.get("/beside-simplejwt", headers=bearer(AccessToken.for_user(user))).json()["pk"]
        == user.pk
    )
    assert (
        client.get("/beside-simplejwt", headers=bearer(make_token(key))).json()["pk"]
        == key.public_key
    )
    assert client.get("/me", headers=bearer(AccessToken.for_user(user))).status_code == 401
    assert client.get("/simplejwt", headers=bearer(make_token(key))).status_code == 401


@pytest.mark.req("C1")
def test_our_401_stays_401_behind_session_authentication(make_key, make_token, client):
    key = make_key()
    token = make_token(key)
    lifecycle.revoke_key(key)

    answer = client.get("/session-first", headers=bearer(token))
    direct = client.post("/session-first", body(key), content_type="application/json")

    assert (answer.status_code, answer.json()["code"]) == (401, "token_revoked")
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]
    assert (direct.status_code, direct.headers["WWW-Authenticate"]) == (401, 'Bearer realm="api"')


@pytest.mark.req("C2")
@pytest.mark.parametrize("url", ["/me", "/keys-only", "/anyone"])
def test_keys_in_headers_beside_a_bearer_are_malformed(make_key, make_token, client, url):
    key = make_key()

    answer = client.get(url, headers=bearer(make_token(key)) | key_headers(key))

    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_request")


@pytest.mark.req("D2")
def test_database_gone_is_503_on_a_hosts_view(make_key, make_token, client, monkeypatch):
    from tot_jwt.keys import state as key_state

    token = make_token(make_key())
    key_state.reset()

    def fail(*args):
        raise OperationalError("gone")

    with monkeypatch.context() as patch:
        patch.setattr(CursorWrapper, "execute", fail)
        answer = client.get("/me", headers=bearer(token))

    assert (answer.status_code, answer.json()["code"]) == (503, "service_unavailable")
    assert answer.headers["Retry-After"] == "5"


# Keys


def direct_ways(client, url, key):
    """The request in each of the ways in which clients send their keys."""
    sent = {**body(key), "appUserid": "42", "person": {"names": ["a"]}}
    yield client.post(url, sent, content_type="application/json")
    yield client.post(
        url, form(key, "&appUserid=42"), content_type=FORM, headers={"charset": "utf-8"}
    )
    yield client.generic("GET", url, json.dumps(sent), content_type="application/json")
    yield client.get(url, headers=key_headers(key))


def test_keys_let_their_client_in_however_they_are_sent(make_key, client):
    key = make_key(scopes=["orders:read"])

    for answer in direct_ways(client, "/me", key):
        assert answer.status_code == 200
        assert answer.json()["pk"] == key.public_key
        assert answer.json()["auth"] == "ApiKeyAuth"
        assert answer.json()["scopes"] == ["orders:read"]


@pytest.mark.req("E6")
def test_secret_is_gone_from_the_views_data(make_key, client):
    key = make_key()
    in_json, in_form, in_get, _ = (answer.json() for answer in direct_ways(client, "/me", key))

    for answer in (in_json, in_form, in_get):
        assert "totSecretKey" not in answer["data"]
        assert answer["data"]["totApiKey"] == key.public_key
        assert answer["data"]["appUserid"] == "42"
        assert key.secret not in json.dumps(answer)
    assert in_form["post"]["appUserid"] == "42"


@pytest.mark.req("E6")
def test_form_is_hidden_from_djangos_error_report(make_key, rf):
    request = rf.post("/me", form(make_key()), content_type=FORM)

    WhoAmI.as_view()(request)

    assert request.sensitive_post_parameters == ["totSecretKey"]
    assert "totSecretKey" not in request.POST


@pytest.mark.req("E6")
@pytest.mark.parametrize(("own", "hidden"), [((), "__ALL__"), (("pin",), ["pin", "totSecretKey"])])
def test_what_the_host_hides_from_error_reports_stays_hidden(make_key, rf, own, hidden):
    request = rf.post("/me", form(make_key()), content_type=FORM)

    sensitive_post_parameters(*own)(WhoAmI.as_view())(request)

    assert request.sensitive_post_parameters == hidden


def test_data_that_is_no_mapping_is_left_alone(make_key, rf):
    from rest_framework.parsers import BaseParser

    class RawParser(BaseParser):
        media_type = "application/json"

        def parse(self, stream, media_type=None, parser_context=None):
            return "raw"

    request = rf.post("/me", body(make_key()), content_type="application/json")

    assert KeysOnly.as_view(parser_classes=[RawParser])(request).data["data"] == "raw"


def test_view_without_a_parser_for_the_body_is_415(make_key, rf):
    request = rf.post("/me", body(make_key()), content_type="application/json")

    assert KeysOnly.as_view(parser_classes=[])(request).status_code == 415


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
        (lambda key: lifecycle.change_key(key, **SETTINGS, allowed_ips=["192.0.2.1"]), 403),
        (lambda key: lifecycle.change_key(key, **SETTINGS, allowed_ips=["127.0.0.1"]), 200),
    ],
)
def test_directly_used_keys_are_judged_like_exchanged_ones(
    make_key, client, post_token, change, status
):
    key = make_key()
    change(key)

    exchanged = post_token(key)
    assert exchanged.status_code == status
    for answer in direct_ways(client, "/keys-only", key):
        assert answer.status_code == status
        if status != 200:
            assert answer.json() == exchanged.json()
            assert answer.headers.get("WWW-Authenticate") == exchanged.headers.get(
                "WWW-Authenticate"
            )


SETTINGS: dict[str, Any] = {"name": "x", "scopes": [], "expires_at": None, "can_issue_tokens": True}


def test_key_that_may_not_issue_tokens_may_be_used_directly(make_key, client):
    key = make_key(can_issue_tokens=False)

    assert {answer.status_code for answer in direct_ways(client, "/me", key)} == {200}


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
def test_traces_of_keys_are_all_three_or_a_fault(db, client, sent):
    answer = client.post("/anyone", sent, content_type="application/json")

    assert answer.status_code == 400
    assert answer.json().keys() <= {"appDomain", "totApiKey", "totSecretKey"}


@pytest.mark.parametrize("name", ["Tot-Api-Key", "Tot-Secret-Key", "Tot-App-Domain"])
def test_one_header_of_three_is_a_fault(db, client, name):
    answer = client.get("/anyone", headers={name: "x"})

    assert (answer.status_code, len(answer.json())) == (400, 2)


@pytest.mark.parametrize(
    ("sent", "content_type"),
    [
        ('{"totSecretKey": "a"', "application/json"),
        ('{"totSecretKey": "a", "totSecretKey": "b"}', "application/json"),
        ('["totSecretKey"]', "application/json"),
        ('{"totApiKey": ' + "[" * 100_000, "application/json"),
        ('{"totApiKey": "a", "x": ' + "[" * 40 + "]" * 40 + "}", "application/json"),
        ("totApiKey=a&totApiKey=b", FORM),
        ("totApiKey=%ff", FORM),
    ],
)
def test_traces_of_keys_in_a_damaged_body_are_malformed(db, client, sent, content_type):
    answer = client.post("/anyone", sent, content_type=content_type)

    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_request")


@pytest.mark.parametrize("sent", ['{"tot\\u0041piKey": "a"}', "tot%41piKey=a"])
def test_name_in_another_spelling_is_the_same_name(db, client, sent):
    content_type = "application/json" if sent.startswith("{") else FORM

    assert client.post("/anyone", sent, content_type=content_type).status_code == 400


@pytest.mark.parametrize(
    ("sent", "content_type"),
    [
        ("{}", "application/json"),
        ('{"appDomain": "a"}', "application/json"),
        ('{"a": "\\u0041"}', "application/json"),
        ('{"a": {"totApiKey": "a"}}', "application/json"),
        ("{\\", "application/json"),
        ("%ff", FORM),
        ("a=b", FORM),
        ('{"totApiKey": "a"}', "text/plain"),
        (
            '--x\r\nContent-Disposition: form-data; name="totApiKey"\r\n\r\na\r\n--x--\r\n',
            "multipart/form-data; boundary=x",
        ),
    ],
)
def test_body_without_a_trace_of_keys_is_left_to_the_view(db, client, sent, content_type):
    assert client.post("/anyone", sent, content_type=content_type).json() == {"pk": None}


def test_keys_are_not_looked_for_beside_an_authorization_header(make_key, client):
    answer = client.post(
        "/anyone",
        body(make_key()),
        content_type="application/json",
        headers={"Authorization": "Basic x"},
    )

    assert answer.json() == {"pk": None}


def test_keys_in_two_places_are_malformed(make_key, client):
    key = make_key()

    answer = client.post(
        "/me", body(key), content_type="application/json", headers=key_headers(key)
    )

    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_request")


def test_keys_in_the_query_are_malformed_unless_the_host_allows_them(make_key, client, settings):
    key = make_key()
    url = f"/me?{form(key)}&x=1"
    assert client.get(url).status_code == 400
    assert client.get("/anyone?totApiKey=").status_code == 400
    assert client.get("/anyone?a=1").status_code == 200

    settings.TOT_JWT = {"API_KEYS_IN_QUERY": True}

    assert client.get(url).json()["pk"] == key.public_key
    assert client.get(f"{url}&totApiKey=again").status_code == 400
    assert client.get("/me?totApiKey=a").status_code == 400


@pytest.mark.req("E6")
def test_body_that_a_middleware_has_read_away_is_not_looked_into(make_key, rf):
    key = make_key()
    request = rf.post("/me", body(key), content_type="application/json")
    request.read(5)

    assert KeysOnly.as_view()(request).status_code == 401


@pytest.mark.req("E6")
def test_form_that_a_middleware_has_parsed_is_looked_into(make_key, rf):
    key = make_key()
    request = rf.post("/me", form(key), content_type=FORM)
    assert request.POST["totSecretKey"]

    assert KeysOnly.as_view()(request).data["pk"] == key.public_key
    assert "totSecretKey" not in request.POST


def test_body_over_the_hosts_limit_is_too_large(make_key, client, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 50

    answer = client.post("/me", body(make_key()), content_type="application/json")

    assert (answer.status_code, answer.json()["code"]) == (413, "request_too_large")


def test_body_over_8_kib_is_the_hosts_business(make_key, client):
    answer = client.post(
        "/me", body(make_key(), picture="x" * 100_000), content_type="application/json"
    )

    assert answer.status_code == 200


def test_body_that_cannot_be_read_is_malformed(db, client, monkeypatch):
    from django.http import UnreadablePostError

    def fail(self):
        raise UnreadablePostError("the client has gone")

    monkeypatch.setattr(HttpRequest, "body", property(fail))

    assert client.post("/me", "{}", content_type="application/json").status_code == 400
    assert (
        client.post("/api/internal/auth/token", "{}", content_type="application/json").status_code
        == 400
    )


# The client and what describes its credentials


CLIENT = ApiClient("pk_x", "myapp.com", "live", frozenset({"shop.view_order"}))


def test_client_looks_like_a_user():
    assert CLIENT.id == CLIENT.pk == str(CLIENT) == "pk_x"
    assert CLIENT.is_authenticated is CLIENT.is_active is True
    assert CLIENT.is_anonymous is CLIENT.is_staff is CLIENT.is_superuser is False
    assert CLIENT.has_scope("shop.view_order")
    assert CLIENT.has_perm("shop.view_order")
    assert not CLIENT.has_perm("shop.view_order", object())
    assert CLIENT.has_perms(["shop.view_order"])
    assert not CLIENT.has_perms(["shop.view_order", "shop.add_order"])
    assert CLIENT.get_username() == "pk_x"
    assert CLIENT.has_module_perms("shop")
    assert not CLIENT.has_module_perms("sho")


def test_client_can_be_pickled_also_while_it_is_remembered(make_key, make_token):
    token = make_token(make_key(scopes=["a"]))
    for _ in range(2):
        client, _ = verify_token(token, address="")
        assert pickle.loads(pickle.dumps(client)) == client == copy.deepcopy(client)  # noqa: S301 - our own


def test_remembered_client_asks_the_database_once_before_it_refuses(
    make_key, make_token, django_assert_num_queries
):
    token = make_token(make_key(scopes=["a"]))
    client, _ = verify_token(token, address="")

    with django_assert_num_queries(0):
        assert client.has_scope("a")
    with django_assert_num_queries(1):
        assert not client.has_scope("b")
        assert not client.has_scope("c")


@pytest.mark.req("D2")
def test_remembered_client_answers_django_no_where_the_database_is_gone(
    make_key, make_token, monkeypatch
):
    client, _ = verify_token(make_token(make_key(scopes=["shop.view_order"])), address="")

    def fail(*args):
        raise OperationalError("gone")

    with monkeypatch.context() as patch:
        patch.setattr(CursorWrapper, "execute", fail)
        assert client.has_perm("shop.view_order")
        assert client.has_module_perms("shop")
        assert not client.has_perm("shop.add_order")
        assert not client.has_module_perms("blog")
        with pytest.raises(ServiceUnavailable):
            client.has_scope("shop.add_order")


def test_unknown_attribute_of_a_client_raises():
    for misspelt in ("is_superuse", "username", "email"):
        with pytest.raises(AttributeError):
            getattr(CLIENT, misspelt)


def test_client_cannot_be_changed():
    with pytest.raises(AttributeError):
        CLIENT.scopes = frozenset()


def test_auth_of_keys_describes_them_without_the_secret(make_key):
    key = make_key()
    request = APIRequestFactory().get("/me", headers=key_headers(key))

    auth = KeysOnly.as_view()(request).renderer_context["request"].auth

    assert auth == ApiKeyAuth(key.public_key, key.app_domain.domain, "live")
    assert key.secret not in repr(auth)


# Addresses


@pytest.mark.req("D1")
@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, None, "10.0.0.1"),
        (0, "192.0.2.7", "10.0.0.1"),
        (1, "192.0.2.7", "192.0.2.7"),
        (1, "203.0.113.9, 192.0.2.7", "192.0.2.7"),
        (2, "203.0.113.9, 192.0.2.7", "203.0.113.9"),
        (2, "192.0.2.7", ""),
        (1, None, ""),
    ],
)
def test_address_is_what_the_outermost_trusted_proxy_saw(settings, proxies, forwarded, address):
    settings.TOT_JWT = {"TRUSTED_PROXIES": proxies}
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}

    assert (
        client_address(RequestFactory().get("/", REMOTE_ADDR="10.0.0.1", headers=headers).META)
        == address
    )


@pytest.mark.parametrize(
    ("address", "networks", "allowed"),
    [
        ("192.0.2.7", "", True),
        ("", "", True),
        ("192.0.2.7", "192.0.2.0/24", True),
        ("192.0.3.7", "192.0.2.0/24", False),
        ("192.0.3.7", "192.0.2.0/24 192.0.3.7/32", True),
        ("::ffff:192.0.2.7", "192.0.2.0/24", True),
        ("2001:db8::1", "2001:db8::/32", True),
        ("2001:db9::1", "2001:db8::/32", False),
        ("2001:db8::1", "192.0.2.0/24", False),
        ("", "0.0.0.0/0", False),
        ("unix:", "0.0.0.0/0 ::/0", False),
        ("192.0.2.7:443", "0.0.0.0/0", False),
    ],
)
def test_address_is_allowed_within_its_networks(address, networks, allowed):
    assert is_allowed(address, networks) is allowed


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize(("address", "status"), [("192.0.2.7", 200), ("192.0.3.7", 403)])
def test_token_is_used_from_allowed_addresses_only(make_key, client, times, address, status):
    key = make_key(allowed_ips=["192.0.2.0/24"])
    issued = client.post(
        TOKEN_URL, body(key), content_type="application/json", REMOTE_ADDR="192.0.2.1"
    ).json()

    for _ in range(times):
        answer = client.get(
            "/me", headers={"Authorization": f"Bearer {issued['token']}"}, REMOTE_ADDR=address
        )
    assert answer.status_code == status


@pytest.mark.req("D1")
def test_address_that_cannot_be_read_is_no_500(make_key, client):
    anywhere, somewhere = make_key(), make_key(allowed_ips=["0.0.0.0/0", "::/0"])

    for address in ("", "unix:", "é"):
        assert (
            client.get("/me", headers=key_headers(anywhere), REMOTE_ADDR=address).status_code == 200
        )
        assert (
            client.get("/me", headers=key_headers(somewhere), REMOTE_ADDR=address).status_code
            == 403
        )
