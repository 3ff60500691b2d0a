"""The times of use: written once a minute, and never at the cost of a request."""

import threading
from contextlib import contextmanager

import pytest
from django.db import DatabaseError, OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext

from tests.support.requests import body
from tests.support.times import DAY, NOON
from tot_jwt.access.verification import verify_token
from tot_jwt.keys import lifecycle, usage
from tot_jwt.models import AppDomain

# A write may wait for the end of a transaction, so these tests cannot run inside one.
pytestmark = pytest.mark.django_db(transaction=True)


def used(key):
    """Return when the key and its previous secret were used, in seconds after NOON."""
    key.refresh_from_db()
    return tuple(
        moment and (moment - NOON).total_seconds()
        for moment in (key.last_used_at, key.previous_secret_last_used_at)
    )


def rotate(key):
    """Rotate the key; return its current and its previous secret."""
    previous = key.secret
    _, new = lifecycle.rotate_key(key, grace=DAY)
    key.secret = new.reveal()
    return key.secret, previous


@contextmanager
def updates():
    """Yield a list, which holds the UPDATEs at the end."""
    sent = []
    with CaptureQueriesContext(connection) as captured:
        yield sent
    sent += [query["sql"] for query in captured if query["sql"].startswith("UPDATE")]


@contextmanager
def failing_updates():
    """Have the database refuse all UPDATEs; yield the list of them."""
    failed = []

    def refuse(execute, sql, params, many, context):
        if sql.startswith("UPDATE"):
            failed.append(sql)
            sql, params = "SELECT no_such_column FROM tot_jwt_apikey", ()
        return execute(sql, params, many, context)

    with connection.execute_wrapper(refuse):
        yield failed


def test_failing_updates_do_fail(make_key):
    key = make_key()

    with failing_updates(), pytest.raises(DatabaseError):
        type(key).objects.update(name="x")


# What is recorded


@pytest.mark.req("D3")
def test_each_kind_of_use_is_recorded(
    make_key, make_token, post_token, client, get_token, pass_time
):
    exchanged, direct, by_token, verified = (make_key() for _ in range(4))
    tokens = make_token(by_token), make_token(verified)
    pass_time(100)

    post_token(exchanged)
    client.post("/me", body(direct), content_type="application/json")
    client.get("/me", headers={"Authorization": f"Bearer {tokens[0]}"})
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
        assert client.post("/me", body(key), content_type="application/json").status_code == 403
        assert client.get("/me", headers={"Authorization": f"Bearer {token}"}).status_code == 403

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
    client.post("/me", body(key, totSecretKey=previous), content_type="application/json")
    assert used(key) == (1, 1)
    pass_time(60)
    client.post("/me", body(key, totSecretKey=previous), content_type="application/json")
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


def test_secret_rotated_away_elsewhere_is_not_recorded(make_key, post_token):
    key = make_key()
    _, previous = rotate(key)
    post_token(key)
    type(key).objects.update(previous_secret_hash="sha256$another")

    assert post_token(key, totSecretKey=previous).status_code == 200
    assert used(key)[1] is None


def test_use_shows_no_hash():
    assert repr(usage.Use("pk_x", "sha256$x")) == "<Use: pk_x>"


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

    for seconds, written in [(59.9, 0), (0.1, 1), (59.9, 0), (100, 1)]:
        pass_time(seconds)
        with updates() as sent:
            get_token(token)
        assert len(sent) == written
    assert used(key) == (219.9, None)


@pytest.mark.req("D3")
def test_other_process_writes_after_minute(make_key, make_token, get_token, pass_time):
    key = make_key()
    token = make_token(key)

    for seconds, expected in [(59, 0), (0.5, 0), (0.5, 60)]:
        pass_time(seconds)
        usage.reset()  # a process that has not seen the key
        get_token(token)
        assert used(key) == (expected, None)


def test_other_process_writes_previous_secret_after_minute(make_key, post_token, pass_time):
    key = make_key()
    _, previous = rotate(key)

    for seconds, expected in [(0, 0), (59, 0), (1, 60)]:
        pass_time(seconds)
        usage.reset()  # a process that has not seen the key
        post_token(key, totSecretKey=previous)
        assert used(key) == (expected, expected)


@pytest.mark.req("D3")
def test_one_of_many_threads_writes():
    sent = []
    start = threading.Barrier(8)

    def record(execute, sql, params, many, context):
        sent.append(sql)

    def use():
        try:
            with connection.execute_wrapper(record):
                start.wait()
                usage.key_used("pk_x")
        finally:
            connection.close()

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(sent) == 1


@pytest.mark.usefixtures("pass_time")
def test_full_memory_forgets_the_oldest_use():
    transaction.set_autocommit(False)  # uses are remembered then, and not written
    try:
        for number in range(usage.MAX_USES + 1):
            usage.key_used(f"pk_{number}")
        transaction.rollback()
    finally:
        transaction.set_autocommit(True)

    with updates() as sent:
        usage.key_used(f"pk_{usage.MAX_USES}")
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


def test_recent_use_asks_no_database_router(settings):
    router = CountingRouter()
    settings.DATABASE_ROUTERS = [router]
    usage.key_used("pk_x")
    asked = router.asked
    assert asked

    usage.key_used("pk_x")

    assert router.asked == asked


def test_write_keeps_cached_state(make_key, make_token, get_token, pass_time):
    key = make_key()
    token = make_token(key)
    pass_time(2)
    usage.reset()
    type(key).objects.update(last_used_at=None)

    with CaptureQueriesContext(connection) as captured:
        get_token(token)
        get_token(token)

    assert [query["sql"].split()[0] for query in captured] == ["UPDATE"]
    assert used(key) == (2, None)


# Failures and transactions


@pytest.mark.req("D3")
def test_failing_write_fails_no_request(make_key, make_token, get_token, caplog, pass_time):
    key = make_key()
    token = make_token(key)
    pass_time(100)

    with failing_updates() as failed:
        for _ in range(3):
            assert get_token(token).status_code == 200

    assert len(failed) == 1  # it is not repeated at once
    assert [record.getMessage() for record in caplog.records if record.levelname == "WARNING"] == [
        f"Use of a key not recorded: key={key.public_key}"
    ]
    pass_time(60)
    get_token(token)
    assert used(key) == (160, None)


@pytest.mark.req("D3")
def test_failing_write_spoils_no_transaction(make_key, make_token, make_domain, caplog, pass_time):
    key = make_key()
    token = make_token(key)
    pass_time(100)

    with failing_updates() as failed, transaction.atomic():
        make_domain(domain="before.example")
        verify_token(token, address="")
        make_domain(domain="after.example")
        assert failed == []

    assert len(failed) == 1
    assert AppDomain.objects.filter(domain__in=["before.example", "after.example"]).count() == 2
    assert "Use of a key not recorded" in caplog.text


@pytest.mark.req("D3")
def test_write_waits_for_hosts_commit(make_key, make_token, pass_time):
    key = make_key()
    token = make_token(key)
    pass_time(100)

    with updates() as sent:
        with transaction.atomic():
            for _ in range(3):
                verify_token(token, address="")
            assert used(key) == (0, None)
        verify_token(token, address="")

    assert len(sent) == 1
    assert used(key) == (100, None)


def test_rolled_back_use_is_recorded_next_time(make_key, make_token, pass_time):
    key = make_key()
    token = make_token(key)
    pass_time(100)

    with transaction.atomic():
        verify_token(token, address="")
        transaction.set_rollback(True)
    assert used(key) == (0, None)
    pass_time(1)
    verify_token(token, address="")

    assert used(key) == (101, None)


def test_nothing_is_written_without_autocommit(make_key, make_token, pass_time):
    key = make_key()
    token = make_token(key)
    pass_time(100)

    transaction.set_autocommit(False)
    try:
        verify_token(token, address="")
        with updates() as sent:
            verify_token(token, address="")
        transaction.rollback()
    finally:
        transaction.set_autocommit(True)

    assert (sent, used(key)) == ([], (0, None))


@pytest.mark.req("D3")
def test_unreachable_database_fails_no_cached_grant(make_key, make_token, monkeypatch, caplog):
    key = make_key()
    token = make_token(key)
    verify_token(token, address="")
    usage.reset()

    def fail():
        raise OperationalError("gone")

    monkeypatch.setattr(connection, "get_autocommit", fail)  # it connects first

    assert verify_token(token, address="")[0].pk == key.public_key
    assert "Use of a key not recorded" in caplog.text
