"""Tokens on the views of a host."""

import json

import pytest
from rest_framework_simplejwt.tokens import AccessToken

from tests.support.faults import database_gone
from tests.support.requests import JSON, bearer, body, key_headers
from tests.support.tokens import b64, claims_for, sign
from tot_jwt.keys import lifecycle
from tot_jwt.keys import state as key_state


def test_token_authenticates_its_client(make_key, make_token, client):
    key = make_key(scopes=["orders:read"])

    answer = client.get("/me", headers=bearer(make_token(key)))

    assert answer.status_code == 200
    assert answer.json()["pk"] == key.public_key
    assert answer.json()["kind"] == "ApiClient"
    assert answer.json()["auth"] == "ApiToken"
    assert answer.json()["scopes"] == ["keys:manage", "orders:read"]


@pytest.mark.req("A11")
def test_token_loses_scopes_of_its_key(make_key, make_token, client):
    key = make_key(scopes=["orders:read", "orders:write"])
    token = make_token(key, scopes=["orders:read", "orders:write"])
    key.scopes = "catalog:read orders:read"
    key.save()

    assert client.get("/me", headers=bearer(token)).json()["scopes"] == ["orders:read"]


def test_scopes_in_token_alone_grant_nothing(make_key, client, settings):
    key = make_key(scopes=["orders:read"])
    settings.TOT_JWT = {"TOKENS_MANAGE_KEYS": False}
    token = sign(claims_for(key, scope="orders:read admin keys:manage"))

    assert client.get("/me", headers=bearer(token)).json()["scopes"] == ["orders:read"]


def test_view_decides_about_missing_credentials(db, client):
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
def test_foreign_bearer_goes_to_next_class(db, client, credentials):
    assert client.get("/anyone", headers=bearer(credentials)).status_code == 200


@pytest.mark.parametrize("header", ["Basic abc", "Bearer", "Digest a.b.c"])
def test_other_scheme_goes_to_next_class(db, client, header):
    assert client.get("/anyone", headers={"Authorization": header}).status_code == 200


@pytest.mark.req("A3")
def test_public_view_rejects_damaged_token(make_key, make_token, client):
    key = make_key()
    ours = make_token(key)
    codes = {
        ours[:-4] + "AAAA": "token_invalid",
        ours + "=": "token_malformed",
        f" {ours}": "token_malformed",
        ours.rpartition(".")[0] + ".": "token_malformed",
        sign(claims_for(key), {"alg": "none"}): "token_invalid",
        sign(claims_for(key, iat=1, exp=2)): "token_expired",
        sign(claims_for(key, ver=9)): "token_revoked",
        sign({"token_type": "tot_api", "x": "a" * 5000}): "token_malformed",
    }

    for token, code in codes.items():
        assert client.get("/anyone", headers=bearer(token)).json()["code"] == code


@pytest.mark.req("A3")
def test_simplejwts_tokens_work_beside_ours(make_key, make_token, make_user, client):
    user, key = make_user(), make_key()
    theirs, ours = bearer(AccessToken.for_user(user)), bearer(make_token(key))

    assert client.get("/beside-simplejwt", headers=theirs).json()["pk"] == user.pk
    assert client.get("/beside-simplejwt", headers=ours).json()["pk"] == key.public_key
    assert client.get("/me", headers=theirs).status_code == 401
    assert client.get("/simplejwt", headers=ours).status_code == 401


@pytest.mark.req("C1")
def test_session_class_does_not_hide_401(make_key, make_token, client):
    key = make_key()
    token = make_token(key)
    lifecycle.revoke_key(key)

    answer = client.get("/session-first", headers=bearer(token))
    direct = client.post("/session-first", body(key), content_type=JSON)

    assert (answer.status_code, answer.json()["code"]) == (401, "token_revoked")
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]
    assert (direct.status_code, direct.headers["WWW-Authenticate"]) == (401, 'Bearer realm="api"')


@pytest.mark.req("C2")
@pytest.mark.parametrize("url", ["/me", "/keys-only", "/anyone"])
def test_key_headers_beside_bearer_are_malformed(make_key, make_token, client, url):
    key = make_key()

    answer = client.get(url, headers=bearer(make_token(key)) | key_headers(key))

    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_request")


@pytest.mark.req("D2")
def test_unavailable_database_is_503_on_views(make_key, make_token, client):
    token = make_token(make_key())
    key_state.reset()

    with database_gone():
        answer = client.get("/me", headers=bearer(token))

    assert (answer.status_code, answer.json()["code"]) == (503, "service_unavailable")
    assert answer.headers["Retry-After"] == "5"
