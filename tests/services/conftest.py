"""Servers that only these tests use, and what runs on them."""

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from django.db import connections

from tests.support import servers
from tests.support.process_faults import PATIENCE, Key, fill, process, sqlite
from tests.support.processes import REQUIRED, Process, driver


@pytest.fixture(scope="module")
def postgresql() -> Iterator[servers.PostgreSQL]:
    """Start a PostgreSQL server that only these tests use."""
    driver("psycopg")
    if not servers.postgresql_program("initdb") and not REQUIRED:
        pytest.skip("PostgreSQL's server is not installed")
    with servers.postgresql() as running:
        yield running


@pytest.fixture(scope="module")
def databases(postgresql: servers.PostgreSQL) -> dict[str, Any]:
    """Return DATABASES for that server."""
    return {"default": postgresql.settings}


@pytest.fixture(scope="module")
def key(databases: dict[str, Any]) -> Key:
    return fill(databases)


@pytest.fixture(scope="module")
def app(databases: dict[str, Any], key: Key) -> Iterator[Process]:
    """Start a process that caches no key."""
    with process(databases) as running:
        yield running


@pytest.fixture
def query(postgresql: servers.PostgreSQL) -> Iterator[Callable[..., list[Any]]]:
    """``query("SELECT …")``: return rows, on a connection of the test's own."""
    import psycopg

    with psycopg.connect(
        host="127.0.0.1", port=postgresql.port, user="postgres", autocommit=True
    ) as connection:

        def rows(sql: str, *parameters: str) -> list[Any]:
            cursor = connection.execute(sql, parameters)
            return cursor.fetchall() if cursor.description else []

        yield rows


@pytest.fixture(scope="module")
def filled_file(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Key]:
    """Return a SQLite file with a key, for copies, and the key."""
    file = tmp_path_factory.mktemp("faults") / "filled.sqlite3"
    return file, fill(sqlite(file))


@pytest.fixture
def file(filled_file: tuple[Path, Key], tmp_path: Path) -> Path:
    """Return a SQLite file with `file_key`."""
    return Path(shutil.copy(filled_file[0], tmp_path / "db.sqlite3"))


@pytest.fixture
def file_key(filled_file: tuple[Path, Key]) -> Key:
    return filled_file[1]


@pytest.fixture
def redis() -> Iterator[servers.Redis]:
    """Start a Redis server that only the test uses."""
    driver("redis")
    if not shutil.which("redis-server") and not REQUIRED:
        pytest.skip("Redis is not installed")
    with servers.redis() as running:
        yield running


@pytest.fixture
def at_once() -> Iterator[Callable[..., list[Any]]]:
    """``at_once(first, second)``: call both at the same time, in threads; return the results."""

    def run(*calls: Callable[[], Any]) -> list[Any]:
        barrier = Barrier(len(calls), timeout=PATIENCE)

        def wait_and(call: Callable[[], Any]) -> Any:
            try:
                barrier.wait()
                return call()
            finally:
                connections.close_all()

        return [
            future.result(PATIENCE) for future in [pool.submit(wait_and, call) for call in calls]
        ]

    with ThreadPoolExecutor(4) as pool:
        yield run
