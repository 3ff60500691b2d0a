"""How many queries a request sends: speed and equal rejections depend on it."""

import pytest

from tests.support.oauth import (
    INTROSPECT,
    MAY_INTROSPECT,
    REVOKE,
    TOKEN,
    basic,
    basic_of,
    post,
    token_of,
)
from tests.support.requests import JSON, TOKEN_URL, bearer, body
from tests.support.times import NOON
from tests.support.tokens import claims_for, sign
from tot_jwt.keys import state as key_state


@pytest.fixture
def queries(django_assert_num_queries):
    """Return a context manager that asserts a number of queries."""
    return django_assert_num_queries


def test_only_first_exchange_queries(make_key, post_token, queries):
    key = make_key()
    key_state.reset()

    for number in (1, 0):
        with queries(number):
            assert post_token(key).status_code == 200


@pytest.mark.parametrize("url", ["/me", TOKEN_URL])
def test_only_first_use_of_token_queries(make_key, make_token, client, queries, url):
    headers = bearer(make_token(make_key()))
    key_state.reset()

    for number in (1, 0):
        with queries(number):
            assert client.get(url, headers=headers).status_code == 200


def test_only_first_use_of_keys_queries(make_key, client, queries):
    sent = body(make_key())

    for number in (1, 0):
        with queries(number):
            assert client.post("/me", sent, content_type=JSON).status_code == 200


def test_each_use_without_cache_queries_once(
    make_key, client, post_token, make_token, queries, settings
):
    settings.TOT_JWT = {"KEY_STATE_MAX_AGE": 0}
    key = make_key()
    headers = bearer(make_token(key))

    for _ in range(2):
        with queries(1):
            assert post_token(key).status_code == 200
        with queries(1):
            assert client.get("/me", headers=headers).status_code == 200
        with queries(1):
            assert client.post("/me", body(key), content_type=JSON).status_code == 200


@pytest.mark.req("B3")
@pytest.mark.parametrize("is_cached", [False, True])
def test_each_rejection_queries_once(make_key, make_token, post_token, client, queries, is_cached):
    key = make_key()
    headers = bearer(make_token(key))
    for reject in (
        lambda: post_token(key, totSecretKey="x"),
        lambda: post_token(key, scopes="not-held"),
        lambda: post_token(key, totApiKey="unknown"),
        lambda: client.get("/scoped", headers=headers),
        lambda: client.post("/me", body(key, totSecretKey="x"), content_type=JSON),
    ):
        key_state.reset()
        if is_cached:
            client.get("/me", headers=headers)
        with queries(1):
            assert reject().status_code in (401, 403)


@pytest.mark.req("B3")
def test_revoked_token_queries_once(make_key, make_token, client, queries):
    key = make_key()
    headers = bearer(make_token(key))
    type(key).objects.filter(pk=key.pk).update(generation=2)
    key_state.reset()

    with queries(1):
        assert client.get("/me", headers=headers).status_code == 401


def test_malformed_exchange_sends_no_query(make_key, post_token, queries):
    key = make_key()

    with queries(0):
        assert post_token(key, appDomain=None).status_code == 400


def test_unverified_token_sends_no_query(make_key, get_token, queries):
    expired = sign(claims_for(make_key(), iat=1, exp=2))

    for token in ("x", "aa.bb.cc", expired):
        with queries(0):
            assert get_token(token).status_code == 401


# The OAuth endpoints


def test_only_first_oauth_exchange_queries(make_key, queries):
    headers = basic_of(make_key())
    key_state.reset()

    for number in (1, 0):
        with queries(number):
            assert post(TOKEN, headers=headers).status_code == 200


def test_each_introspection_queries_token_once(make_key, make_token, queries):
    caller = make_key(scopes=[MAY_INTROSPECT])
    token = token_of(make_key())
    key_state.reset()

    for headers in (basic_of(caller), bearer(make_token(caller))):
        key_state.reset()
        for number in (2, 1, 1):  # the first one also loads the caller
            with queries(number):
                answer = post(INTROSPECT, {"token": token}, headers)
        assert answer.json()["active"] is True


def test_introspection_without_token_queries_caller(make_key, queries):
    caller = make_key(scopes=[MAY_INTROSPECT])
    key_state.reset()

    for number in (1, 0):
        for sent in ("x", "aa.bb.cc", sign(claims_for(caller, iat=1, exp=2))):
            if number:
                key_state.reset()
            with queries(number):
                assert post(INTROSPECT, {"token": sent}, basic_of(caller)).json() == {
                    "active": False
                }


def test_revocation_queries_are_few(make_key, queries):
    key = make_key()
    first, second, other = token_of(key), token_of(key), token_of(make_key())
    key_state.reset()

    # The states of caller and token, and the key; then an update and the new row, in a savepoint.
    # The second time it also looks for the token among the key's revoked ones.
    for token, number in [(first, 7), (second, 8)]:
        with queries(number):
            assert post(REVOKE, {"token": token}, basic_of(key)).status_code == 200
    for sent, number in [("x", 1), ("x", 0), (other, 0), (sign(claims_for(key, iat=1, exp=2)), 0)]:
        with queries(number):
            post(REVOKE, {"token": sent}, basic_of(key))


@pytest.mark.req("B3")
@pytest.mark.parametrize("url", [TOKEN, INTROSPECT, REVOKE])
@pytest.mark.parametrize("is_cached", [False, True])
def test_each_rejected_client_queries_once(make_key, queries, url, is_cached):
    key = make_key()
    revoked = make_key(revoked_at=NOON)
    for headers in (
        basic(key.public_key, "x"),
        basic("unknown", "x"),
        basic_of(revoked),
    ):
        key_state.reset()
        if is_cached:
            post(TOKEN, headers=basic_of(key))
        with queries(1):
            assert post(url, headers=headers).status_code == 401


def test_malformed_client_sends_no_query(make_key, queries):
    key = make_key()
    for sent, headers in [
        ({"grant_type": "x"}, basic_of(key)),
        ({"scope": "a  b"}, basic_of(key)),
        ({}, {"Authorization": "Basic x"}),
        ({}, basic("k" * 129, key.secret)),
        ({}, basic("p\u00e4ss", key.secret)),
        ({"client_secret": "x"}, basic_of(key)),
    ]:
        key_state.reset()
        with queries(0):
            assert post(TOKEN, sent, headers).status_code in (400, 401)


@pytest.mark.parametrize("path", ["jwks.json", "oauth-authorization-server"])
def test_discovery_sends_no_query(db, client, queries, settings, path):
    settings.TOT_JWT = {"ISSUER": "https://auth.example.com"}

    with queries(0):
        assert client.get(f"/.well-known/{path}").status_code == 200
