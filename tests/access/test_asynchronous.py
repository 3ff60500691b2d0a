"""Verification in an event loop: warm without a thread, cold without an error, never a query."""

import asyncio
from contextlib import suppress

import pytest
from asgiref.sync import async_to_sync
from django.db import connection

from tests.support.faults import database_gone
from tests.support.requests import bearer
from tests.support.tokens import claims_for, sign
from tests.support.uses import counted
from tot_jwt import exceptions
from tot_jwt.access import (
    ahas_scope,
    averify_keys,
    averify_request,
    averify_token,
    verify_keys,
    verify_request,
    verify_token,
)
from tot_jwt.http.errors import challenge_for
from tot_jwt.keys import lifecycle
from tot_jwt.keys import state as key_state
from tot_jwt.rules.credentials import Credentials, PresentedSecret

ADDRESS = "192.0.2.1"
verify_in_loop = async_to_sync(averify_token)


class Router:
    """A router that could read the tenant from its thread."""

    def db_for_write(self, model, **hints):
        """Leave the choice to Django."""


def answer_at_once(coroutine):
    """Return what a coroutine returns if it waits for nothing, also not for a thread; or None."""
    with suppress(RuntimeError):  # it asks for the event loop, which does not run
        try:
            coroutine.send(None)
        except StopIteration as end:
            return end.value
    return None


@pytest.fixture
def token(make_key, make_token):
    """Return a token with one scope, which no process has verified."""
    return make_token(make_key(scopes=["orders:read"]), scopes=["orders:read"])


def test_warm_token_needs_no_thread(token, django_assert_num_queries):
    expected = verify_token(token, address=ADDRESS)

    with django_assert_num_queries(0):
        assert answer_at_once(averify_token(token, address=ADDRESS)) == expected


def test_cold_token_works_in_loop(token, django_assert_num_queries):
    key_state.reset()

    assert answer_at_once(averify_token(token, address=ADDRESS)) is None
    with django_assert_num_queries(1):
        client, verified = verify_in_loop(token, address=ADDRESS)
    assert client.scopes == verified.scopes == {"orders:read"}


def test_token_works_when_memory_ends(pass_time, token, django_assert_num_queries):
    verify_in_loop(token, address=ADDRESS)
    pass_time(5)

    assert answer_at_once(averify_token(token, address=ADDRESS)) is None
    with django_assert_num_queries(1):
        verify_in_loop(token, address=ADDRESS)
    assert answer_at_once(averify_token(token, address=ADDRESS)) is not None


def test_token_works_without_memory(token, settings, django_assert_num_queries):
    settings.TOT_JWT = {"KEY_STATE_MAX_AGE": 0}
    verify_in_loop(token, address=ADDRESS)

    with django_assert_num_queries(2):
        verify_in_loop(token, address=ADDRESS)
        verify_in_loop(token, address=ADDRESS)


def test_many_tasks_verify_at_once(make_key, make_token):
    tokens = [make_token(make_key()) for _ in range(5)] * 10
    key_state.reset()

    async def verify_all():
        return await asyncio.gather(*(averify_token(each, address=ADDRESS) for each in tokens))

    clients = [client for client, _ in async_to_sync(verify_all)()]
    assert clients == [verify_token(each, address=ADDRESS)[0] for each in tokens]


@pytest.mark.django_db(transaction=True)
def test_uses_are_counted(make_key, make_token):
    key = make_key()
    token = make_token(key)
    for _ in range(3):
        verify_in_loop(token, address=ADDRESS)

    assert counted(key) == (4, 0)  # the exchange too


def test_loop_does_not_guess_tenant(token, settings, monkeypatch):
    verify_token(token, address=ADDRESS)
    assert answer_at_once(averify_token(token, address=ADDRESS)) is not None

    settings.DATABASE_ROUTERS = [f"{__name__}.Router"]
    assert answer_at_once(averify_token(token, address=ADDRESS)) is None
    settings.DATABASE_ROUTERS = []
    monkeypatch.setattr(connection, "schema_name", "tenant", raising=False)
    verify_token(token, address=ADDRESS)
    assert answer_at_once(averify_token(token, address=ADDRESS)) is None


@pytest.mark.parametrize("is_warm", [False, True])
def test_errors_say_what_clients_see(make_key, is_warm):
    key, elsewhere = make_key(), make_key(allowed_ips=[ADDRESS])
    tokens = {
        "token_malformed": "opaque",
        "token_invalid": sign(claims_for(key), key=b"x" * 32),
        "token_expired": sign(claims_for(key, iat=1, exp=2)),
        "token_revoked": sign(claims_for(key, ver=9)),
        "insufficient_permissions": sign(claims_for(elsewhere)),
    }
    if is_warm:
        verify_token(tokens["insufficient_permissions"], address=ADDRESS)

    for code, token in tokens.items():
        with pytest.raises(exceptions.TotJWTError) as caught:
            verify_in_loop(token, address="198.51.100.1")
        error = caught.value
        is_401 = code != "insufficient_permissions"
        assert (error.code, error.status) == (code, 401 if is_401 else 403)
        assert (challenge_for(error) is not None) is is_401
        assert not is_401 or error.detail in challenge_for(error)


def test_revoked_key_is_noticed_at_once(make_key, make_token):
    key = make_key()
    token = make_token(key)
    verify_in_loop(token, address=ADDRESS)
    lifecycle.revoke_key(key)

    with pytest.raises(exceptions.RevokedToken):
        verify_in_loop(token, address=ADDRESS)


@pytest.mark.req("D2")
def test_unavailable_database_is_told(token):
    verify_in_loop(token, address=ADDRESS)

    with database_gone():
        client, _ = verify_in_loop(token, address=ADDRESS)
        assert async_to_sync(ahas_scope)(client, "orders:read")
        with pytest.raises(exceptions.ServiceUnavailable):
            async_to_sync(ahas_scope)(client, "orders:write")
        key_state.reset()
        with pytest.raises(exceptions.ServiceUnavailable):
            verify_in_loop(token, address=ADDRESS)


def test_keys_work_in_loop(make_key):
    key = make_key(scopes=["orders:read"])
    domain, public_key = key.app_domain.domain, key.public_key
    good = Credentials(domain, public_key, PresentedSecret(key.secret))
    wrong = Credentials(domain, public_key, PresentedSecret("wrong"))

    for _ in range(2):
        found = async_to_sync(averify_keys)(good, address=ADDRESS)
        assert found == verify_keys(good, address=ADDRESS)
        with pytest.raises(exceptions.InvalidCredentials):
            async_to_sync(averify_keys)(wrong, address=ADDRESS)


def test_scope_is_asked_in_loop(token):
    client, _ = verify_in_loop(token, address=ADDRESS)

    assert async_to_sync(ahas_scope)(client, "orders:read") is True
    assert async_to_sync(ahas_scope)(client, "orders:write") is False


@pytest.mark.parametrize("verify", [verify_request, async_to_sync(averify_request)])
def test_request_gets_its_client(make_key, make_token, rf, verify):
    key = make_key(allowed_ips=[ADDRESS])
    request = rf.get("/", headers=bearer(make_token(make_key())), REMOTE_ADDR=ADDRESS)

    client, token = verify(request)

    assert request.user is async_to_sync(request.auser)() is token.client is client
    assert request.auth is token
    assert "totSecretKey" in request.sensitive_post_parameters
    with pytest.raises(exceptions.InsufficientScope):
        verify(request, ["orders:read"])
    with pytest.raises(exceptions.InsufficientPermissions):
        verify(rf.get("/", headers=bearer(sign(claims_for(key)))))
    with pytest.raises(exceptions.CredentialsRequired):
        verify(rf.get("/"))
