"""Threads that write the counts of one key at the same time, on a database with row locks."""

from functools import partial

import pytest
from django.conf import settings as host_settings
from django.db import transaction

from tests.support.uses import counted
from tot_jwt.keys import usage
from tot_jwt.keys.counts import Counters, counters
from tot_jwt.models import ApiKey, KeyUsage, current_tenant

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

    def use(process, counter):
        counter.accept()
        counter.accept()()
        process.write(counter.tenant, [counter])

    for _ in range(ROUNDS):
        key = make_key()
        at_once(*[partial(use, each, each.of(key.public_key)) for each in processes])

        (row,) = usage.of_key(key.public_key, 0, 2**40)
        assert (row.accepted, row.refused) == (4, 4)


def test_processes_write_many_rows_together(make_key, at_once):
    keys = [make_key() for _ in range(40)]
    processes = [Counters() for _ in range(4)]
    for number, process in enumerate(processes):
        # Each in an order of its own: the statement must lock the rows in one order.
        for key in keys[number * 10 :] + keys[: number * 10]:
            process.of(key.public_key).accept()

    for _ in range(ROUNDS):
        for process in processes:
            for key in keys:
                process.of(key.public_key).refuse()
        writes = [partial(each.write, current_tenant(), each.waiting()) for each in processes]
        at_once(*writes)

    assert [counted(key) for key in keys] == [(4, 4 * ROUNDS)] * len(keys)


def test_locked_key_delays_no_write(make_key, at_once):
    key, other = make_key(), make_key()
    for each in (key, other):
        counters.of(each.public_key).accept()

    with transaction.atomic():
        ApiKey.objects.select_for_update().get(pk=key.pk)
        # In another connection, which would wait for this one.
        at_once(partial(counters.write, current_tenant(), counters.waiting()))

    assert [counted(each) for each in (key, other)] == [(1, 0)] * 2


def test_threads_of_a_process_lose_nothing(make_key, at_once):
    key = make_key()

    def use():
        for _ in range(ROUNDS):
            counter = counters.of(key.public_key)
            use = counter.accept()
            counters.write(counter.tenant, [counter])
            use()
            counters.write(counter.tenant, [counter])
            assert not KeyUsage.objects.filter(accepted__lt=0).exists()

    at_once(*[use] * 4)

    counters.write(current_tenant(), counters.waiting())
    assert counted(key) == (0, 4 * ROUNDS)
