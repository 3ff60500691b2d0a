"""What a token was granted is remembered beside it: no change may hide behind the memory."""

from datetime import timedelta

import pytest

from tests.support.requests import TOKEN_URL, bearer
from tests.support.times import NOON
from tests.support.token_errors import assert_token_error
from tests.support.tokens import claims_for, sign
from tot_jwt.keys import disable_key
from tot_jwt.models import ApiKey

#: Longer than a token lives: the cached state stays the same.
HOUR = 3600


@pytest.fixture(autouse=True)
def long_memory(settings, pass_time):
    settings.TOT_JWT = {"KEY_STATE_MAX_AGE": HOUR}


@pytest.fixture
def used(make_key, make_token, get_token):
    """Return a function that makes a key, and a token whose grant is remembered."""

    def make(**columns):
        key = make_key(scopes=["a:b"], **columns)
        token = make_token(key)
        for _ in range(2):
            assert get_token(token).status_code == 200
        return key, token

    return make


@pytest.mark.req("A11")
def test_grant_ends_with_key(used, get_token, pass_time):
    _, token = used(expires_at=NOON + timedelta(seconds=30))
    pass_time(29)
    assert get_token(token).status_code == 200

    pass_time(1)

    assert_token_error(get_token(token), "token_revoked")


@pytest.mark.req("A10")
def test_grant_ends_with_token(make_key, get_token, pass_time):
    token = sign(claims_for(make_key(), exp=int(NOON.timestamp()) + 30))
    assert get_token(token).status_code == 200

    pass_time(30)

    assert_token_error(get_token(token), "token_expired")


@pytest.mark.req("A11")
def test_change_here_ends_grant(used, get_token):
    key, token = used()

    disable_key(key)

    assert_token_error(get_token(token), "token_revoked")


def test_grant_looks_at_each_address(used, client):
    _, token = used(allowed_ips=["127.0.0.0/8"])

    for address, status in [("127.0.0.9", 200), ("192.0.2.1", 403), ("127.0.0.1", 200)]:
        answer = client.get(TOKEN_URL, headers=bearer(token), REMOTE_ADDR=address)
        assert answer.status_code == status, address


@pytest.mark.parametrize("environments", [["test"], ["live"]])
def test_grant_looks_at_served_environments(used, get_token, settings, environments):
    _, token = used()

    settings.TOT_JWT = {**settings.TOT_JWT, "ENVIRONMENTS": environments}

    assert (get_token(token).status_code == 200) is (environments == ["live"])


@pytest.mark.req("F4")
def test_grant_follows_right_to_manage(used, client, settings):
    _, token = used()
    assert client.get("/me", headers=bearer(token)).json()["scopes"] == ["a:b", "keys:manage"]

    settings.TOT_JWT = {**settings.TOT_JWT, "TOKENS_MANAGE_KEYS": False}

    assert client.get("/me", headers=bearer(token)).json()["scopes"] == ["a:b"]


@pytest.mark.req("D3")
@pytest.mark.django_db(transaction=True)
def test_use_is_recorded_each_minute(used, get_token, pass_time):
    key, token = used()
    times = []
    for _ in range(3):
        pass_time(60)
        get_token(token)
        times.append(ApiKey.objects.get(pk=key.pk).last_used_at)

    assert [at - NOON for at in times] == [timedelta(minutes=n) for n in (1, 2, 3)]


def test_remembered_grant_runs_no_query(used, get_token, django_assert_num_queries):
    _, token = used()

    with django_assert_num_queries(0):
        assert get_token(token).status_code == 200
