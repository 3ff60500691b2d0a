"""Faults of SQLite, and hosts with several databases (security.md D2 to D4)."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.support import servers
from tests.support.process_faults import (
    GOOD,
    NEW_KEY,
    UNAVAILABLE,
    ask,
    process,
    select,
    sqlite,
)

EVENTS_OF_KEYS = "SELECT count(*) FROM tot_jwt_keyevent WHERE key_id IS NOT NULL"


@pytest.mark.req("D2", "D3")
def test_full_disk_prevents_only_new_keys(file, file_key):
    [(pages,)] = select(file, "PRAGMA page_count")
    with process(sqlite(file, init_command=f"PRAGMA max_page_count = {pages + 1}")) as app:
        token = app.token(file_key)
        made = []
        for _ in range(50):
            status, answer = app.send("POST", "/keys", token, {"name": "x" * 200, "scopes": []})
            if status != 201:
                break
            made.append(answer)
        assert (status, answer["code"]) == (503, "service_unavailable")

        assert [ask(app, one) for one in (file_key, *made)] == [GOOD] * (1 + len(made))
        assert app.accepts(token)
    keys = {public_key for (public_key,) in select(file, "SELECT public_key FROM tot_jwt_apikey")}
    assert keys == {one["totApiKey"] for one in (file_key, *made)}
    assert select(file, EVENTS_OF_KEYS) == [(len(keys),)]
    assert select(file, "PRAGMA foreign_key_check") == []


@pytest.mark.req("D2", "D3")
def test_locked_sqlite_gives_503(file, file_key):
    with (
        process(sqlite(file, timeout=0.1)) as app,
        closing(sqlite3.connect(file, isolation_level=None)) as other,
    ):
        token = app.token(file_key)

        other.execute("BEGIN IMMEDIATE")  # which allows others to read
        assert ask(app, file_key) == GOOD
        assert app.send("POST", "/keys", token, NEW_KEY)[0] == 503
        other.execute("ROLLBACK")

        other.execute("BEGIN EXCLUSIVE")
        assert ask(app, file_key) == UNAVAILABLE
        assert ask(app, token=token) == UNAVAILABLE
        assert app.send("POST", "/keys", token, NEW_KEY)[0] == 503
        other.execute("ROLLBACK")

        assert ask(app, file_key) == GOOD
        assert app.send("POST", "/keys", token, NEW_KEY)[0] == 201


# Several databases


@pytest.fixture
def lagging(file: Path, tmp_path: Path) -> dict[str, Any]:
    """Return settings of a host that reads from a replica, whose tables are still empty."""
    replica = Path(shutil.copy(file, tmp_path / "replica.sqlite3"))
    with closing(sqlite3.connect(replica)) as connection, connection:
        for table in ("keyevent", "apikey", "appdomain"):
            connection.execute(f"DELETE FROM tot_jwt_{table}")  # noqa: S608
    databases = {"default": sqlite(file)["default"], "replica": sqlite(replica)["default"]}
    return {
        "databases": databases,
        "DATABASE_ROUTERS": ["tests.support.process_settings.ReadsFromReplica"],
    }


@pytest.mark.req("A11")
def test_authentication_reads_the_primary(lagging, file_key):
    with process(**lagging) as app:
        assert app.accepts(app.token(file_key))


@pytest.mark.req("A11")
def test_key_management_uses_the_primary(lagging, file_key):
    with process(**lagging) as app:
        token = app.token(file_key)
        status, child = app.send("POST", "/keys", token, {"name": "Child", "scopes": []})
        assert status == 201
        path = f"/keys/{child['totApiKey']}"
        assert app.send("GET", path, token)[1]["name"] == "Child"
        assert app.send("GET", "/keys", token)[1]["count"] == 2
        assert app.send("PATCH", path, token, {"name": "Renamed"})[1]["name"] == "Renamed"
        assert app.send("POST", f"{path}/rotate", token, {})[0] == 200
        child_token = app.token(child)
        path = f"/keys/{file_key['totApiKey']}"
        assert app.send("DELETE", path, token)[1]["code"] == "last_active_key"
        assert app.send("DELETE", f"{path}?force=true", token) == (204, None)
        assert not app.accepts(token)
        assert not app.accepts(child_token)


@pytest.mark.services
def test_separate_database_holds_the_tables(databases, key):
    apart = {"default": sqlite(Path(":memory:"))["default"], "apart": databases["default"]}
    with process(apart, DATABASE_ROUTERS=["tests.support.process_settings.OursApart"]) as app:
        token = app.token(key)
        status, child = app.send("POST", "/keys", token, {"name": "Child", "scopes": []})
        assert status == 201
        path = f"/keys/{child['totApiKey']}"
        assert app.send("POST", f"{path}/rotate", token, {})[0] == 200
        assert app.send("DELETE", path, token) == (204, None)


@pytest.mark.req("D4")
def test_other_database_may_be_unreachable(file, file_key):
    gone = {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "a",
        "HOST": "127.0.0.1",
        "ATOMIC_REQUESTS": True,
    }
    databases = {**sqlite(file), "other": {**gone, "PORT": servers.free_port()}}
    with process(databases) as app:
        assert ask(app, file_key) == GOOD
