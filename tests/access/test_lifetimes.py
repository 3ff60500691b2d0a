"""How long a key lives at most that a token creates (contract §5)."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.support.keys_client import client_of, code_of
from tests.support.stored_keys import key_in, reread, set_expiry
from tests.support.times import NOON

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.req("F0", "F1"),
    pytest.mark.usefixtures("pass_time"),
]

EXCEEDS = (403, "expiry_exceeds_caller")
SECOND = timedelta(seconds=1)
#: Settings, and the lifetime that they allow.
LIMITS = [
    ({}, timedelta(days=90)),
    ({"CREATED_KEY_MAX_LIFETIME": timedelta(days=7)}, timedelta(days=7)),
    ({"CREATED_KEY_MAX_LIFETIME": SECOND}, SECOND),
    ({"CREATED_KEY_MAX_LIFETIME": timedelta(days=36525)}, timedelta(days=36525)),
    # A longer life would lead beyond the end of the calendar.
    ({"CREATED_KEY_MAX_LIFETIME": timedelta(days=999_999_999)}, timedelta(days=36525)),
]
each_limit = pytest.mark.parametrize(("host", "limit"), LIMITS, ids=str)


def too_late(limit):
    """Return values of `expiresAt` that exceed the limit."""
    return [None, (NOON + limit + SECOND).isoformat(), "9999-12-29T00:00:00Z"]


@each_limit
def test_new_key_lives_no_longer(make_key, settings, host, limit):
    settings.TOT_JWT = host
    api = client_of(make_key())

    for sent in too_late(limit):
        assert code_of(api.create(expiresAt=sent)) == EXCEEDS
    latest = key_in(api.create(expiresAt=(NOON + limit).isoformat()))
    assert reread(latest).expires_at == NOON + limit


@each_limit
def test_longest_life_is_the_default(make_key, settings, host, limit):
    settings.TOT_JWT = host

    created = key_in(client_of(make_key()).create())

    assert reread(created).expires_at == NOON + limit


@each_limit
def test_changed_key_lives_no_longer(make_key, settings, host, limit):
    settings.TOT_JWT = host
    api = client_of(make_key())
    created = key_in(api.create())
    set_expiry(created, NOON + SECOND / 2)

    for sent in too_late(limit):
        assert code_of(api.change(created, expiresAt=sent)) == EXCEEDS
    assert code_of(api.change(created, expiresAt=(NOON + limit).isoformat())) == (200, "")


def test_life_may_be_prolonged_later(make_key, pass_time):
    key = make_key()
    created = key_in(client_of(key).create())
    pass_time(60 * 86400)
    api = client_of(key)

    end = NOON + timedelta(days=150)
    assert code_of(api.change(created, expiresAt=(end + SECOND).isoformat())) == EXCEEDS
    assert code_of(api.change(created, expiresAt=end.isoformat())) == (200, "")


@pytest.mark.parametrize("days", [1, 89])
def test_callers_earlier_end_is_the_limit(make_key, days):
    end = NOON + timedelta(days=days)
    api = client_of(make_key(expires_at=end))

    assert reread(key_in(api.create())).expires_at == end
    for sent in (None, (end + SECOND).isoformat()):
        assert code_of(api.create(expiresAt=sent)) == EXCEEDS


def test_longer_life_from_administrator_stays(make_key):
    """What an administrator prolonged, a token may still rename and shorten."""
    api = client_of(make_key())
    created = key_in(api.create())
    set_expiry(created, datetime(2099, 1, 1, tzinfo=UTC))

    assert code_of(api.change(created, name="x")) == (200, "")
    assert code_of(api.change(created, expiresAt="2098-01-01T00:00:00Z")) == (200, "")
    assert code_of(api.change(created, expiresAt="2098-01-01T00:00:01Z")) == EXCEEDS


def test_endless_setting_is_a_century(make_key, settings):
    settings.TOT_JWT = {"CREATED_KEY_MAX_LIFETIME": timedelta.max}

    created = key_in(client_of(make_key()).create())

    assert reread(created).expires_at == NOON + timedelta(days=36525)
