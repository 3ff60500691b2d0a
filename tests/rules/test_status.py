"""The status of a key: one rule for instances and for queries."""

from datetime import timedelta

import pytest
import time_machine

from tests.support.created_keys import created_by
from tests.support.times import DAY, NOON
from tot_jwt.models import ApiKey, KeyStatus

ENDINGS = [
    ({}, KeyStatus.ACTIVE),
    ({"expires_at": NOON + 100 * DAY}, KeyStatus.ACTIVE),
    ({"expires_at": NOON + 14 * DAY + timedelta(seconds=1)}, KeyStatus.ACTIVE),
    ({"expires_at": NOON + 14 * DAY}, KeyStatus.EXPIRING),
    ({"expires_at": NOON + timedelta(seconds=1)}, KeyStatus.EXPIRING),
    ({"expires_at": NOON}, KeyStatus.EXPIRED),
    ({"expires_at": NOON - DAY}, KeyStatus.EXPIRED),
    ({"disabled_at": NOON - DAY}, KeyStatus.DISABLED),
    ({"disabled_at": NOON + DAY}, KeyStatus.DISABLED),
    ({"disabled_at": NOON, "expires_at": NOON - DAY}, KeyStatus.DISABLED),
    ({"revoked_at": NOON}, KeyStatus.REVOKED),
    ({"revoked_at": NOON + DAY}, KeyStatus.REVOKED),
    ({"revoked_at": NOON, "disabled_at": NOON, "expires_at": NOON + DAY}, KeyStatus.REVOKED),
    ({"app_domain__suspended_at": NOON}, KeyStatus.SUSPENDED),
    ({"app_domain__suspended_at": NOON, "expires_at": NOON + DAY}, KeyStatus.SUSPENDED),
    ({"app_domain__suspended_at": NOON, "expires_at": NOON}, KeyStatus.EXPIRED),
    ({"app_domain__suspended_at": NOON, "disabled_at": NOON}, KeyStatus.DISABLED),
    ({"app_domain__suspended_at": NOON, "revoked_at": NOON}, KeyStatus.REVOKED),
]
#: Columns of a creator, columns of a key that lives inside it, and that key's status.
INSIDE = [
    ({}, {}, KeyStatus.ACTIVE),
    ({"revoked_at": NOON}, {}, KeyStatus.REVOKED),
    ({"revoked_at": NOON}, {"disabled_at": NOON}, KeyStatus.REVOKED),
    ({"disabled_at": NOON}, {}, KeyStatus.DISABLED),
    ({"disabled_at": NOON}, {"expires_at": NOON}, KeyStatus.DISABLED),
    ({"disabled_at": NOON}, {"revoked_at": NOON}, KeyStatus.REVOKED),
    ({"expires_at": NOON}, {}, KeyStatus.EXPIRED),
    ({"expires_at": NOON}, {"expires_at": NOON + DAY}, KeyStatus.EXPIRED),
    ({"expires_at": NOON + DAY}, {}, KeyStatus.EXPIRING),
    ({"expires_at": NOON + DAY}, {"expires_at": NOON + 90 * DAY}, KeyStatus.EXPIRING),
    ({"expires_at": NOON + 90 * DAY}, {"expires_at": NOON + DAY}, KeyStatus.EXPIRING),
    ({"expires_at": NOON + 90 * DAY}, {"expires_at": NOON}, KeyStatus.EXPIRED),
    ({"app_domain__suspended_at": NOON}, {}, KeyStatus.SUSPENDED),
    ({"scopes": ["a"], "allowed_ips": ["::1"], "can_issue_tokens": False}, {}, KeyStatus.ACTIVE),
]


@pytest.mark.parametrize(("ending", "status"), ENDINGS, ids=str)
@time_machine.travel(NOON, tick=False)
def test_queries_and_instances_agree_on_status(make_key, ending, status):
    key = make_key(**ending)
    make_key(revoked_at=NOON) if status is KeyStatus.ACTIVE else make_key()

    assert_status(key, status)


@pytest.mark.req("F0")
@pytest.mark.parametrize(("creators", "own", "status"), INSIDE, ids=str)
@time_machine.travel(NOON, tick=False)
def test_created_key_ends_with_creator(make_key, creators, own, status):
    assert_status(created_by(make_key(**creators), **own), status)


@pytest.mark.req("F0")
@pytest.mark.parametrize(("creators", "own"), [row[:2] for row in INSIDE], ids=str)
@time_machine.travel(NOON, tick=False)
def test_released_key_has_own_status(make_key, creators, own):
    created = created_by(make_key(**creators), **own, released_at=NOON)
    alone = make_key(app_domain=created.app_domain, **own)

    assert_status(created, alone.status)


def assert_status(key, status):
    """Fail unless the instance and each query agree on the key's status."""
    assert key.status is status
    assert [other for other in KeyStatus if key in ApiKey.objects.with_status(other)] == [status]
    assert (key in ApiKey.objects.usable()) is key.is_usable is (status in ("active", "expiring"))


@time_machine.travel(NOON, tick=False)
def test_every_key_has_exactly_one_status(make_key):
    for ending, _ in ENDINGS:
        make_key(**ending)
    for creators, own, _ in INSIDE:
        creator = make_key(**creators)
        created_by(creator, **own)
        created_by(creator, **own, released_at=NOON)

    found = [key.pk for status in KeyStatus for key in ApiKey.objects.with_status(status)]

    assert len(found) == len(set(found)) == len(ENDINGS) + 3 * len(INSIDE)
