"""The times of use: which uses are written, and how often."""

import re
import threading

import pytest
from django.db import connection, transaction

from tests.support.requests import JSON, bearer, body
from tests.support.threads import run_threads
from tests.support.uses import forget, rotate, statements, updates, used
from tot_jwt.access import verify_token
from tot_jwt.keys import lifecycle, usage

# A write may wait for the end of a transaction, so these tests cannot run inside one.
pytestmark = pytest.mark.django_db(transaction=True)


# What is recorded


@pytest.mark.req("D3")
def test_each_kind_of_use_is_recorded(
    make_key, make_token, post_token, client, get_token, pass_time
):
    exchanged, direct, by_token, verified = (make_key() for _ in range(4))
    tokens = make_token(by_token), make_token(verified)
    pass_time(100)

    post_token(exchanged)
    client.post("/me", body(direct), content_type=JSON)
    client.get("/me", headers=bearer(tokens[0]))
    get_token(tokens[1])

    assert [used(key) for key in (exchanged, direct, by_token, verified)] == [(100, None)] * 4


def test_rejected_use_is_not_recorded(make_key, make_token, post_token, client, pass_time):
    key = make_key()
    token = make_token(key)
    lifecycle.change_key(
        key, name="x", scopes=[], expires_at=None, allowed_ips=["192.0.2.1"], can_issue_tokens=True
    )
    pass_time(100)

    with updates() as sent:
        assert post_token(key, totSecretKey="wrong").status_code == 401
        assert post_token(key).status_code == 403
        assert client.post("/me", body(key), content_type=JSON).status_code == 403
        assert client.get("/me", headers=bearer(token)).status_code == 403

    assert (sent, used(key)) == ([], (0, None))


def test_previous_secrets_use_is_recorded_twice(make_key, post_token, client, pass_time):
    key = make_key()
    current, previous = rotate(key)

    post_token(key, totSecretKey=current)
    assert used(key) == (0, None)
    pass_time(1)
    post_token(key, totSecretKey=previous)
    assert used(key) == (1, 1)
    pass_time(1)
    client.post("/me", body(key, totSecretKey=previous), content_type=JSON)
    assert used(key) == (1, 1)
    pass_time(60)
    client.post("/me", body(key, totSecretKey=previous), content_type=JSON)
    assert used(key) == (62, 62)


def test_each_previous_secret_is_recorded_separately(make_key, post_token, pass_time):
    key = make_key()
    _, first = rotate(key)
    post_token(key, totSecretKey=first)
    lifecycle.end_previous_secret(key)
    assert used(key) == (0, None)
    _, second = rotate(key)
    pass_time(1)

    post_token(key, totSecretKey=second)

    assert used(key) == (1, 1)


def test_replaced_previous_secret_is_not_recorded(make_key, post_token):
    key = make_key()
    _, previous = rotate(key)
    post_token(key)
    type(key).objects.update(previous_secret_hash="sha256$another")

    assert post_token(key, totSecretKey=previous).status_code == 200
    assert used(key)[1] is None


def test_time_of_use_shows_no_hash():
    time = usage.TimeOfUse(("default", None), "pk_x", "secret", "sha256$x")

    assert repr(time) == "<TimeOfUse: pk_x>"


# How often


@pytest.mark.req("D3")
def test_thousand_uses_are_one_write(make_key, make_token):
    key = make_key()
    token = make_token(key)
    usage.reset()
    type(key).objects.update(last_used_at=None)

    with updates() as sent:
        for _ in range(1000):
            verify_token(token, address="")

    assert len(sent) == 1
    assert used(key)[0] is not None


@pytest.mark.req("D3")
def test_use_is_written_again_after_minute(make_key, make_token, get_token, pass_time):
    key = make_key()
    token = make_token(key)

    # A remembered grant records nothing until its state is loaded again, five seconds later.
    for seconds, written in [(59.9, 0), (0.1, 0), (5, 1), (59.9, 0), (100, 1)]:
        pass_time(seconds)
        with updates() as sent:
            get_token(token)
        assert len(sent) == written
    assert used(key) == (224.9, None)


@pytest.mark.req("D3")
def test_other_process_writes_after_minute(make_key, make_token, get_token, pass_time):
    key = make_key()
    token = make_token(key)

    for seconds, expected in [(59, 0), (0.5, 0), (0.5, 60)]:
        pass_time(seconds)
        forget()  # as a process that has not seen the key
        get_token(token)
        assert used(key) == (expected, None)


def test_previous_secret_is_written_after_minute(make_key, post_token, pass_time):
    key = make_key()
    _, previous = rotate(key)

    for seconds, expected in [(0, 0), (59, 0), (1, 60)]:
        pass_time(seconds)
        usage.reset()  # a process that has not seen the key
        post_token(key, totSecretKey=previous)
        assert used(key) == (expected, expected)


class MeetingRouter:
    """A database router that answers no thread before all threads have asked it once."""

    def __init__(self, threads):
        self.barrier = threading.Barrier(threads, timeout=60)
        self.met = threading.local()

    def db_for_write(self, model, **hints):
        if not hasattr(self.met, "is_over"):
            self.barrier.wait()
            self.met.is_over = True


@pytest.mark.req("D3")
def test_one_of_many_threads_writes(settings):
    settings.DATABASE_ROUTERS = [MeetingRouter(8)]
    sent = []

    def record(execute, sql, params, many, context):
        sent.append(sql)
        return execute(sql, params, many, context)

    def use(_):
        try:
            with connection.execute_wrapper(record):
                usage.key_used("pk_x")
        finally:
            # `connection.close` keeps a database in memory open.
            if connection.connection is not None:
                connection.connection.close()

    run_threads(use, range(8))

    assert len([sql for sql in sent if re.match("UPDATE .tot_jwt_apikey", sql)]) == 1


@pytest.mark.usefixtures("pass_time")
def test_full_memory_forgets_the_oldest_use():
    transaction.set_autocommit(False)  # uses are remembered then, and not written
    try:
        for number in range(usage.MAX_TIMES + 1):
            usage.key_used(f"pk_{number}")
        transaction.rollback()
    finally:
        transaction.set_autocommit(True)

    with updates() as sent:
        usage.key_used(f"pk_{usage.MAX_TIMES}")
        usage.key_used("pk_1")
    assert sent == []
    with updates() as sent:
        usage.key_used("pk_0")
    assert len(sent) == 1


class CountingRouter:
    """A database router that counts how often it is asked."""

    def __init__(self):
        self.asked = 0

    def db_for_write(self, model, **hints):
        self.asked += 1


def test_recent_use_asks_router_once(settings):
    router = CountingRouter()
    settings.DATABASE_ROUTERS = [router]
    usage.key_used("pk_x")
    asked = router.asked

    usage.key_used("pk_x")  # whose use it is, of all tenants

    assert router.asked == asked + 1


def test_write_keeps_cached_state(make_key, make_token, get_token, pass_time):
    key = make_key()
    token = make_token(key)
    pass_time(2)
    usage.reset()
    type(key).objects.update(last_used_at=None)

    with statements() as sent:
        get_token(token)
        get_token(token)

    assert [each for each in sent if each != "SELECT keyusage"] == [
        "UPDATE apikey",
        "SELECT apikey",
        "INSERT keyusage",
    ]
    assert used(key) == (2, None)
