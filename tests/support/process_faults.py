"""Processes of the application on servers that fail, and what docs/operations.md advises."""

import http.client
import json
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from queue import SimpleQueue
from threading import Event
from typing import Any

import pytest

from tests.support.documents import blocks, read
from tests.support.processes import (
    PREFIX,
    SETTINGS,
    Process,
    manage,
    server,
)

#: More seconds than any step takes on any machine.
PATIENCE = 60
#: More answers than any test waits for.
MANY = 100_000
GOOD = (200, None)
UNAVAILABLE = (503, "5")
Answer = tuple[int, str | None]
Key = dict[str, Any]
NEW_KEY = {"name": "New", "scopes": []}


def documented(number: int) -> dict[str, Any]:
    """Run a Python block of docs/operations.md; return the names that it defines."""
    names: dict[str, Any] = {}
    exec(blocks(read("docs/operations.md"), "python")[number], names)  # noqa: S102
    return names


ADVICE = documented(0)
ADVISED = ADVICE["DATABASES"]["default"]


@contextmanager
def settings_for_processes(settings: dict[str, Any]) -> Iterator[None]:
    """Give these settings to processes that start meanwhile."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TOT_JWT_PROCESS_SETTINGS", json.dumps(settings))
        yield


@contextmanager
def process(
    databases: dict[str, Any],
    *,
    max_age: float = 0,
    workers: int = 1,
    module: str = SETTINGS,
    **settings: Any,
) -> Iterator[Process]:
    """Start a process of the application on these databases."""
    with ExitStack() as stack:
        with settings_for_processes(
            {"DATABASES": databases, "TOT_JWT": {"KEY_STATE_MAX_AGE": max_age}, **settings}
        ):
            running = stack.enter_context(server("", max_age, workers=workers, module=module))
        yield running


def fill(databases: dict[str, Any]) -> Key:
    """Create the tables, a domain and a key; return the key."""
    with settings_for_processes({"DATABASES": databases}):
        key: Key = json.loads(manage("", "shell", "--no-imports", "-c", FILL))
    return key


FILL = """
import json
from django.core.management import call_command
from tot_jwt.keys import create_domain, create_key
call_command("migrate", verbosity=0)
key, secret = create_key(create_domain("example.com"), name="One")
credentials = {"appDomain": "example.com", "totApiKey": key.public_key}
print(json.dumps({**credentials, "totSecretKey": secret.reveal()}))
"""


def new_key(app: Process, key: Key) -> Key:
    """Return a key that this key creates."""
    status, made = app.send("POST", "/keys", app.token(key), NEW_KEY)
    assert status == 201
    return dict(made)


def ask(process: Process, key: Key | None = None, token: str = "") -> Answer:
    """Return status and Retry-After of an exchange, or of a token's verification."""
    connection = http.client.HTTPConnection("127.0.0.1", process.port, timeout=PATIENCE)
    if key is not None:
        credentials = {name: key[name] for name in ("appDomain", "totApiKey", "totSecretKey")}
        connection.request(
            "POST", f"{PREFIX}/token", json.dumps(credentials), {"Content-Type": "application/json"}
        )
    else:
        connection.request("GET", f"{PREFIX}/token", headers={"Authorization": f"Bearer {token}"})
    with closing(connection):
        answer = connection.getresponse()
        return answer.status, answer.headers["Retry-After"]


class Load:
    """Threads that repeat requests."""

    def __init__(self) -> None:
        self.seen: set[Answer] = set()
        self._answers: SimpleQueue[Answer] = SimpleQueue()
        self._is_over = Event()

    @contextmanager
    def of(self, *calls: Callable[[], Answer]) -> Iterator[None]:
        """Repeat each call in a thread of its own."""
        with ThreadPoolExecutor(len(calls)) as pool:
            threads = [pool.submit(self._repeat, call) for call in calls]
            try:
                yield
            finally:
                self._is_over.set()
            for thread in threads:
                thread.result(PATIENCE)
        while not self._answers.empty():
            self.seen.add(self._answers.get())

    def goes_on_until(self, wanted: Answer, times: int = 1) -> None:
        """Return after this answer has come so many times more."""
        for _ in range(MANY):
            answer = self._answers.get(timeout=PATIENCE)
            self.seen.add(answer)
            times -= answer == wanted
            if not times:
                return
        pytest.fail(f"never {wanted}")

    def _repeat(self, call: Callable[[], Answer]) -> None:
        while not self._is_over.is_set():
            self._answers.put(call())


def sqlite(file: Path, **options: Any) -> dict[str, Any]:
    """Return DATABASES for a SQLite file."""
    return {
        "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(file), "OPTIONS": options}
    }


def select(file: Path, sql: str) -> list[Any]:
    """Return rows, without Django."""
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute(sql).fetchall()
