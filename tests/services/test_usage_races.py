"""Threads that write the counts of one key at the same time, on a database with row locks."""

from functools import partial

import pytest
from django.conf import settings as host_settings

from tests.support.uses import counted
from tot_jwt.keys import usage
from tot_jwt.keys.counts import Counters
from tot_jwt.models import KeyUsage

pytestmark = [
    pytest.mark.services,
    pytest.mark.req("D6"),
    pytest.mark.skipif(
        host_settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"),
        reason="SQLite has no row locks",
    ),
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("pass_time"),
]

ROUNDS = 20


def test_processes_create_a_row_together(make_key, at_once):
    processes = [Counters() for _ in range(4)]

    def use(counter):
        counter.accept()
        counter.accept()()
        counter.write()

    for _ in range(ROUNDS):
        key = make_key()
        at_once(*[partial(use, process.of(key.public_key)) for process in processes])

        (row,) = usage.of_key(key.public_key, 0, 2**40)
        assert (row.accepted, row.refused) == (4, 4)


def test_threads_of_a_process_lose_nothing(make_key, at_once):
    key = make_key()
    counters = Counters()

    def use():
        for _ in range(ROUNDS):
            counter = counters.of(key.public_key)
            use = counter.accept()
            counter.write()
            use()
            counter.write()
            assert not KeyUsage.objects.filter(accepted__lt=0).exists()

    at_once(*[use] * 4)

    for counter in counters.waiting():
        counter.write()
    assert counted(key) == (0, 4 * ROUNDS)
