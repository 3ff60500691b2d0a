"""Revoked in one process, refused in all: two servers and one database (security.md A11)."""

import http.client
import importlib.util
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.settings import _DATABASES

REQUIRED = bool(os.environ.get("TOT_JWT_REQUIRE_SERVICES"))
ROOT = Path(__file__).resolve().parents[2]
SERVER = _DATABASES["postgresql"]
PREFIX = "/api/internal/auth"
#: A bounded poll, many times longer than the second that it waits for.
TRIES, PAUSE = 200, 0.1

if not REQUIRED:
    pytest.importorskip("psycopg")

pytestmark = [pytest.mark.services, pytest.mark.req("A11")]


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    """The name of a new PostgreSQL database with our tables."""
    import psycopg
    from psycopg import sql

    account = {
        "host": SERVER["HOST"],
        "port": SERVER["PORT"],
        "user": SERVER["USER"],
        "password": SERVER["PASSWORD"],
    }
    try:
        connection = psycopg.connect(**account, dbname="postgres", autocommit=True)
    except psycopg.OperationalError:
        if REQUIRED:
            raise
        pytest.skip("PostgreSQL does not answer")
    name = f"test_tot_jwt_{uuid4().hex}"
    identifier = sql.Identifier(name)
    with connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(identifier))
        try:
            manage(name, "migrate", "--verbosity=0")
            yield name
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(identifier))


def environment(database: str, max_age: float = 5) -> dict[str, str]:
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.support.process_settings",
        "TOT_JWT_PROCESS_DB": database,
        "TOT_JWT_PROCESS_MAX_AGE": str(max_age),
    }


def manage(database: str, *arguments: str) -> str:
    """What a command prints, in a process of its own."""
    command = [sys.executable, "-m", "django", *arguments]
    run = subprocess.run(
        command, cwd=ROOT, env=environment(database), check=True, capture_output=True, text=True
    )
    return run.stdout


class Process:
    """A server process with one worker, listening on 127.0.0.1."""

    def __init__(self, port: int) -> None:
        self.port = port

    def send(
        self, method: str, path: str, token: str | None = None, sent: Any = None
    ) -> tuple[int, Any]:
        """Status and JSON of the answer."""
        headers = {"Content-Type": "application/json"} | (
            {"Authorization": f"Bearer {token}"} if token else {}
        )
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(
            method, PREFIX + path, None if sent is None else json.dumps(sent), headers
        )
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer.status, json.loads(body) if body else None

    def token(self, key: dict[str, Any]) -> str:
        names = ("appDomain", "totApiKey", "totSecretKey")
        status, answer = self.send("POST", "/token", sent={name: key[name] for name in names})
        assert status == 200, answer
        return str(answer["token"])

    def accepts(self, token: str) -> bool:
        status, answer = self.send("GET", "/token", token)
        assert (status, answer.get("code")) in [(200, None), (401, "token_revoked")]
        return status == 200

    def refuses_before_long(self, token: str) -> bool:
        for _ in range(TRIES):
            if not self.accepts(token):
                return True
            time.sleep(PAUSE)
        return False


@contextmanager
def server(database: str, max_age: float) -> Iterator[Process]:
    """A process on a socket that listens before it starts, so that nobody need wait for it."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        descriptor = listening.fileno()
        command = [sys.executable, "-m", "tests.support.process_server", str(descriptor)]
        if importlib.util.find_spec("gunicorn"):
            options = ["--bind", f"fd://{descriptor}", "--workers", "1", "--log-level", "warning"]
            command = [sys.executable, "-m", "gunicorn", *options, "tests.support.process_server"]
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment(database, max_age),
            pass_fds=[descriptor],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield Process(listening.getsockname()[1])
        finally:
            process.terminate()
            process.wait(60)


@pytest.fixture(scope="module")
def two_servers(database: str) -> Iterator[Callable[[float], list[Process]]]:
    """``two_servers(max_age)``: two processes that remember for so many seconds."""
    with ExitStack() as stack:
        yield cache(
            lambda max_age: [stack.enter_context(server(database, max_age)) for _ in range(2)]
        )


@pytest.fixture(scope="module")
def domain(database: str) -> str:
    """A domain whose last active key is none of the tests'."""
    domain = "example.com"
    manage(database, "tot_jwt", "create_domain", domain)
    manage(database, "tot_jwt", "create_key", domain, "--name", "Last")
    return domain


@pytest.fixture
def key(database: str, domain: str) -> dict[str, Any]:
    """A new key as the command prints it."""
    made: dict[str, Any] = json.loads(
        manage(database, "tot_jwt", "create_key", domain, "--name", "One", "--json")
    )
    return made


@pytest.mark.parametrize("max_age", [0, 1, 3600])
def test_key_revoked_by_token_is_refused_there_at_once_and_elsewhere_within_the_age(
    two_servers, key, max_age
):
    here, elsewhere = two_servers(max_age)
    token = here.token(key)
    assert here.accepts(token)
    assert elsewhere.accepts(token)

    assert here.send("DELETE", f"/keys/{key['totApiKey']}", token) == (204, None)

    assert not here.accepts(token)
    if max_age == 3600:
        assert elsewhere.accepts(token)  # it is another process, and it remembers
    elif max_age:
        assert elsewhere.refuses_before_long(token)
    assert max_age == 3600 or not elsewhere.accepts(token)


@pytest.mark.parametrize("max_age", [0, 1])
def test_key_revoked_by_command_is_refused_by_all_within_the_age(
    two_servers, database, key, max_age
):
    servers = two_servers(max_age)
    token = servers[0].token(key)
    assert [server.accepts(token) for server in servers] == [True, True]

    assert (
        json.loads(manage(database, "tot_jwt", "revoke_key", key["totApiKey"], "--json"))["status"]
        == "revoked"
    )

    for server_of_two in servers:
        assert max_age == 0 or server_of_two.refuses_before_long(token)
        assert not server_of_two.accepts(token)


def test_what_is_granted_anew_works_at_once_on_all(two_servers, key):
    here, elsewhere = two_servers(3600)
    token = here.token(key)
    child = here.send("POST", "/keys", token, {"name": "Child", "scopes": []})[1]
    assert elsewhere.token(child)

    status, rotated = here.send(
        "POST", f"/keys/{child['totApiKey']}/rotate", token, {"graceSeconds": 0}
    )

    assert status == 200
    assert elsewhere.accepts(elsewhere.token({**child, "totSecretKey": rotated["totSecretKey"]}))
