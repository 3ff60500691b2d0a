"""POST oauth/introspect: what a token grants now (contract §6, RFC 7662)."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from rest_framework_simplejwt.tokens import RefreshToken

from tests.support.factories import erase
from tests.support.faults import database_gone
from tests.support.oauth import (
    INTROSPECT,
    INVALID_CLIENT,
    INVALID_REQUEST,
    MAY_INTROSPECT,
    UNAUTHORIZED,
    UNAVAILABLE,
    basic,
    basic_of,
    description_of,
    error_of,
    form_of,
    members_of,
    post,
    token_of,
)
from tests.support.requests import TOKEN_URL, bearer
from tests.support.times import NOON
from tests.support.tokens import claims_for, claims_of, sign
from tot_jwt.keys import domains, lifecycle
from tot_jwt.models import ApiKey, AppDomain

pytestmark = pytest.mark.django_db

INACTIVE = {"active": False}
PAST = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def caller(make_key: Callable[..., Any]) -> Any:
    """Return the key of a resource server."""
    return make_key(scopes=[MAY_INTROSPECT])


@pytest.fixture
def introspect(caller: Any) -> Callable[[str], dict[str, Any]]:
    """``introspect(token)``: return what the resource server learns."""

    def introspect(token: str) -> dict[str, Any]:
        return members_of(post(INTROSPECT, {"token": token}, basic_of(caller)))

    return introspect


# The response


def test_active_token_is_described(make_key, introspect, pass_time):
    key = make_key(app_domain__domain="myapp.com", scopes=["b", "a"], environment="test")
    token = token_of(key)
    pass_time(899)

    assert introspect(token) == {
        "active": True,
        "scope": "a b keys:manage",
        "token_type": "Bearer",
        "client_id": key.public_key,
        "sub": key.public_key,
        "aud": "tot-jwt-api",
        "iss": "tot-jwt",
        "iat": int(NOON.timestamp()),
        "exp": int(NOON.timestamp()) + 900,
        "jti": claims_of(token)["jti"],
        "appDomain": "myapp.com",
        "env": "test",
    }
    pass_time(1)
    assert introspect(token) == INACTIVE


def test_narrow_token_stays_narrow(make_key, introspect):
    token = token_of(make_key(scopes=["a", "b"]), scope="a")

    assert introspect(token)["scope"] == "a"


def test_hint_is_ignored(make_key, caller):
    token = token_of(make_key())

    for hint in ("access_token", "refresh_token", "zebra7"):
        sent = {"token": token, "token_type_hint": hint}
        assert members_of(post(INTROSPECT, sent, basic_of(caller)))["active"] is True


# The rights as they are now


def update(**columns):
    return lambda key, token, client: ApiKey.objects.filter(pk=key.pk).update(**columns)


def suspend(key, token, client):
    AppDomain.objects.filter(pk=key.app_domain.pk).update(suspended_at=PAST)


def give_back(key, token, client):
    assert client.delete(TOKEN_URL, headers=bearer(token)).status_code == 204


#: What happens to the key, past the caches → the scope of its token, or None if that is inactive.
CHANGES = {
    "nothing": (lambda key, token, client: None, "a b keys:manage"),
    "scope taken away": (update(scopes="b"), "b keys:manage"),
    "all scopes taken away": (update(scopes=""), "keys:manage"),
    "scope added": (update(scopes="a b c"), "a b keys:manage"),
    "addresses": (update(allowed_ips="192.0.2.0/24"), "a b keys:manage"),
    "no more exchange": (update(can_issue_tokens=False), "a b keys:manage"),
    "revoked": (update(revoked_at=PAST), None),
    "disabled": (update(disabled_at=PAST), None),
    "expired": (update(expires_at=PAST), None),
    "tokens ended": (update(generation=2), None),
    "suspended": (suspend, None),
    "domain renamed": (
        lambda key, token, client: domains.rename_domain(key.app_domain, "other.example"),
        None,
    ),
    "erased": (lambda key, token, client: erase(key), None),
    "given back": (give_back, None),
    "revoked by an administrator": (lambda key, token, client: lifecycle.revoke_key(key), None),
}


@pytest.mark.req("A11")
@pytest.mark.parametrize(("happen", "scope"), CHANGES.values(), ids=CHANGES)
def test_rights_are_those_of_now(make_key, introspect, client, settings, happen, scope):
    settings.TOT_JWT = {"KEY_STATE_MAX_AGE": 3600}
    key = make_key(scopes=["a", "b"])
    token = token_of(key)
    for _ in range(2):
        assert client.get("/me", headers=bearer(token)).status_code == 200
    assert introspect(token)["active"] is True

    happen(key, token, client)

    answer = introspect(token)
    assert (answer == INACTIVE) if scope is None else (answer["scope"] == scope)


@pytest.mark.req("F4")
def test_management_scope_follows_its_setting(make_key, introspect, settings):
    token = token_of(make_key(scopes=["a"]))

    settings.TOT_JWT = {"TOKENS_MANAGE_KEYS": False}

    assert introspect(token)["scope"] == "a"


@pytest.mark.req("A11")
def test_other_environment_is_inactive(make_key, introspect, settings):
    token = token_of(make_key(environment="test"))
    assert introspect(token)["active"] is True

    settings.TOT_JWT = {"ENVIRONMENTS": ["live"]}

    assert introspect(token) == INACTIVE


@pytest.mark.req("F0")
def test_created_key_has_creators_limits(make_key, introspect):
    creator = make_key(scopes=["a", "b"])
    created = make_key(app_domain=creator.app_domain, created_by_key=creator, scopes=["a", "b"])
    token = token_of(created)
    ApiKey.objects.filter(pk=creator.pk).update(scopes="b")
    assert introspect(token)["scope"] == "b keys:manage"

    ApiKey.objects.filter(pk=creator.pk).update(disabled_at=PAST)

    assert introspect(token) == INACTIVE


# What is not a token

NOT_TOKENS = {
    "text": lambda key, token: "zebra7",
    "three parts": lambda key, token: "aa.bb.cc",
    "padding": lambda key, token: f"{token}=",
    "space": lambda key, token: f" {token}",
    "newline": lambda key, token: f"{token}\n",
    "scheme": lambda key, token: f"Bearer {token}",
    "not ASCII": lambda key, token: f"{token}\u00e4",
    "NUL": lambda key, token: f"{token}\0",
    "too long": lambda key, token: f"{token}{'a' * 4096}",
    "changed": lambda key, token: token[:-2] + ("AA" if token[-2:] != "AA" else "QA"),
    "unsigned": lambda key, token: token.rpartition(".")[0] + ".",
    "foreign key": lambda key, token: sign(claims_for(key), key=b"k" * 32),
    "foreign issuer": lambda key, token: sign(claims_for(key, iss="zebra7")),
    "foreign audience": lambda key, token: sign(claims_for(key, aud="zebra7")),
    "no algorithm": lambda key, token: sign(claims_for(key), {"alg": "none", "typ": "JWT"}),
    "refresh token of simplejwt": lambda key, token: str(RefreshToken()),
    "access token of simplejwt": lambda key, token: str(RefreshToken().access_token),
    "expired": lambda key, token: sign(claims_for(key, iat=1, exp=2)),
    "issued in the future": lambda key, token: sign(claims_for(key, iat=2**33, exp=2**33 + 900)),
    "other generation": lambda key, token: sign(claims_for(key, ver=7)),
    "domain of another": lambda key, token: sign(claims_for(key, appDomain="zebra7.example")),
    "unknown key": lambda key, token: sign(claims_for(key, sub="zebra7", client_id="zebra7")),
    "secret of the key": lambda key, token: key.secret,
}


@pytest.mark.req("A8")
@pytest.mark.parametrize("bend", NOT_TOKENS.values(), ids=NOT_TOKENS)
def test_anything_else_is_inactive(make_key, introspect, bend):
    key = make_key()
    token = token_of(key)
    assert introspect(sign(claims_for(key)))["active"] is True

    assert introspect(bend(key, token)) == INACTIVE


# The caller

CALLERS = {
    "Basic": lambda key, token: {"headers": basic_of(key)},
    "form": lambda key, token: {"sent": form_of(key)},
    "Bearer": lambda key, token: {"headers": bearer(token)},
}


def call(token, headers=None, sent=None):
    return post(INTROSPECT, {"token": token, **(sent or {})}, headers)


@pytest.mark.parametrize("way", CALLERS.values(), ids=CALLERS)
def test_caller_authenticates_in_three_ways(make_key, make_token, caller, way):
    token = token_of(make_key())

    answer = call(token, **way(caller, make_token(caller)))

    assert members_of(answer)["active"] is True


@pytest.mark.req("E10")
@pytest.mark.parametrize("way", CALLERS.values(), ids=CALLERS)
def test_caller_needs_the_scope(make_key, make_token, caplog, way):
    key = make_key(scopes=["orders:read"])
    token = make_token(key)

    answer = call(token, **way(key, token))

    assert error_of(answer) == (403, "insufficient_scope")
    assert description_of(answer) == "The client needs the scope tokens:introspect"
    assert answer.headers["WWW-Authenticate"] == (
        'Bearer realm="api", error="insufficient_scope", scope="tokens:introspect"'
    )
    jti = claims_of(token)["jti"] if way is CALLERS["Bearer"] else ""
    assert (
        f"Access refused: reason=insufficient_scope key={key.public_key} jti={jti} "
        "address=127.0.0.1" in caplog.messages
    )


def test_narrow_bearer_lacks_the_scope(make_token, make_key):
    caller = make_key(scopes=[MAY_INTROSPECT, "a"])

    answer = call("x", bearer(make_token(caller, scopes=["a"])))

    assert error_of(answer) == (403, "insufficient_scope")
    assert call("x", bearer(make_token(caller))).status_code == 200


@pytest.mark.req("A11")
@pytest.mark.parametrize("way", CALLERS.values(), ids=CALLERS)
def test_scope_taken_away_counts(make_token, caller, way):
    token = make_token(caller)
    assert call("x", **way(caller, token)).status_code == 200
    key = ApiKey.objects.get(pk=caller.pk)
    key.scopes = "orders:read"
    key.save()

    assert error_of(call("x", **way(caller, token))) == (403, "insufficient_scope")


@pytest.mark.parametrize("way", CALLERS.values(), ids=CALLERS)
def test_new_scope_counts_at_once(make_key, make_token, way):
    key = make_key(scopes=["a"])
    token = make_token(make_key(scopes=[MAY_INTROSPECT]))
    own = sign(claims_for(key, scope=MAY_INTROSPECT))
    assert call(token, **way(key, own)).status_code == 403

    ApiKey.objects.filter(pk=key.pk).update(scopes=MAY_INTROSPECT)

    assert members_of(call(token, **way(key, own)))["active"] is True


@pytest.mark.parametrize(
    ("bend", "detail"),
    [
        (lambda key, token: "x", "Token is malformed"),
        (lambda key, token: "", "Token is malformed"),
        (lambda key, token: f"{token}=", "Token is malformed"),
        (lambda key, token: "aa.bb.cc", "Token is invalid"),
        (lambda key, token: sign(claims_for(key, iat=1, exp=2)), "Token has expired"),
        (lambda key, token: sign(claims_for(key, ver=7)), "Token has been revoked"),
    ],
)
def test_invalid_bearer_is_challenged(make_token, caller, bend, detail):
    token = make_token(caller)
    assert call("x", bearer(token)).status_code == 200

    answer = call("x", bearer(bend(caller, token)))

    assert error_of(answer) == (401, "invalid_token")
    assert description_of(answer) == detail
    assert answer.headers["WWW-Authenticate"] == (
        f'Bearer realm="api", error="invalid_token", error_description="{detail}"'
    )


def test_bearer_outside_addresses_is_unauthorized(make_key, make_token):
    token = make_token(make_key(scopes=[MAY_INTROSPECT], allowed_ips=["127.0.0.1"]))

    answer = post(INTROSPECT, headers=bearer(token), REMOTE_ADDR="192.0.2.1")

    assert error_of(answer) == UNAUTHORIZED
    assert post(INTROSPECT, headers=bearer(token)).status_code == 200


@pytest.mark.req("C2")
@pytest.mark.parametrize(
    "more",
    [
        {"sent": {"client_secret": "x"}},
        {"headers": {"Tot-Api-Key": "x"}},
        {"headers": {"Tot-Secret-Key": "x"}},
    ],
)
def test_two_ways_are_invalid(make_token, caller, more):
    headers = bearer(make_token(caller))
    assert call("x", headers).status_code == 200

    answer = call("x", headers | more.get("headers", {}), more.get("sent"))

    assert error_of(answer) == INVALID_REQUEST
    assert description_of(answer) == "The client may authenticate in one way only"


def test_bearer_is_in_configured_header(make_token, caller, settings):
    token = make_token(caller)
    settings.TOT_JWT = {"TOKEN_HEADER": "X-Api-Token"}

    for headers in ({}, {"Authorization": "Basic eDp5"}, {"Authorization": f"Bearer {token}"}):
        sent = {"X-Api-Token": f"Bearer {token}", **headers}
        assert call(token, sent).status_code == 200
        assert error_of(call(token, headers)) == INVALID_CLIENT
        assert error_of(call(token, sent, form_of(caller))) == INVALID_REQUEST


def test_caller_comes_before_the_token(caller):
    for headers, expected in [
        (basic(caller.public_key, "x"), INVALID_CLIENT),
        (basic_of(caller), INVALID_REQUEST),
    ]:
        assert error_of(post(INTROSPECT, {"token": None}, headers)) == expected


# Faults


@pytest.mark.req("D2")
def test_unreachable_database_is_not_inactive(make_key, caller):
    token = token_of(make_key())
    assert call(token, basic_of(caller)).status_code == 200

    with database_gone():
        answer = call(token, basic_of(caller))

    assert error_of(answer) == UNAVAILABLE
