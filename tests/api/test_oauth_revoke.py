"""POST oauth/revoke: a client ends one of its own tokens (contract §6, RFC 7009)."""

import logging
from collections.abc import Callable
from typing import Any

import pytest
from rest_framework_simplejwt.tokens import RefreshToken

from tests.support.faults import database_gone
from tests.support.keys_client import code_of
from tests.support.oauth import (
    INTROSPECT,
    INVALID_CLIENT,
    INVALID_REQUEST,
    MAY_INTROSPECT,
    REVOKE,
    UNAUTHORIZED,
    UNAVAILABLE,
    basic,
    basic_of,
    error_of,
    form_of,
    members_of,
    post,
    token_of,
)
from tests.support.requests import TOKEN_URL, bearer
from tests.support.token_errors import assert_token_error
from tests.support.tokens import claims_for, claims_of, sign
from tot_jwt.keys import lifecycle
from tot_jwt.models import RevokedToken

pytestmark = [pytest.mark.django_db, pytest.mark.req("A11")]


@pytest.fixture
def key(make_key: Callable[..., Any]) -> Any:
    """Return the client's key."""
    return make_key()


@pytest.fixture
def revoke(key: Any) -> Callable[..., Any]:
    """``revoke(token)``: send it as the client."""

    def revoke(token: str, **parameters: str) -> Any:
        return post(REVOKE, {"token": token, **parameters}, basic_of(key))

    return revoke


@pytest.mark.parametrize("way", ["basic", "form"])
def test_revoked_token_is_rejected(key, get_token, client, way):
    token = token_of(key)
    assert get_token(token).status_code == 200
    sent = {"token": token}

    for _ in range(2):
        if way == "basic":
            answer = post(REVOKE, sent, basic_of(key))
        else:
            answer = post(REVOKE, {**sent, **form_of(key)})
        assert members_of(answer) == {}
        assert_token_error(get_token(token), "token_revoked")

    assert code_of(client.get("/me", headers=bearer(token))) == (401, "token_revoked")
    assert RevokedToken.objects.count() == 1


@pytest.mark.parametrize("max_age", [0, 5])
def test_other_tokens_live_on(key, make_key, make_token, get_token, revoke, settings, max_age):
    settings.TOT_JWT = {"KEY_STATE_MAX_AGE": max_age}
    token = token_of(key)
    others = [token_of(key), make_token(key), token_of(make_key(app_domain=key.app_domain))]

    assert members_of(revoke(token)) == {}

    assert_token_error(get_token(token), "token_revoked")
    for other in (*others, token_of(key)):
        assert get_token(other).status_code == 200


def test_both_revocations_are_the_same(key, make_token, get_token, client, revoke):
    exchanged, ours = make_token(key), token_of(key)

    assert members_of(revoke(exchanged)) == {}
    assert client.delete(TOKEN_URL, headers=bearer(ours)).status_code == 204

    assert members_of(revoke(ours)) == {}
    for token in (exchanged, ours):
        assert_token_error(get_token(token), "token_revoked")


@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "zebra7"])
def test_hint_is_ignored(key, get_token, revoke, hint):
    token = token_of(key)

    assert members_of(revoke(token, token_type_hint=hint)) == {}
    assert_token_error(get_token(token), "token_revoked")


NOT_LIVE = {
    "text": lambda key: "zebra7",
    "three parts": lambda key: "aa.bb.cc",
    "NUL": lambda key: "\0",
    "long": lambda key: "a" * 7000,
    "foreign signature": lambda key: sign(claims_for(key), key=b"k" * 32),
    "refresh token of simplejwt": lambda key: str(RefreshToken()),
    "expired": lambda key: sign(claims_for(key, iat=1, exp=2)),
    "other generation": lambda key: sign(claims_for(key, ver=7)),
    "domain of another": lambda key: sign(claims_for(key, appDomain="zebra7.example")),
    "own secret": lambda key: key.secret,
}


@pytest.mark.parametrize("make", NOT_LIVE.values(), ids=NOT_LIVE)
def test_ended_token_needs_no_row(key, revoke, make):
    assert members_of(revoke(make(key))) == {}
    assert not RevokedToken.objects.exists()

    assert members_of(revoke(sign(claims_for(key)))) == {}
    assert RevokedToken.objects.count() == 1


@pytest.mark.req("E10", "F2")
@pytest.mark.parametrize("relation", ["same domain", "other domain", "created", "creator"])
def test_other_clients_token_lives_on(key, make_key, get_token, revoke, caplog, relation):
    if relation == "creator":
        other = make_key()
        key.created_by_key = other
        key.save()
    else:
        created_by = {"created_by_key": key} if relation == "created" else {}
        domain = {} if relation == "other domain" else {"app_domain": key.app_domain}
        other = make_key(**domain, **created_by)
    token = token_of(other)

    answer = revoke(token)

    assert error_of(answer) == UNAUTHORIZED
    assert get_token(token).status_code == 200
    assert not RevokedToken.objects.exists()
    assert (
        f"Access refused: reason=token_of_another_client key={key.public_key} jti= "
        "address=127.0.0.1" in caplog.messages
    )
    assert token not in caplog.text


def test_forged_client_of_token_is_rejected(key, make_key, get_token, revoke):
    """The signature is verified before the owner is looked at."""
    other = make_key()
    forged = sign(claims_for(other, sub=key.public_key, client_id=key.public_key), key=b"k" * 32)

    assert members_of(revoke(forged)) == {}
    assert not RevokedToken.objects.exists()


CLIENTS = {
    "nothing": lambda key, token: {},
    "wrong secret": lambda key, token: {"headers": basic(key.public_key, "x")},
    "unknown": lambda key, token: {"headers": basic("zebra7", "x")},
    "Bearer": lambda key, token: {"headers": bearer(token)},
    "wrong secret in the form": lambda key, token: {
        "sent": {"client_id": key.public_key, "client_secret": "x"}
    },
}


@pytest.mark.parametrize("way", CLIENTS.values(), ids=CLIENTS)
def test_wrong_client_revokes_nothing(key, get_token, way):
    token = token_of(key)
    given = way(key, token)
    sent = {"token": token, **given.pop("sent", {})}

    answer = post(REVOKE, sent, **given)

    assert error_of(answer) == INVALID_CLIENT
    assert answer.headers["WWW-Authenticate"] == 'Basic realm="api"'
    assert get_token(token).status_code == 200


def test_scope_to_introspect_revokes_nothing(make_key, get_token):
    caller = make_key(scopes=[MAY_INTROSPECT])
    token = token_of(make_key())

    assert post(INTROSPECT, {"token": token}, basic_of(caller)).status_code == 200
    assert error_of(post(REVOKE, {"token": token}, basic_of(caller))) == UNAUTHORIZED
    assert get_token(token).status_code == 200


def test_key_without_exchange_may_revoke(make_key, make_token, get_token):
    key = make_key()
    token = make_token(key)
    key.can_issue_tokens = False
    key.save()

    assert members_of(post(REVOKE, {"token": token}, basic_of(key))) == {}
    assert_token_error(get_token(token), "token_revoked")


def test_revoked_key_authenticates_no_revocation(key, revoke):
    token = token_of(key)
    lifecycle.revoke_key(key)

    assert error_of(revoke(token)) == INVALID_CLIENT


def test_missing_token_is_invalid(key):
    for token in (None, ""):
        assert error_of(post(REVOKE, {"token": token}, basic_of(key))) == INVALID_REQUEST


@pytest.mark.req("E3")
def test_revocation_is_logged(key, revoke, caplog):
    caplog.set_level(logging.INFO, logger="tot_jwt")
    token = token_of(key)

    revoke(token)

    jti = claims_of(token)["jti"]
    assert f"Token revoked: key={key.public_key} jti={jti} address=127.0.0.1" in caplog.messages
    assert token not in caplog.text


@pytest.mark.req("D2")
def test_unreachable_database_ends_nothing(key, get_token, revoke):
    token = token_of(key)

    with database_gone():
        assert error_of(revoke(token)) == UNAVAILABLE

    assert get_token(token).status_code == 200
    assert members_of(revoke(token)) == {}
    assert_token_error(get_token(token), "token_revoked")
