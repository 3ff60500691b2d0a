"""DELETE token: the revocation of one token (contract §2)."""

import hashlib
import logging
from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from django.db import OperationalError, connection
from django.test import Client

from tests.support.keys_client import client_of, code_of
from tests.support.requests import JSON, TOKEN_URL, bearer, body
from tests.support.times import NOON
from tests.support.token_errors import assert_token_error
from tests.support.tokens import claims_for, claims_of, sign
from tot_jwt.keys import state as key_state
from tot_jwt.models import ApiKey, RevokedToken

pytestmark = [pytest.mark.django_db, pytest.mark.req("A11")]


@pytest.fixture
def revoke(client: Client) -> Callable[..., Any]:
    """``revoke(token)``: send it with DELETE."""

    def send(token: str, **headers: str) -> Any:
        return client.delete(TOKEN_URL, headers={**bearer(token), **headers})

    return send


def test_revoked_token_is_rejected_everywhere(make_key, make_token, get_token, client, revoke):
    token = make_token(make_key())

    answer = revoke(token)

    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["Cache-Control"] == "no-store"
    for _ in range(2):
        assert_token_error(get_token(token), "token_revoked")
        assert_token_error(revoke(token), "token_revoked")
    assert code_of(client.get("/me", headers=bearer(token))) == (401, "token_revoked")
    assert code_of(client.get("/api/internal/auth/keys", headers=bearer(token))) == (
        401,
        "token_revoked",
    )
    assert RevokedToken.objects.count() == 1


@pytest.mark.parametrize("max_age", [0, 5])
def test_other_tokens_and_keys_live_on(
    make_key, make_token, get_token, post_token, client, revoke, settings, max_age
):
    settings.TOT_JWT = {"KEY_STATE_MAX_AGE": max_age}
    key = make_key()
    first, second = make_token(key), make_token(key)
    others = make_token(make_key(app_domain=key.app_domain))

    assert revoke(first).status_code == 204

    for token in (second, others, make_token(key)):
        for _ in range(2):
            assert get_token(token).status_code == 200
    assert post_token(key).status_code == 200
    assert client.post("/me", body(key), content_type=JSON).status_code == 200
    assert code_of(get_token(first)) == (401, "token_revoked")


def test_revocations_do_not_displace_one_another(make_key, make_token, get_token, revoke):
    key = make_key()
    tokens = [make_token(key) for _ in range(3)]

    for number, token in enumerate(tokens):
        assert revoke(token).status_code == 204
        answers = [get_token(each).status_code for each in tokens]
        assert answers == [401] * (number + 1) + [200] * (2 - number)


@pytest.mark.parametrize("method", ["get", "head"])
def test_reading_revokes_nothing(make_key, make_token, client, method):
    headers = bearer(make_token(make_key()))

    for _ in range(2):
        assert getattr(client, method)(TOKEN_URL, headers=headers).status_code == 200
    assert not RevokedToken.objects.exists()


def test_revocation_needs_management_scope_not(make_key, make_token, revoke):
    """Each client may give back its own token, whatever the token may do."""
    token = make_token(make_key(scopes=["a"]), scopes=["a"])

    assert revoke(token).status_code == 204


INVALID = {
    "no token": (None, 401, "not_authenticated"),
    "another scheme": ("Basic eDp5", 401, "not_authenticated"),
    "malformed": ("Bearer x", 401, "token_malformed"),
    "forged": ("Bearer aa.bb.cc", 401, "token_invalid"),
}


@pytest.mark.parametrize(("header", "status", "code"), INVALID.values(), ids=INVALID)
def test_invalid_token_is_not_revoked(client, header, status, code):
    headers = {} if header is None else {"Authorization": header}

    assert code_of(client.delete(TOKEN_URL, headers=headers)) == (status, code)
    assert not RevokedToken.objects.exists()


@time_machine.travel(NOON, tick=False)
def test_expired_token_is_not_revoked(make_key, revoke):
    token = sign(claims_for(make_key(), iat=int(NOON.timestamp()) - 900, exp=int(NOON.timestamp())))

    assert_token_error(revoke(token), "token_expired")
    assert not RevokedToken.objects.exists()


def test_token_outside_addresses_is_not_revoked(make_key, make_token, revoke, client):
    token = make_token(make_key(allowed_ips=["127.0.0.1"]))

    answer = client.delete(TOKEN_URL, headers=bearer(token), REMOTE_ADDR="192.0.2.1")

    assert code_of(answer) == (403, "insufficient_permissions")
    assert revoke(token).status_code == 204


def test_direct_keys_revoke_nothing(make_key, client):
    answer = client.delete(TOKEN_URL, body(make_key()), content_type=JSON)

    assert code_of(answer) == (401, "not_authenticated")


@pytest.mark.parametrize("jti", ["0", "j" * 1500, "é☃", " "], ids=ascii)
def test_any_jti_can_be_revoked(make_key, get_token, revoke, jti):
    key = make_key()
    token, other = sign(claims_for(key, jti=jti)), sign(claims_for(key, jti=jti + "x"))
    assert get_token(token).status_code == 200

    assert revoke(token).status_code == 204

    assert code_of(get_token(token)) == (401, "token_revoked")
    assert get_token(other).status_code == 200


def test_far_expiry_can_be_revoked(make_key, get_token, revoke):
    token = sign(claims_for(make_key(), exp=253402300799))  # the last second of the year 9999

    assert revoke(token).status_code == 204
    assert code_of(get_token(token)) == (401, "token_revoked")


@pytest.mark.parametrize("max_age", [0, 5])
def test_key_without_revocations_costs_nothing(
    make_key, make_token, client, revoke, settings, django_assert_num_queries, max_age
):
    settings.TOT_JWT = {"KEY_STATE_MAX_AGE": max_age}
    token = make_token(make_key())
    revoke(make_token(make_key()))
    usual = 0 if max_age else 1
    client.get("/me", headers=bearer(token))

    with django_assert_num_queries(usual):
        assert client.get("/me", headers=bearer(token)).status_code == 200


def test_expired_revocation_costs_nothing_more(
    make_key, make_token, client, revoke, pass_time, settings, django_assert_num_queries
):
    settings.TOT_JWT = {"KEY_STATE_MAX_AGE": 0}
    key = make_key()
    revoke(make_token(key))
    pass_time(600)
    headers = bearer(make_token(key))

    # Ten seconds more than the token lives: the clocks of other nodes may be behind.
    for seconds, queries in [(0, 2), (309, 2), (1, 1)]:
        pass_time(seconds)
        with django_assert_num_queries(queries):
            assert client.get("/me", headers=headers).status_code == 200


def test_rows_live_until_tokens_expire(
    make_key, make_token, revoke, pass_time, django_capture_on_commit_callbacks
):
    key = make_key()
    kept = []
    for seconds in (0, 300, 609.5, 0.5):
        pass_time(seconds)
        with django_capture_on_commit_callbacks(execute=True):
            revoke(make_token(key))
        kept.append(RevokedToken.objects.count())

    assert kept == [1, 2, 3, 3]


def test_earlier_end_keeps_the_later(make_key, get_token, revoke, pass_time):
    """A short token that is revoked second must not hide the revocation of a long one."""
    key = make_key()
    epoch = int(NOON.timestamp())
    long, short = (
        sign(claims_for(key, jti=str(seconds), exp=epoch + seconds)) for seconds in (900, 60)
    )
    assert (revoke(long).status_code, revoke(short).status_code) == (204, 204)

    pass_time(120)

    assert code_of(get_token(long)) == (401, "token_revoked")


def test_foreign_revocation_counts_after_max_age(
    make_key, make_token, get_token, revoke, pass_time
):
    token = make_token(make_key())
    assert get_token(token).status_code == 200
    revoke(token)
    rows, keys = [*RevokedToken.objects.all()], ApiKey.objects.values("tokens_revoked_until")
    until = keys.get()["tokens_revoked_until"]
    RevokedToken.objects.all().delete()
    ApiKey.objects.update(tokens_revoked_until=None)
    key_state.reset()
    assert get_token(token).status_code == 200

    # As another process does: this one is not told.
    RevokedToken.objects.bulk_create(rows)
    ApiKey.objects.update(tokens_revoked_until=until)

    pass_time(4.9)
    assert get_token(token).status_code == 200
    pass_time(0.1)
    assert_token_error(get_token(token), "token_revoked")


def test_revocation_drops_the_cached_state(make_key, make_token, get_token, revoke):
    key = make_key()
    token = make_token(key)
    get_token(token)
    assert key_state.cached(key.public_key) is not None

    revoke(token)

    assert key_state.cached(key.public_key) is None


def test_second_foreign_revocation_counts_at_once(make_key, make_token, get_token, revoke):
    """A key that has revoked tokens is asked for them at each use: no grant is remembered."""
    key = make_key()
    revoke(make_token(key))
    token = make_token(key)
    for _ in range(2):
        assert get_token(token).status_code == 200

    # As another process does: this one is not told.
    jti_hash = hashlib.sha256(claims_of(token)["jti"].encode()).hexdigest()
    row = RevokedToken(jti_hash=jti_hash, key=key, expires_at=claims_of(token)["exp"])
    RevokedToken.objects.bulk_create([row])

    assert_token_error(get_token(token), "token_revoked")


def test_revocation_is_logged_without_the_token(make_key, make_token, revoke, caplog):
    caplog.set_level(logging.INFO, logger="tot_jwt")
    key = make_key()
    token = make_token(key)

    revoke(token)

    jti = claims_of(token)["jti"]
    assert f"Token revoked: key={key.public_key} jti={jti} address=127.0.0.1" in caplog.messages
    assert token not in caplog.text


def test_unreachable_database_gives_503(make_key, make_token, get_token, revoke):
    token = make_token(make_key())
    assert get_token(token).status_code == 200

    def fail(execute, sql, *args):
        raise OperationalError("gone")

    with connection.execute_wrapper(fail):
        answer = revoke(token)

    assert code_of(answer) == (503, "service_unavailable")
    assert get_token(token).status_code == 200


def test_unreachable_rows_are_no_acceptance(make_key, make_token, get_token, revoke):
    """A process that cannot look up the revoked tokens accepts no token of the key."""
    key = make_key()
    revoked, other = make_token(key), make_token(key)
    revoke(revoked)

    def fail(execute, sql, *args):
        if "revokedtoken" in sql:
            raise OperationalError("gone")
        return execute(sql, *args)

    with connection.execute_wrapper(fail):
        for token in (revoked, other):
            assert code_of(get_token(token)) == (503, "service_unavailable")
    assert get_token(other).status_code == 200


def test_created_keys_token_is_revoked_alone(make_key, get_token, make_token, revoke):
    creator = make_key()
    created = client_of(creator).create().json()
    own = make_token(creator)
    others = Client().post(
        TOKEN_URL,
        {
            "appDomain": creator.app_domain.domain,
            "totApiKey": created["totApiKey"],
            "totSecretKey": created["totSecretKey"],
        },
        content_type=JSON,
    )

    assert revoke(own).status_code == 204

    assert get_token(others.json()["token"]).status_code == 200
