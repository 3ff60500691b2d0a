"""A token follows the state of its key."""

import pytest

from tests.support.factories import erase
from tests.support.times import NOON
from tests.support.token_errors import assert_token_error
from tests.support.tokens import claims_for, sign
from tot_jwt.keys import lifecycle
from tot_jwt.keys.domains import suspend_domain


def save_with(key, **columns):
    for name, value in columns.items():
        setattr(key, name, value)
    key.save()


@pytest.mark.req("A11")
@pytest.mark.parametrize(
    "end",
    [
        lifecycle.revoke_key,
        lifecycle.disable_key,
        lambda key: suspend_domain(key.app_domain),
        erase,
        lambda key: save_with(key, expires_at=NOON),
        lambda key: save_with(key, generation=2),
        lambda key: save_with(key, generation=0),
    ],
)
def test_tokens_end_with_their_key(make_key, make_token, get_token, end):
    key = make_key()
    token = make_token(key)
    assert get_token(token).status_code == 200

    end(key)

    for _ in range(2):
        assert_token_error(get_token(token), "token_revoked")


@pytest.mark.req("A11")
def test_enabled_keys_token_works_again(make_key, make_token, get_token):
    key = make_key()
    token = make_token(key)
    lifecycle.disable_key(key)
    assert_token_error(get_token(token), "token_revoked")

    lifecycle.enable_key(key)

    assert get_token(token).status_code == 200


def test_revoked_keys_old_token_is_expired(make_key, get_token):
    token = sign(claims_for(make_key(revoked_at=NOON), iat=1, exp=2))

    assert_token_error(get_token(token), "token_expired")


def test_token_outside_allowed_networks_is_forbidden(make_key, make_token, get_token):
    key = make_key()
    token = make_token(key)
    save_with(key, allowed_ips="192.0.2.0/24")

    answer = get_token(token)

    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_permissions")
