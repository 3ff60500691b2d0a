"""When keys were last used: written once a minute, and never at a request's cost."""

import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext

from tests.support.requests import body
from tot_jwt.access.verification import verify_token
from tot_jwt.keys import lifecycle, usage
from tot_jwt.keys import state as key_state
from tot_jwt.models import AppDomain
from tot_jwt.utils import clock

# Real commits: what waits for the end of a transaction never happens in a test that is one.
pytestmark = pytest.mark.django_db(transaction=True)

NOON = datetime(2025, 10, 29, 12, 0, 0, tzinfo=UTC)


@pytest.fixture
def pass_time(monkeypatch):
    """``pass_time(5)``: it is five seconds later; it begins at noon."""
    passed = [0.0]
    monkeypatch.setattr(clock, "monotonic", lambda: 1000 + passed[0])
    monkeypatch.setattr(clock, "now", lambda: NOON + timedelta(seconds=passed[0]))
    return lambda seconds: passed.__setitem__(0, passed[0] + seconds)


def used(key):
    """When the row says that the key and its previous secret were used: seconds after noon."""
    key.refresh_from_db()
    return tuple(
        moment and (moment - NOON).total_seconds()
        for moment in (key.last_used_at, key.previous_secret_last_used_at)
    )


def rotated(key):
    """Rotate the key; its current and its previous secret."""
    previous = key.secret
    _, new = lifecycle.rotate_key(key, grace=timedelta(days=1))
    key.secret = new.reveal()
    return key.secret, previous


@contextmanager
def updates():
    """The UPDATEs of keys that are sent meanwhile."""
    sent = []
    with CaptureQueriesContext(connection) as captured:
        yield sent
    sent += [query["sql"] for query in captured if query["sql"].startswith("UPDATE")]


@contextmanager
def failing_updates():
    """UPDATEs that the database itself refuses; how many it did."""
    failed = []

    def refuse(execute, sql, params, many, context):
        if sql.startswith("UPDATE"):
            failed.append(sql)
            sql, params = "SELECT no_such_column FROM tot_jwt_apikey", ()
        return execute(sql, params, many, context)

    with connection.execute_wrapper(refuse):
        yield failed


@pytest.mark.req("D3")
def test_each_way_of_use_is_recorded(
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


def test_refused_use_is_not_recorded(make_key, make_token, post_token, client, pass_time):
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
def test_use_is_written_again_after_a_minute(make_key, make_token, get_token, pass_time):
    key = make_key()
    token = make_token(key)

    for seconds, written in [(59.9, 0), (0.1, 1), (59.9, 0), (100, 1)]:
        pass_time(seconds)
        with updates() as sent:
            get_token(token)
        assert len(sent) == written
    assert used(key) == (219.9, None)


@pytest.mark.req("D3")
def test_other_process_changes_nothing_within_the_minute(
    make_key, make_token, get_token, pass_time
):
    key = make_key()
    token = make_token(key)

    for seconds, expected in [(59, 0), (0.5, 0), (0.5, 60)]:
        pass_time(seconds)
        usage.reset()
        get_token(token)
        assert used(key) == (expected, None)


def test_use_of_the_previous_secret_is_recorded_of_both(make_key, post_token, client, pass_time):
    key = make_key()
    current, previous = rotated(key)

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


def test_other_process_changes_nothing_about_the_previous_secret_within_the_minute(
    make_key, post_token, pass_time
):
    key = make_key()
    _, previous = rotated(key)

    for seconds, expected in [(0, 0), (59, 0), (1, 60)]:
        pass_time(seconds)
        usage.reset()
        post_token(key, totSecretKey=previous)
        assert used(key) == (expected, expected)


def test_each_previous_secret_is_recorded_on_its_own(make_key, post_token, pass_time):
    key = make_key()
    _, first = rotated(key)
    post_token(key, totSecretKey=first)
    lifecycle.end_previous_secret(key)
    assert used(key) == (0, None)
    _, second = rotated(key)
    pass_time(1)

    post_token(key, totSecretKey=second)

    assert used(key) == (1, 1)


def test_secret_that_was_rotated_away_meanwhile_is_not_recorded_as_the_previous_one(
    make_key, post_token
):
    key = make_key()
    _, previous = rotated(key)
    post_token(key)
    type(key).objects.update(previous_secret_hash="sha256$another")

    assert post_token(key, totSecretKey=previous).status_code == 200
    assert used(key)[1] is None


@pytest.mark.req("D3")
def test_failing_write_fails_no_request_and_is_not_repeated_at_once(
    make_key, make_token, get_token, caplog, pass_time
):
    key = make_key()
    token = make_token(key)
    pass_time(100)

    with failing_updates() as failed:
        for _ in range(3):
            assert get_token(token).status_code == 200

    assert len(failed) == 1
    assert [record.getMessage() for record in caplog.records if record.levelname == "WARNING"] == [
        f"Use of a key not recorded: key={key.public_key}"
    ]
    pass_time(60)
    get_token(token)
    assert used(key) == (160, None)


@pytest.mark.req("D3")
def test_failing_write_spoils_no_transaction_of_the_host(
    make_key, make_token, make_domain, caplog, pass_time
):
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
def test_within_a_transaction_of_the_host_the_write_waits_for_the_commit(
    make_key, make_token, pass_time
):
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


def test_use_in_a_transaction_that_is_rolled_back_leaves_the_next_to_be_recorded(
    make_key, make_token, pass_time
):
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


@pytest.mark.req("D3")
def test_database_that_is_gone_fails_nothing_that_memory_grants(
    make_key, make_token, monkeypatch, caplog
):
    key = make_key()
    token = make_token(key)
    verify_token(token, address="")
    usage.reset()

    def gone():
        raise OperationalError("gone")

    monkeypatch.setattr(connection, "get_autocommit", gone)

    assert verify_token(token, address="")[0].pk == key.public_key
    assert "Use of a key not recorded" in caplog.text


def test_without_autocommit_nothing_is_written(make_key, make_token, pass_time):
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


def test_write_drops_no_remembered_state(make_key, make_token, get_token, pass_time):
    key = make_key()
    token = make_token(key)
    pass_time(2)
    usage.reset()
    type(key).objects.update(last_used_at=None)

    with CaptureQueriesContext(connection) as captured:
        get_token(token)

    assert [query["sql"].split()[0] for query in captured] == ["UPDATE"]
    assert key.public_key in key_state._states
    assert used(key) == (2, None)


@pytest.mark.req("D3")
def test_of_many_threads_that_find_a_write_due_one_is_to_write():
    claimed = []
    start = threading.Barrier(8)

    def claim():
        start.wait()
        claimed.append(usage._claim(usage.Use("pk_x", "")))

    threads = [threading.Thread(target=claim) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(claimed) == [False] * 7 + [True]


def test_memory_is_bounded_and_forgets_the_oldest(monkeypatch, pass_time):
    monkeypatch.setattr(usage, "MAX_USES", 3)
    written = []
    monkeypatch.setattr(usage, "_update", lambda use, alias: written.append(use.public_key))

    usage.key_used("a")
    usage.key_used("b")
    pass_time(60)
    for public_key in "acda":
        usage.key_used(public_key)

    assert [public_key for public_key, _ in usage._recorded] == ["a", "c", "d"]
    assert written == ["a", "b", "a", "c", "d"]


def test_use_that_is_not_due_asks_nobody(monkeypatch):
    monkeypatch.setattr(usage, "_update", lambda use, alias: None)
    usage.key_used("a")
    monkeypatch.setattr(usage, "router", None)

    usage.key_used("a")

    with pytest.raises(AttributeError):
        usage.key_used("b")


def test_use_shows_no_hash():
    assert repr(usage.Use("pk_x", "sha256$x")) == "<Use: pk_x>"


def test_failing_updates_do_fail(make_key):
    key = make_key()

    with failing_updates(), pytest.raises(DatabaseError):
        type(key).objects.update(name="x")
