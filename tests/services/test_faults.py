"""What breaks around the package, and what it does then: the rows of docs/operations.md (security.md D2 to D4, D6)."""

import http.client
import json
import logging.config
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path
from queue import SimpleQueue
from threading import Event
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.db import OperationalError, connections
from django.db.backends.utils import CursorWrapper
from django.utils import timezone

from tests.support import servers
from tests.support.processes import (
    PREFIX,
    REQUIRED,
    ROOT,
    Process,
    environment,
    manage,
    server,
)
from tests.support.requests import TOKEN_URL
from tot_jwt.keys import lifecycle
from tot_jwt.keys import state as key_state
from tot_jwt.keys.domains import suspend_domain
from tot_jwt.models import ApiKey
from tot_jwt.signals import key_event

#: Longer than anything here takes on any machine.
PATIENCE = 60
#: More answers than anything here waits for.
MANY = 100_000

GOOD = (200, None)
UNAVAILABLE = (503, "5")

Answer = tuple[int, str | None]
Key = dict[str, Any]


# What the tests stand on


def told(number: int) -> dict[str, Any]:
    """What a block of Python in docs/operations.md makes when it runs."""
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    made: dict[str, Any] = {}
    exec(re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)[number], made)  # noqa: S102
    return made


ADVICE = told(0)
ADVISED = ADVICE["DATABASES"]["default"]


@contextmanager
def given(settings: dict[str, Any]) -> Iterator[None]:
    """Processes that start meanwhile have these settings."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TOT_JWT_PROCESS_SETTINGS", json.dumps(settings))
        yield


@contextmanager
def process(databases: dict[str, Any], *, max_age: float = 0, **settings: Any) -> Iterator[Process]:
    """A process of the application on these databases."""
    with ExitStack() as stack:
        with given({"DATABASES": databases, "TOT_JWT": {"KEY_STATE_MAX_AGE": max_age}, **settings}):
            running = stack.enter_context(server("", max_age))
        yield running


def fill(databases: dict[str, Any]) -> Key:
    """Make the tables, a domain and a key."""
    with given({"DATABASES": databases}):
        key: Key = json.loads(manage("", "shell", "--no-imports", "-c", FILL))
    return key


FILL = """
import json
from django.core.management import call_command
from tot_jwt import lifecycle
call_command("migrate", verbosity=0)
key, secret = lifecycle.create_key(create_domain("example.com"), name="One")
print(json.dumps({"appDomain": "example.com", "totApiKey": key.public_key, "totSecretKey": secret.reveal()}))
"""


def new_key(app: Process, key: Key) -> Key:
    """A key that this key makes."""
    status, made = app.send("POST", "/keys", app.token(key), NEW_KEY)
    assert status == 201
    return dict(made)


NEW_KEY = {"name": "New", "scopes": []}


def ask(process: Process, key: Key | None = None, token: str = "") -> Answer:
    """Status and Retry-After of an exchange, or of a token's verification."""
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
    """Threads that ask again and again."""

    def __init__(self) -> None:
        self.seen: set[Answer] = set()
        self._answers: SimpleQueue[Answer] = SimpleQueue()
        self._is_over = Event()

    @contextmanager
    def of(self, *calls: Callable[[], Answer]) -> Iterator[None]:
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
        """Return when that has been answered so many times more."""
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


@pytest.fixture(scope="module")
def postgresql() -> Iterator[servers.PostgreSQL]:
    """A PostgreSQL server that only these tests use."""
    if not servers.postgresql_program("initdb") and not REQUIRED:
        pytest.skip("PostgreSQL's server is not installed")
    with servers.postgresql() as running:
        yield running


@pytest.fixture(scope="module")
def databases(postgresql: servers.PostgreSQL) -> dict[str, Any]:
    """The setting that leads to it."""
    return {"default": postgresql.settings}


@pytest.fixture(scope="module")
def key(databases: dict[str, Any]) -> Key:
    return fill(databases)


@pytest.fixture(scope="module")
def app(databases: dict[str, Any], key: Key) -> Iterator[Process]:
    """A process that remembers nothing."""
    with process(databases) as running:
        yield running


@pytest.fixture
def query(postgresql: servers.PostgreSQL) -> Iterator[Callable[..., list[Any]]]:
    """``query("SELECT …")``: rows, from a connection of the test's own."""
    import psycopg

    with psycopg.connect(
        host="127.0.0.1", port=postgresql.port, user="postgres", autocommit=True
    ) as connection:

        def rows(sql: str, *parameters: str) -> list[Any]:
            cursor = connection.execute(sql, parameters)
            return cursor.fetchall() if cursor.description else []

        yield rows


# PostgreSQL


@pytest.mark.services
@pytest.mark.req("D2")
def test_postgresql_stopped_and_started_under_load_is_503_between_and_nothing_else(
    postgresql, app, key
):
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
def test_without_postgresql_what_is_remembered_goes_on(postgresql, databases, app, key):
    unseen = new_key(app, key)
    with process(databases, max_age=3600) as remembering:
        token = remembering.token(key)
        postgresql.stop()
        try:
            assert ask(remembering, key) == GOOD
            assert ask(remembering, token=token) == GOOD
            assert ask(remembering, unseen) == UNAVAILABLE
            assert (
                ask(remembering, {**key, "totSecretKey": "wrong"}) == UNAVAILABLE
            )  # never refused on memory
        finally:
            postgresql.start()
        assert ask(remembering, unseen) == GOOD


@pytest.mark.services
@pytest.mark.req("D2")
@pytest.mark.parametrize(
    ("settings", "first"), [({"CONN_MAX_AGE": 60}, UNAVAILABLE), (ADVISED, GOOD)]
)
def test_kept_connection_costs_one_503_after_a_restart_unless_its_health_is_checked(
    postgresql, databases, key, settings, first
):
    with process({"default": {**databases["default"], **settings}}) as app:
        assert ask(app, key) == GOOD
        postgresql.stop()
        postgresql.start()
        assert ask(app, key) == first
        assert ask(app, key) == GOOD


@pytest.mark.services
@pytest.mark.req("D2")
def test_statement_that_hangs_is_503_where_statements_have_a_timeout(databases, key, query):
    with process({"default": {**databases["default"], **ADVISED}}) as app:
        query("BEGIN")
        query("LOCK TABLE tot_jwt_apikey")
        assert ask(app, key) == UNAVAILABLE
        query("ROLLBACK")
        assert ask(app, key) == GOOD


@pytest.mark.parametrize("backlog", [None, 9], ids=["nobody listens", "nobody answers"])
@pytest.mark.req("D2", "D4")
def test_database_that_cannot_be_reached_is_503_also_with_atomic_requests(backlog):
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
def test_database_that_is_read_only_exchanges_and_answers_changes_with_503(databases, key):
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
def test_process_killed_in_a_rotation_leaves_all_of_it_or_nothing(
    databases, app, key, query, moment, is_rotated
):
    rotated = new_key(app, key)
    secrets = "SELECT secret_hash, previous_secret_hash, secret_hint FROM tot_jwt_apikey WHERE public_key = %s"
    [before] = query(secrets, rotated["totApiKey"])

    with given({"DATABASES": databases}):
        run = subprocess.run(
            [sys.executable, "-m", "tests.support.process_rotation", rotated["totApiKey"], moment],
            cwd=ROOT,
            env=environment("", 0),
            check=False,
        )

    assert run.returncode == -signal.SIGKILL
    [after] = query(
        f"{secrets} FOR UPDATE", rotated["totApiKey"]
    )  # waits for whoever has the row: nobody for long
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
    assert ask(app, rotated) == GOOD  # with the secret that its owner has


@pytest.mark.req("D2")
def test_log_says_why_the_database_does_not_answer(
    make_key, post_token, client, monkeypatch, caplog
):
    key = make_key()

    def fail(*args):
        raise OperationalError("the disk is on fire")

    headers = {"Tot-App-Domain": "a", "Tot-Api-Key": key.public_key, "Tot-Secret-Key": key.secret}
    for ask_it in (partial(post_token, key), partial(client.get, "/me", headers=headers)):
        caplog.clear()
        with monkeypatch.context() as patch:
            patch.setattr(CursorWrapper, "execute", fail)
            assert ask_it().status_code == 503
        assert "the disk is on fire" in caplog.text
        assert key.secret not in caplog.text


# SQLite


@pytest.fixture(scope="module")
def filled_file(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Key]:
    """A SQLite file with a key, for copies."""
    file = tmp_path_factory.mktemp("faults") / "filled.sqlite3"
    return file, fill(sqlite(file))


@pytest.fixture
def file(filled_file: tuple[Path, Key], tmp_path: Path) -> Path:
    """A SQLite file with `file_key`."""
    return Path(shutil.copy(filled_file[0], tmp_path / "db.sqlite3"))


@pytest.fixture
def file_key(filled_file: tuple[Path, Key]) -> Key:
    return filled_file[1]


def sqlite(file: Path, **options: Any) -> dict[str, Any]:
    """The setting that leads to a SQLite file."""
    return {
        "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(file), "OPTIONS": options}
    }


def select(file: Path, sql: str) -> list[Any]:
    """Rows, past Django."""
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute(sql).fetchall()


@pytest.mark.req("D2", "D3")
def test_full_disk_refuses_new_keys_whole_and_exchanges_on(file, file_key):
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
    assert select(file, "SELECT count(*) FROM tot_jwt_keyevent") == [(len(keys),)]
    assert select(file, "PRAGMA foreign_key_check") == []


@pytest.mark.req("D2", "D3")
def test_sqlite_that_another_locks_is_503_for_what_needs_it(file, file_key):
    with (
        process(sqlite(file, timeout=0.1)) as app,
        closing(sqlite3.connect(file, isolation_level=None)) as other,
    ):
        token = app.token(file_key)

        other.execute("BEGIN IMMEDIATE")  # others may read
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
    """The settings of a host that reads from a replica, which so far has nothing but tables."""
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
def test_authentication_reads_the_database_that_is_written_to(lagging, file_key):
    with process(**lagging) as app:
        assert app.accepts(app.token(file_key))


@pytest.mark.req("A11")
def test_keys_are_managed_in_the_database_that_is_written_to(lagging, file_key):
    with process(**lagging) as app:
        token = app.token(file_key)
        status, child = app.send("POST", "/keys", token, {"name": "Child", "scopes": []})
        assert status == 201
        path = f"/keys/{child['totApiKey']}"
        assert app.send("GET", path, token)[1]["name"] == "Child"
        assert app.send("GET", "/keys", token)[1]["count"] == 2
        assert app.send("PATCH", path, token, {"name": "Renamed"})[1]["name"] == "Renamed"
        assert app.send("POST", f"{path}/rotate", token, {})[0] == 200
        of_child = app.token(child)
        path = f"/keys/{file_key['totApiKey']}?cascade=true"
        assert app.send("DELETE", path, token)[1]["code"] == "last_active_key"
        assert app.send("DELETE", f"{path}&force=true", token) == (204, None)
        assert not app.accepts(token)
        assert not app.accepts(of_child)


@pytest.mark.services
def test_tables_in_a_database_of_their_own_work_alike(databases, key):
    apart = {"default": sqlite(Path(":memory:"))["default"], "apart": databases["default"]}
    with process(apart, DATABASE_ROUTERS=["tests.support.process_settings.OursApart"]) as app:
        token = app.token(key)
        status, child = app.send("POST", "/keys", token, {"name": "Child", "scopes": []})
        assert status == 201
        path = f"/keys/{child['totApiKey']}"
        assert app.send("POST", f"{path}/rotate", token, {})[0] == 200
        assert app.send("DELETE", path, token) == (204, None)


@pytest.mark.req("D4")
def test_other_database_of_the_host_may_be_gone_with_atomic_requests(file, file_key):
    gone = {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "a",
        "HOST": "127.0.0.1",
        "ATOMIC_REQUESTS": True,
    }
    databases = {**sqlite(file), "other": {**gone, "PORT": servers.free_port()}}
    with process(databases) as app:
        assert ask(app, file_key) == GOOD


# The cache


@pytest.fixture
def redis() -> Iterator[servers.Redis]:
    """A Redis server that only the test uses."""
    pytest.importorskip("redis")
    if not shutil.which("redis-server") and not REQUIRED:
        pytest.skip("Redis is not installed")
    with servers.redis() as running:
        yield running


@pytest.fixture
def counting_at(settings: Any) -> Callable[..., None]:
    """``counting_at(port)``: limits count on Redis there; two wrong guesses in a day are enough."""

    def count_at(port: int, **options: Any) -> None:
        backend = "django.core.cache.backends.redis.RedisCache"
        settings.CACHES = {
            "default": {
                "BACKEND": backend,
                "LOCATION": f"redis://127.0.0.1:{port}",
                "OPTIONS": options,
            }
        }
        settings.TOT_JWT = {
            "EXCHANGE_FAILURE_RATES": {"address": "2/day"},
            "EXCHANGE_RATE": "1000/day",
        }

    return count_at


@pytest.fixture
def guesses(
    make_key: Callable[..., ApiKey], post_token: Callable[..., Any]
) -> Callable[[], list[int]]:
    """``guesses()``: what three wrong guesses are answered with, after a good exchange."""
    key = make_key()

    def guess() -> list[int]:
        assert post_token(key).status_code == 200
        return [post_token(key, totSecretKey="wrong").status_code for _ in range(3)]

    return guess


NOT_THROTTLED = "Rate limit skipped: cache error"
#: Far from the moment at which a day's counters begin anew.
NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)


@pytest.mark.services
@pytest.mark.req("D2")
@time_machine.travel(NOON)
def test_redis_stopped_and_started_limits_nothing_between_and_refuses_nobody(
    redis, counting_at, guesses, caplog
):
    counting_at(redis.port)
    assert guesses() == [401, 401, 429]
    assert NOT_THROTTLED not in caplog.text

    redis.stop()
    assert guesses() == [401, 401, 401]
    assert NOT_THROTTLED in caplog.text

    redis.start()
    assert guesses() == [401, 401, 429]


@pytest.mark.req("D2")
def test_cache_that_does_not_answer_limits_nothing_and_refuses_nobody(counting_at, guesses, caplog):
    pytest.importorskip("redis")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        counting_at(silent.getsockname()[1], **ADVICE["CACHES"]["default"]["OPTIONS"])
        assert guesses() == [401, 401, 401]
    assert NOT_THROTTLED in caplog.text


def test_sign_of_life_asks_neither_database_nor_cache(client, counting_at, caplog):
    counting_at(servers.free_port())
    assert client.get(TOKEN_URL).status_code == 401
    assert NOT_THROTTLED not in caplog.text


@pytest.mark.req("D4")
@pytest.mark.django_db(transaction=True)
@time_machine.travel(NOON)
def test_guess_is_counted_on_a_cache_in_the_database_also_with_atomic_requests(
    guesses, settings, monkeypatch
):
    monkeypatch.setitem(connections["default"].settings_dict, "ATOMIC_REQUESTS", True)
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.db.DatabaseCache",
            "LOCATION": "counters",
        }
    }
    settings.TOT_JWT = {"EXCHANGE_FAILURE_RATES": {"address": "2/day"}}
    call_command("createcachetable")

    assert guesses() == [401, 401, 429]

    with connections["default"].cursor() as cursor:
        cursor.execute("DROP TABLE counters")


# Processes


def test_application_that_starts_again_has_lost_nothing(file, file_key):
    with process(sqlite(file), max_age=3600) as app:
        token = app.token(file_key)
        child = app.send("POST", "/keys", token, {"name": "Child", "scopes": []})[1]
        of_child = app.token(child)
        assert app.send("DELETE", f"/keys/{child['totApiKey']}", token) == (204, None)
    with process(sqlite(file), max_age=3600) as app:
        assert app.accepts(token)
        assert not app.accepts(of_child)
        assert ask(app, file_key) == GOOD


@pytest.mark.req("A10")
@pytest.mark.parametrize(("ahead", "status"), [(10, 200), (60, 401)])
def test_clock_of_the_process_that_issues_may_be_ten_seconds_ahead(
    make_key, make_token, get_token, ahead, status
):
    key, now = make_key(), timezone.now()
    with time_machine.travel(now + timedelta(seconds=ahead), tick=False):
        token = make_token(key)
    key_state.reset()
    with time_machine.travel(now, tick=False):
        assert get_token(token).status_code == status


OLD, NEW = "old" * 20, "new" * 20


@pytest.mark.parametrize(
    "steps",
    [
        [
            {"SECRET_KEY": OLD, "SECRET_KEY_FALLBACKS": []},
            {"SECRET_KEY": OLD, "SECRET_KEY_FALLBACKS": [NEW]},
            {"SECRET_KEY": NEW, "SECRET_KEY_FALLBACKS": [OLD]},
            {"SECRET_KEY": NEW, "SECRET_KEY_FALLBACKS": []},
        ],
        [
            {"TOT_JWT": {"SIGNING_KEY": OLD}},
            {"TOT_JWT": {"SIGNING_KEY": OLD, "VERIFYING_KEYS": [NEW]}},
            {"TOT_JWT": {"SIGNING_KEY": NEW, "VERIFYING_KEYS": [OLD]}},
            {"TOT_JWT": {"SIGNING_KEY": NEW}},
        ],
    ],
    ids=["SECRET_KEY", "SIGNING_KEY"],
)
def test_signing_key_changes_in_steps_of_which_each_understands_the_next(
    make_key, make_token, get_token, settings, steps
):
    key = make_key()

    def accepts(step, token):
        put(step)
        return get_token(token).status_code == 200

    def put(step):
        for name, value in step.items():
            setattr(settings, name, value)

    tokens = []
    for step in steps:
        put(step)
        tokens.append(make_token(key))

    for (before, old_token), (after, new_token) in pairwise(zip(steps, tokens, strict=True)):
        assert accepts(before, new_token)
        assert accepts(after, old_token)
    assert not accepts(steps[0], tokens[-1])
    assert not accepts(steps[-1], tokens[0])


def test_new_signing_key_ends_the_tokens_that_a_restored_database_revives(
    make_key, make_token, get_token, settings
):
    key = make_key()
    token = make_token(key)
    [backup] = ApiKey.objects.filter(pk=key.pk).values()
    lifecycle.revoke_key(key)
    assert get_token(token).status_code == 401

    ApiKey.objects.filter(pk=key.pk).update(**backup)
    key_state.reset()
    assert get_token(token).status_code == 200

    settings.TOT_JWT = {"SIGNING_KEY": NEW}
    assert get_token(token).status_code == 401


def test_logging_that_is_told_shows_issued_tokens(make_key, make_token, capsys, monkeypatch):
    root = logging.getLogger()
    level = root.level
    monkeypatch.setattr(root, "handlers", [])
    try:
        logging.config.dictConfig(told(1)["LOGGING"])
        make_token(make_key())
    finally:
        root.setLevel(level)  # only so do loggers forget which levels they let through

    assert "Token issued: " in capsys.readouterr().err


def test_receiver_that_keeps_the_record_elsewhere(
    make_domain, caplog, django_capture_on_commit_callbacks
):
    caplog.set_level("INFO", logger="key_events")
    keep = told(2)["keep"]
    try:
        with django_capture_on_commit_callbacks(execute=True):
            key, _ = lifecycle.create_key(make_domain(), name="One")
            suspend_domain(key.app_domain)
    finally:
        key_event.disconnect(keep)
    assert f"created {key.public_key} by system" in caplog.text
    assert f"suspended {key.app_domain} by system" in caplog.text
