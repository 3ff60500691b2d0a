"""When the counts of uses are written, and what happens if that fails."""

import logging
from contextlib import contextmanager
from functools import partial

import pytest
from django.db import OperationalError, connection, transaction
from django.test import TestCase

from tests.support.factories import erase
from tests.support.faults import database_gone
from tests.support.requests import key_headers
from tests.support.uses import counted, forget, statements
from tot_jwt.access import verify_token
from tot_jwt.keys import usage
from tot_jwt.keys.counts import BATCH, Counters, counters
from tot_jwt.keys.hours import HOUR
from tot_jwt.models import KeyUsage, current_tenant
from tot_jwt.utils import clock

# A write may wait for the end of a transaction, so these tests cannot run inside one.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.req("D3")]

LOAD = ["SELECT apikey"]
STEADY = ["UPDATE apikey", "SELECT apikey", "INSERT keyusage"]
#: A first use, in the process and in the hour: once an hour it looks for old rows.
FIRST = [*STEADY, "SELECT keyusage"]


def rows():
    """Return the numbers in all rows, without what waits."""
    return list(KeyUsage.objects.order_by("key_id", "at").values_list("accepted", "refused"))


def lose(key):
    """Count a refused use that waits."""
    counters.of(key.public_key).refuse()


# How often


def test_counts_are_written_once_a_minute(make_key, make_token, get_token, pass_time):
    key = make_key()
    token = make_token(key)

    # A cached grant records nothing until its state is loaded again, five seconds later.
    for seconds, written in [(0, []), (59.9, []), (5.1, STEADY), (59.9, []), (5.1, STEADY)]:
        pass_time(seconds)
        with statements() as sent:
            for _ in range(10):
                get_token(token)
        assert sent == (LOAD if seconds else []) + written
    assert rows() == [(1 + 31 + 10, 0)]


def test_old_rows_are_sought_hourly(make_key, post_token, pass_time):
    key = make_key()
    with statements() as sent:
        post_token(key)
    assert sent == LOAD + FIRST
    pass_time(60)
    with statements() as sent:
        post_token(key)
    assert sent == LOAD + STEADY
    pass_time(HOUR)
    with statements() as sent:
        post_token(key)
    assert sent == LOAD + FIRST
    forget()  # as another process
    pass_time(60)
    with statements() as sent:
        post_token(key)
    assert sent == LOAD + FIRST
    assert rows() == [(2, 0), (2, 0)]


@pytest.mark.parametrize("secret", [{}, {"totSecretKey": "wrong"}], ids=["accepted", "refused"])
def test_all_overdue_keys_are_written(make_key, post_token, pass_time, secret):
    key, first, *others = (make_key() for _ in range(30))
    lose(first)
    pass_time(1)
    for other in others:
        lose(other)
    pass_time(59)

    post_token(key, **secret)

    own = [] if secret else [(1, 0)]
    assert rows() == [*own, (0, 1)]  # the others have waited for less than a minute
    pass_time(60)
    with statements() as sent:
        post_token(key, **secret)
    assert [each for each in sent if "keyusage" in each] == ["INSERT keyusage"]
    assert len(rows()) == 30


def test_one_request_writes_one_batch(make_key, post_token, pass_time):
    key, *others = (make_key() for _ in range(BATCH + 3))
    for other in others:
        lose(other)
    pass_time(60)

    numbers = []
    for _ in range(3):
        post_token(key, totSecretKey="wrong")
        numbers.append(len(rows()))

    assert numbers == [BATCH, BATCH + 2, BATCH + 2]


@pytest.mark.req("B3")
def test_refusal_tells_no_existence(make_key, post_token, pass_time):
    key, other = make_key(), make_key()
    unknown, wrong = {"totApiKey": "pk_live_tot_x"}, {"totSecretKey": "wrong"}
    sent = []
    for changes in (unknown, wrong, unknown, wrong):
        forget()
        lose(other)
        pass_time(60)
        with statements() as found:
            assert post_token(key, **changes).status_code == 401
        sent.append(found)

    assert sent == [sent[0]] * 4
    assert "INSERT keyusage" in sent[0]


def test_steady_keys_write_others(make_key, client, pass_time):
    key, other = make_key(), make_key()
    lose(other)
    pass_time(30)
    client.get("/me", headers=key_headers(key))
    pass_time(30)

    client.get("/me", headers=key_headers(key))

    assert rows() == [(1, 0), (0, 1)]


# In the transactions of a host


def test_counts_wait_for_hosts_commit(make_key):
    key = make_key()

    with statements() as sent, transaction.atomic():
        for _ in range(3):
            usage.key_used(key.public_key)
        assert counted(key) == (0, 0)
    assert sent == ["SELECT keyusage", *FIRST]

    assert rows() == [(3, 0)]


def test_rolled_back_counts_are_written_later(make_key, make_token, pass_time):
    key, other = make_key(), make_key()
    token = make_token(key)
    forget()

    with transaction.atomic():
        verify_token(token, address="")
        lose(other)
        pass_time(60)
        usage.use_refused(other.public_key)
        transaction.set_rollback(True)
    assert rows() == [(1, 0)]
    verify_token(token, address="")

    assert rows() == [(3, 0), (0, 2)]


def test_counts_wait_for_autocommit(make_key, make_token, pass_time):
    key = make_key()
    token = make_token(key)
    forget()
    transaction.set_autocommit(False)
    try:
        with statements() as sent:
            for _ in range(3):
                verify_token(token, address="")
                pass_time(60)
        transaction.rollback()
    finally:
        transaction.set_autocommit(True)
    assert not [each for each in sent if each not in LOAD]

    verify_token(token, address="")

    assert rows() == [(5, 0)]


def test_plain_test_case_writes_nothing(make_key, make_token):
    key = make_key()
    token = make_token(key)
    forget()

    with transaction.atomic(), TestCase.captureOnCommitCallbacks(execute=True):
        verify_token(token, address="")
        transaction.set_rollback(True)

    assert counted(key) == (2, 0)


# Failures


@contextmanager
def failing(*commands, after=0):
    """Fail these statements, except the first ones; yield the list of those that failed."""
    failed, done = [], []

    def fail(execute, sql, params, many, context):
        command = sql.split()[0]
        if command not in commands:
            return execute(sql, params, many, context)
        if len(done) < after:
            done.append(command)
            return execute(sql, params, many, context)
        failed.append(command)
        raise OperationalError("read-only")

    with connection.execute_wrapper(fail):
        yield failed


def warnings(caplog):
    return [record.getMessage() for record in caplog.records if "not recorded" in record.message]


def test_failed_write_is_repeated_later(make_key, post_token, pass_time, caplog):
    key = make_key()
    with failing("UPDATE", "INSERT"):
        for _ in range(3):
            assert post_token(key).status_code == 200
            assert post_token(key, totSecretKey="wrong").status_code == 401
    assert warnings(caplog) == [f"Use of a key not recorded: key={key.public_key}"]

    pass_time(60)
    post_token(key)

    assert rows() == [(4, 3)]


def test_first_failure_ends_an_attempt(make_key, post_token, pass_time, caplog):
    keys = [make_key() for _ in range(30)]
    for key in keys:
        lose(key)
    pass_time(60)

    with failing("INSERT") as failed:
        for key in keys:
            post_token(key, totSecretKey="wrong")

    assert (failed, len(warnings(caplog))) == (["INSERT"], 1)
    pass_time(60)
    for key in keys[:3]:
        post_token(key, totSecretKey="wrong")
    assert len(rows()) == 30


def test_failing_statement_counts_nothing_twice(make_key, pass_time):
    keys = [make_key() for _ in range(BATCH // 2 + 1)]
    for _ in range(2):
        for key in keys:
            lose(key)
        pass_time(HOUR)
    tenant = current_tenant()

    with failing("INSERT", after=1) as failed, pytest.raises(OperationalError):
        counters.write(tenant, counters.waiting())

    assert (failed, len(rows())) == (["INSERT"], BATCH)
    counters.write(tenant, counters.waiting())
    assert rows() == [(0, 1)] * (BATCH + 2)


def test_failed_pruning_counts_nothing_twice(make_key, pass_time):
    key = make_key()
    lose(key)
    assert counted(key) == (0, 1)
    pass_time(91 * 24 * HOUR)
    lose(key)

    with failing("DELETE") as failed:
        counted(key)

    assert failed == ["DELETE"]
    assert rows() == [(0, 1), (0, 1)]
    lose(key)
    assert counted(key) == (0, 2)


def test_failing_log_fails_no_request(make_key, post_token):
    class Broken(logging.Handler):
        def emit(self, record):
            raise OSError("disk full")

    key, logger, handler = make_key(), logging.getLogger("tot_jwt"), Broken(logging.WARNING)
    logger.addHandler(handler)
    try:
        with failing("UPDATE"):
            assert post_token(key).status_code == 200
    finally:
        logger.removeHandler(handler)


def test_dead_database_keeps_counts(make_key, make_token, caplog, pass_time, settings):
    settings.TOT_JWT = {"KEY_STATE_MAX_AGE": 300}
    key = make_key()
    token = make_token(key)
    verify_token(token, address="")
    pass_time(60)

    with database_gone():
        for _ in range(10):
            assert verify_token(token, address="")[0].pk == key.public_key
    assert len(warnings(caplog)) == 1

    assert counted(key) == (12, 0)


@contextmanager
def before_insert(act):
    """Call the function before the first INSERT."""
    acts = [act]

    def act_first(execute, sql, params, many, context):
        if sql.startswith("INSERT") and acts:
            acts.pop()()
        return execute(sql, params, many, context)

    with connection.execute_wrapper(act_first):
        yield


def test_key_erased_meanwhile_is_not_counted(make_key, caplog, pass_time):
    key = make_key()
    lose(key)

    with before_insert(partial(erase, key)):
        assert counted(key) == (0, 0)

    assert (counters.waiting(), warnings(caplog)) == ([], [])
    pass_time(91 * 24 * HOUR)
    other = make_key()
    lose(other)
    assert counted(other) == (0, 1)
    assert rows() == [(0, 1)]  # of the other key: the row without a key was deleted


def test_row_created_meanwhile_is_kept(make_key):
    key = make_key()
    lose(key)
    at = int(clock.epoch()) // HOUR * HOUR

    with before_insert(partial(KeyUsage.objects.create, key=key, at=at, accepted=5)):
        assert counted(key) == (5, 1)


def test_use_during_write_waits(make_key):
    key = make_key()
    counter = counters.of(key.public_key)
    use = counter.accept()

    def refuse_and_write():
        use()
        # As another thread, which must not write that -1 uses were accepted.
        counters.write(counter.tenant, [counter])
        assert rows() == []

    with before_insert(refuse_and_write):
        counters.write(counter.tenant, [counter])
    assert rows() == [(1, 0)]

    assert counted(key) == (0, 1)


# Memory


@pytest.mark.usefixtures("pass_time")
def test_oldest_waiting_key_is_displaced(make_key, caplog):
    keys = [make_key(public_key=f"pk_{number}") for number in range(4)]
    few = Counters(limit=2)
    uses = [few.of(key.public_key).accept() for key in keys]

    assert [counter.public_key for counter in few.waiting()] == ["pk_2", "pk_3"]
    assert [record.getMessage() for record in caplog.records] == [
        "Counts of uses lost: more than 2 keys wait to be written"
    ]
    few.write(current_tenant(), few.waiting())
    uses[0]()  # refuse what was displaced
    few.write(current_tenant(), few.waiting())
    assert rows() == [(0, 1), (1, 0), (1, 0)]
