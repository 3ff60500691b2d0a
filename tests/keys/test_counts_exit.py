"""The counts that a process writes when it exits."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connections, transaction

from tests.support.schemas.base import DatabaseWrapper
from tests.support.uses import counted
from tot_jwt.keys import create_domain, create_key
from tot_jwt.keys.counts import counters
from tot_jwt.keys.shutdown import write_counts
from tot_jwt.models import ApiKey, KeyUsage

pytestmark = pytest.mark.req("D3")

SQLITE = {"ENGINE": "django.db.backends.sqlite3"}


class Router:
    """A database router for a database that a test chooses."""

    alias = "default"

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return self.alias

    db_for_read = db_for_write

    def allow_relation(self, one: Any, other: Any, **hints: Any) -> bool:
        return True


@pytest.fixture
def add_database(
    django_db_blocker: Any, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., ApiKey]]:
    """``add_database("one")``: use a new SQLite file with tables from now on; return a key.

    pytest-django's own fixtures allow only the databases of the settings.
    """
    router = Router()
    settings.DATABASE_ROUTERS = [router]
    aliases = []

    def add(alias: str, **options: Any) -> ApiKey:
        database = {**connections.settings["default"], **SQLITE, **options}
        database |= {"NAME": str(tmp_path / alias), "OPTIONS": {}}
        monkeypatch.setitem(connections.settings, alias, database)
        aliases.append(alias)
        router.alias = alias
        call_command("migrate", "tot_jwt", database=alias, verbosity=0)
        key, _ = create_key(create_domain("example.com"), name="One")
        return key

    with django_db_blocker.unblock():
        yield add
        for alias in aliases:
            connections[alias].close()
            del connections[alias]


def rows(alias: str) -> list[Any]:
    return list(KeyUsage.objects.using(alias).values_list("accepted", "refused"))


def refuse(key: ApiKey) -> None:
    counters.of(key.public_key).refuse()


def test_all_databases_are_written(add_database):
    for alias in ("one", "two"):
        key = add_database(alias)
        refuse(key)
        refuse(key)
    shared = connections["two"]

    write_counts()

    assert [rows(alias) for alias in ("one", "two")] == [[(0, 2)]] * 2
    assert counters.waiting() == []
    assert connections["two"] is shared


@pytest.mark.parametrize("state", ["in a transaction", "without autocommit", "of a pool"])
def test_state_of_connection_does_not_matter(add_database, state):
    refuse(add_database("one"))
    connection = connections["one"]
    if state == "of a pool":
        connection.settings_dict["OPTIONS"]["pool"] = True
    if state == "without autocommit":
        connection.set_autocommit(False)

    with transaction.atomic(using="one"):
        write_counts()

    assert rows("one") == [(0, 1)]
    connection.close()


def test_first_failure_ends_the_database(add_database, caplog, tmp_path):
    keys = {}
    for alias in ("one", "two"):
        keys[alias] = [add_database(alias)]
        keys[alias].append(create_key(keys[alias][0].app_domain, name="Two")[0])
        for key in keys[alias]:
            refuse(key)
    connections["one"].close()
    (tmp_path / "one").rename(tmp_path / "gone")
    (tmp_path / "one").mkdir()

    write_counts()

    assert [record.getMessage() for record in caplog.records] == [
        "Counts of uses not written at exit: unable to open database file"
    ]
    assert rows("two") == [(0, 1)] * 2
    assert len(counters.waiting()) == 2


def test_counts_of_test_database_stay_away(add_database, tmp_path):
    refuse(add_database("one"))
    connections["one"].settings_dict["NAME"] = str(tmp_path / "real")

    write_counts()

    assert not (tmp_path / "real").exists()
    connections["one"].settings_dict["NAME"] = str(tmp_path / "one")


@pytest.mark.django_db
def test_database_in_memory_is_left_alone(make_key, caplog, django_assert_num_queries):
    refuse(make_key())

    with django_assert_num_queries(0):
        write_counts()

    assert caplog.records == []


@pytest.mark.parametrize("dropped", [False, True])
def test_each_schema_is_written(add_database, caplog, dropped):
    key = add_database("one", ENGINE="tests.support.schemas")
    for schema in ("a", "b", "dropped" if dropped else "c"):
        connections["one"].set_schema(schema)
        refuse(key)
    connections["one"].set_schema("public")
    DatabaseWrapper.written.clear()

    write_counts()

    assert sorted(set(DatabaseWrapper.written)) == (["a", "b"] if dropped else ["a", "b", "c"])
    assert len(caplog.records) == dropped
    assert connections["one"].schema_name == "public"


def test_nothing_waits_after_exit(add_database):
    key = add_database("one")
    refuse(key)
    for _ in range(2):
        write_counts()

    assert counted(key) == (0, 1)
