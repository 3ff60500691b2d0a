"""Tokens on the views of a host."""

import copy
import json
from types import SimpleNamespace

import pytest
from django.contrib.auth import get_user_model
from django.test import RequestFactory
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView
from rest_framework_simplejwt.tokens import AccessToken

from tests.support.faults import database_gone
from tests.support.requests import JSON, TOKEN_URL, bearer, body, key_headers
from tests.support.tokens import b64, claims_for, sign
from tot_jwt.authentication import ApiKeyAuthentication, JWTAuthentication
from tot_jwt.http.errors import ApiError
from tot_jwt.keys import lifecycle
from tot_jwt.keys import state as key_state
from tot_jwt.permissions import HasScopes, NotApiClient
from tot_jwt.principal import ApiKeyAuth, client_of
from tot_jwt.signals import access_refused


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


# The user of the host


class Owners(JWTAuthentication):
    """A host's class, which returns the row of the user that owns the client."""

    def get_user(self, client, auth):
        assert auth.client is client
        return get_user_model().objects.filter(username=client.app_domain).first()


class KeyOwners(ApiKeyAuthentication):
    get_user = Owners.get_user


class OwnersView(APIView):
    authentication_classes = [Owners, KeyOwners]

    def get(self, request):
        return Response({"user": request.user.username, "client": request.auth.client.pk})


class ScopedOwnersView(OwnersView):
    permission_classes = [HasScopes]
    required_scopes = ["orders:read"]


@pytest.fixture
def requests_of(make_token, rf):
    """``requests_of(key)``: return a request with a token of the key, and one with the key."""

    def build(key):
        return [rf.get("/", headers=each) for each in (bearer(make_token(key)), key_headers(key))]

    return build


def test_host_chooses_the_user(make_key, make_user, requests_of):
    key = make_key()
    make_user(username=key.app_domain.domain)

    for request in requests_of(key):
        answer = OwnersView.as_view()(request)
        assert answer.data == {"user": key.app_domain.domain, "client": key.public_key}


def test_client_without_user_is_rejected(make_key, requests_of):
    refused = []

    def receive(sender, **fields):
        refused.append((fields["reason"], fields["public_key"], bool(fields["jti"])))

    access_refused.connect(receive)
    key = make_key()
    for request in requests_of(key):
        answer = OwnersView.as_view(permission_classes=[])(request)
        assert (answer.status_code, answer.data["code"]) == (403, "insufficient_permissions")
    access_refused.disconnect(receive)

    assert refused == [("no_user", key.public_key, True), ("no_user", key.public_key, False)]


@pytest.mark.parametrize("is_staff", [False, True])
def test_scopes_count_beside_other_user(make_key, make_user, requests_of, is_staff):
    allowed, denied = make_key(scopes=["orders:read"]), make_key()
    for key in (allowed, denied):
        make_user(username=key.app_domain.domain, is_staff=is_staff, is_superuser=is_staff)
    view = ScopedOwnersView.as_view()

    assert {view(request).status_code for request in requests_of(allowed)} == {200}
    answers = [view(request) for request in requests_of(denied)]
    assert {answer.data["code"] for answer in answers} == {"insufficient_scope"}


def test_other_user_is_still_a_client(make_key, make_user, requests_of):
    key = make_key(environment="test", scopes=["orders:read"])
    make_user(username=key.app_domain.domain)
    person = make_user()

    for request in requests_of(key):
        assert OwnersView.as_view(permission_classes=[NotApiClient])(request).status_code == 403
    for request in requests_of(key):
        view = type("Live", (ScopedOwnersView,), {"allowed_environments": ["live"]})
        assert view.as_view()(request).status_code == 403
    assert client_of(SimpleNamespace(user=person, auth=SimpleNamespace(client=person))) is None
    assert client_of(SimpleNamespace(user=person)) is None
    assert client_of(SimpleNamespace()) is None


def test_client_is_reachable_by_default(make_key, requests_of):
    for request in requests_of(make_key()):
        user, auth = next(filter(None, (each().authenticate(request) for each in BOTH)))
        assert auth.client is user
        assert copy.copy(auth) is auth
        assert user.pk not in str(auth) or isinstance(auth, ApiKeyAuth)
        with pytest.raises(AttributeError):
            auth.client = None


def test_requests_do_not_share_auth(make_key, make_token, rf):
    request = rf.get("/", headers=bearer(make_token(make_key())))
    (one, first), (other, second) = (JWTAuthentication().authenticate(request) for _ in range(2))

    assert (first.client, second.client) == (one, other)
    assert first.client is one
    assert first is not second
    assert first.payload is second.payload


BOTH = [JWTAuthentication, ApiKeyAuthentication]


# Other headers


@pytest.fixture
def own_header(settings):
    settings.TOT_JWT = {"TOKEN_HEADER": "X-Api-Token"}


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
@pytest.mark.parametrize("occupied", [None, "Basic dXNlcjpwYXNz", "Bearer opaque", "Bearer a.b.c"])
def test_other_header_carries_token(own_header, make_key, make_token, client, scheme, occupied):
    headers = {"X-Api-Token": f"{scheme} {make_token(make_key())}"}
    if occupied:
        headers["Authorization"] = occupied

    answer = client.get("/me", headers=headers)
    verified = client.get(TOKEN_URL, headers=headers)

    assert (answer.status_code, verified.json()["valid"]) == (200, True)
    assert "X-Api-Token" in answer.headers["Vary"]
    assert "Authorization" not in answer.headers["Vary"]
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert client.delete(TOKEN_URL, headers=headers).status_code == 204
    assert client.get("/me", headers=headers).json()["code"] == "token_revoked"


def test_authorization_is_left_to_others(own_header, make_key, make_token, client):
    key = make_key()
    headers = bearer(make_token(key))

    assert client.get("/anyone", headers=headers).json() == {"pk": None}
    assert client.get(TOKEN_URL, headers=headers).json()["code"] == "not_authenticated"
    assert client.get("/me", headers=headers | key_headers(key)).json()["auth"] == "ApiKeyAuth"
    in_body = client.post("/me", body(key), content_type=JSON, headers=headers)
    assert in_body.json()["auth"] == "ApiKeyAuth"


def test_keys_beside_other_header_are_malformed(own_header, make_key, make_token, client):
    key = make_key()
    headers = {"X-Api-Token": f"Bearer {make_token(key)}"}

    assert client.get("/me", headers=headers | key_headers(key)).status_code == 400
    assert client.get("/keys-only", headers=headers | key_headers(key)).status_code == 400
    assert (
        client.post("/keys-only", body(key), content_type=JSON, headers=headers).status_code == 401
    )


# Requests that no view of DRF has


@pytest.mark.parametrize("factory", [RequestFactory, APIRequestFactory])
def test_class_reads_plain_requests(make_key, make_token, factory):
    key = make_key()
    token, direct = bearer(make_token(key)), key_headers(key)

    assert (
        JWTAuthentication().authenticate(factory().get("/", headers=token))[0].pk == key.public_key
    )
    assert ApiKeyAuthentication().authenticate(factory().get("/", headers=direct))[0].pk == (
        key.public_key
    )
    assert JWTAuthentication().authenticate(factory().get("/")) is None
    with pytest.raises(ApiError, match="Token is invalid"):
        JWTAuthentication().authenticate(
            factory().get("/", headers=bearer(sign(claims_for(key), key=b"x" * 32)))
        )
