"""The signal database_unavailable: one for each request that gets 503."""

import pytest

from tests.support.faults import database_gone
from tests.support.keys_client import client_of
from tests.support.oauth import INTROSPECT, MAY_INTROSPECT, REVOKE, basic_of, post
from tests.support.receivers import received_from
from tests.support.requests import JSON, TOKEN_URL, bearer, body
from tot_jwt.keys import state as key_state
from tot_jwt.signals import database_unavailable

#: What the cached state of the key is enough for.
NEED_NO_DATABASE = ("exchange", "oauth exchange", "direct", "token", "verification")


@pytest.fixture
def key(make_key):
    return make_key(scopes=["a", MAY_INTROSPECT])


@pytest.fixture
def api(key):
    return client_of(key)


def calls(api, key, client):
    """Return requests, each a function that returns a response."""
    token = api.headers["Authorization"].removeprefix("Bearer ")
    return {
        "exchange": lambda: client.post(TOKEN_URL, body(key), content_type=JSON),
        "oauth exchange": lambda: post(
            "/oauth/token", {"grant_type": "client_credentials"}, basic_of(key)
        ),
        "direct": lambda: client.post("/me", body(key), content_type=JSON),
        "token": lambda: client.get("/me", headers=bearer(token)),
        "verification": lambda: client.get(TOKEN_URL, headers=bearer(token)),
        "revocation": lambda: client.delete(TOKEN_URL, headers=bearer(token)),
        "introspection": lambda: post(INTROSPECT, {"token": token}, basic_of(key)),
        "oauth revocation": lambda: post(REVOKE, {"token": token}, basic_of(key)),
        "list": api.list,
        "create": lambda: api.create(name="x"),
        "show": lambda: api.show(key),
        "change": lambda: api.change(key, name="x"),
        "rotate": lambda: api.rotate(key, totSecretKey=key.secret),
        "revoke": lambda: api.revoke(key, force="true"),
    }


@pytest.mark.parametrize("is_cold", [True, False])
def test_each_503_is_signalled_once(api, key, client, is_cold):
    for name, call in calls(api, key, client).items():
        if is_cold:
            key_state.reset()
        with database_gone(), received_from(database_unavailable) as sent:
            status = call().status_code
        is_503 = is_cold or name not in NEED_NO_DATABASE
        assert (name, status, len(sent)) == (name, 503 if is_503 else 200, int(is_503))


def test_stale_token_list_is_signalled_once(api, key, client):
    token = api.headers["Authorization"].removeprefix("Bearer ")
    other = client_of(key)
    assert client.delete(TOKEN_URL, headers=other.headers).status_code == 204
    assert client.get("/me", headers=bearer(token)).status_code == 200

    with database_gone(), received_from(database_unavailable) as sent:
        assert client.get("/me", headers=bearer(token)).status_code == 503
    assert sent == [{}]


def test_unconfirmed_scope_is_signalled_once(api, key, client):
    with database_gone(), received_from(database_unavailable) as sent:
        assert client.get("/scoped", headers=api.headers).status_code == 503
    assert sent == [{}]


def test_failed_host_claims_are_not_signalled(make_key, post_token, settings):
    settings.TOT_JWT = {"TOKEN_CLAIMS": "tests.access.test_signals_of_database.fail"}

    with received_from(database_unavailable) as sent:
        assert post_token(make_key()).status_code == 503
    assert sent == []


def fail(client):
    raise RuntimeError
