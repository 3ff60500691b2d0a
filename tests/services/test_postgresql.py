"""Faults of PostgreSQL: the table in docs/operations.md (security.md D2, D4, D6)."""

import signal
import socket
import subprocess
import sys
from functools import partial

import pytest
from django.db import OperationalError, connection

from tests.support.process_faults import (
    ADVISED,
    GOOD,
    NEW_KEY,
    UNAVAILABLE,
    Load,
    ask,
    new_key,
    process,
    settings_for_processes,
)
from tests.support.processes import ROOT, driver, environment
from tests.support.requests import key_headers


@pytest.mark.services
@pytest.mark.req("D2")
def test_postgresql_restart_under_load_gives_503(postgresql, app, key):
    load = Load()
    token = app.token(key)
    with load.of(partial(ask, app, key), partial(ask, app, key), partial(ask, app, token=token)):
        load.goes_on_until(GOOD, times=20)
        postgresql.stop()
        try:
            load.goes_on_until(UNAVAILABLE, times=20)
        finally:
            postgresql.start()
        load.goes_on_until(GOOD, times=20)
    assert load.seen == {GOOD, UNAVAILABLE}


@pytest.mark.services
@pytest.mark.req("D2")
def test_cached_keys_work_without_postgresql(postgresql, databases, app, key):
    unseen = new_key(app, key)
    with process(databases, max_age=3600) as caching:
        token = caching.token(key)
        postgresql.stop()
        try:
            assert ask(caching, key) == GOOD
            assert ask(caching, token=token) == GOOD
            assert ask(caching, unseen) == UNAVAILABLE
            # A cached state never rejects: that needs a query.
            assert ask(caching, {**key, "totSecretKey": "wrong"}) == UNAVAILABLE
        finally:
            postgresql.start()
        assert ask(caching, unseen) == GOOD


@pytest.mark.services
@pytest.mark.req("D2")
@pytest.mark.parametrize(
    ("settings", "first"), [({"CONN_MAX_AGE": 60}, UNAVAILABLE), (ADVISED, GOOD)]
)
def test_health_checks_spare_a_503(postgresql, databases, key, settings, first):
    with process({"default": {**databases["default"], **settings}}) as app:
        assert ask(app, key) == GOOD
        postgresql.stop()
        postgresql.start()
        assert ask(app, key) == first
        assert ask(app, key) == GOOD


@pytest.mark.services
@pytest.mark.req("D2")
def test_hanging_statement_gives_503(databases, key, query):
    with process({"default": {**databases["default"], **ADVISED}}) as app:
        query("BEGIN")
        query("LOCK TABLE tot_jwt_apikey")
        assert ask(app, key) == UNAVAILABLE
        query("ROLLBACK")
        assert ask(app, key) == GOOD


@pytest.mark.parametrize("backlog", [None, 9], ids=["refused", "silent"])
@pytest.mark.req("D2", "D4")
def test_unreachable_database_gives_503(backlog):
    driver("psycopg")
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        if backlog is not None:
            bound.listen(backlog)
        database = {
            **ADVISED,
            "NAME": "postgres",
            "HOST": "127.0.0.1",
            "PORT": bound.getsockname()[1],
            "ATOMIC_REQUESTS": True,
        }
        with process({"default": database}) as app:
            assert (
                ask(app, {"appDomain": "a", "totApiKey": "b", "totSecretKey": "c"}) == UNAVAILABLE
            )


@pytest.mark.services
@pytest.mark.req("D2")
def test_read_only_database_still_exchanges(databases, key):
    standby = {
        **databases["default"],
        "OPTIONS": {"options": "-c default_transaction_read_only=on"},
    }
    with process({"default": standby}) as app:
        token = app.token(key)
        assert app.accepts(token)
        assert app.send("POST", "/keys", token, NEW_KEY)[0] == 503


@pytest.mark.services
@pytest.mark.req("D6")
@pytest.mark.parametrize(
    ("moment", "is_rotated"),
    [("row written", False), ("event written", False), ("committed", True)],
)
def test_killed_rotation_is_whole_or_absent(databases, app, key, query, moment, is_rotated):
    rotated = new_key(app, key)
    secrets = (
        "SELECT secret_hash, previous_secret_hash, secret_hint FROM tot_jwt_apikey"
        " WHERE public_key = %s"
    )
    [before] = query(secrets, rotated["totApiKey"])

    with settings_for_processes({"DATABASES": databases}):
        run = subprocess.run(
            [sys.executable, "-m", "tests.support.process_rotation", rotated["totApiKey"], moment],
            cwd=ROOT,
            env=environment("", 0),
            check=False,
        )

    assert run.returncode == -signal.SIGKILL
    [after] = query(
        f"{secrets} FOR UPDATE", rotated["totApiKey"]
    )  # waits for the lock of the killed process
    events = query(
        "SELECT action, changes FROM tot_jwt_keyevent e JOIN tot_jwt_apikey k ON k.id = e.key_id"
        " WHERE public_key = %s ORDER BY e.id",
        rotated["totApiKey"],
    )
    if is_rotated:
        assert [action for action, _ in events] == ["created", "rotated"]
        assert events[1][1]["secret_hint"] == [before[2], after[2]]
        assert after[0] != before[0]
        assert after[1] == before[0]
    else:
        assert [action for action, _ in events] == ["created"]
        assert after == before
    assert ask(app, rotated) == GOOD  # with the owner's secret


@pytest.mark.req("D2")
def test_log_names_the_database_error(make_key, post_token, client, caplog):
    key = make_key()

    def fail(*args):
        raise OperationalError("the disk is on fire")

    for request in (partial(post_token, key), partial(client.get, "/me", headers=key_headers(key))):
        caplog.clear()
        with connection.execute_wrapper(fail):
            assert request().status_code == 503
        assert "the disk is on fire" in caplog.text
        assert key.secret not in caplog.text
