"""The status of a key: one rule for instances and for queries."""

from datetime import timedelta

import pytest
import time_machine

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
]


@pytest.mark.parametrize(("ending", "status"), ENDINGS, ids=str)
@time_machine.travel(NOON, tick=False)
def test_queries_and_instances_agree_on_status(make_key, ending, status):
    key = make_key(**ending)
    make_key(revoked_at=NOON) if status is KeyStatus.ACTIVE else make_key()

    assert key.status is status
    assert [other for other in KeyStatus if key in ApiKey.objects.with_status(other)] == [status]
    assert (key in ApiKey.objects.usable()) is key.is_usable is (status in ("active", "expiring"))


@time_machine.travel(NOON, tick=False)
def test_every_key_has_exactly_one_status(make_key):
    for ending, _ in ENDINGS:
        make_key(**ending)

    found = [key.pk for status in KeyStatus for key in ApiKey.objects.with_status(status)]

    assert len(found) == len(set(found)) == len(ENDINGS)
