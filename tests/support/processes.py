"""Server processes of the tests' host, which share one database."""

import http.client
import importlib
import importlib.util
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

#: Whether a missing database server or cache server fails the tests instead of skipping them.
REQUIRED = bool(os.environ.get("TOT_JWT_REQUIRE_SERVICES"))
ROOT = Path(__file__).resolve().parents[2]
PREFIX = "/api/internal/auth"
#: The module of settings for processes.
SETTINGS = "tests.support.process_settings"
#: A bounded poll, many times longer than the second that it waits for.
TRIES, PAUSE = 200, 0.1


def driver(name: str) -> Any:
    """Return the client library of a service. Skip the test without it, unless it is required."""
    return importlib.import_module(name) if REQUIRED else pytest.importorskip(name)


def environment(database: str, max_age: float = 5, *, module: str = SETTINGS) -> dict[str, str]:
    """Return the environment variables of a process on this database."""
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": module,
        "TOT_JWT_PROCESS_DB": database,
        "TOT_JWT_PROCESS_MAX_AGE": str(max_age),
    }


def manage(database: str, *arguments: str, module: str = SETTINGS) -> str:
    """Run a management command in a process of its own and return what it prints."""
    command = [sys.executable, "-m", "django", *arguments]
    variables = environment(database, module=module)
    run = subprocess.run(
        command, cwd=ROOT, env=variables, check=True, capture_output=True, text=True
    )
    return run.stdout


class Process:
    """A server process, listening on 127.0.0.1."""

    def __init__(self, port: int) -> None:
        self.port = port

    def send(
        self, method: str, path: str, token: str | None = None, sent: Any = None
    ) -> tuple[int, Any]:
        """Send a request to an endpoint, and return status and JSON of the answer."""
        return self._send(method, PREFIX + path, token, sent)

    def ask(
        self, method: str, url: str, token: str | None = None, sent: Any = None
    ) -> tuple[int, str | None]:
        """Send a request to any URL, and return status and code of the answer."""
        status, answer = self._send(method, url, token, sent)
        return status, (answer or {}).get("code")

    def _send(self, method: str, url: str, token: str | None, sent: Any) -> tuple[int, Any]:
        headers = {"Content-Type": "application/json"} | (
            {"Authorization": f"Bearer {token}"} if token else {}
        )
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(method, url, None if sent is None else json.dumps(sent), headers)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer.status, json.loads(body) if body else None

    def token(self, key: dict[str, Any]) -> str:
        """Exchange the key for a token."""
        names = ("appDomain", "totApiKey", "totSecretKey")
        status, answer = self.send("POST", "/token", sent={name: key[name] for name in names})
        assert status == 200, answer
        return str(answer["token"])

    def accepts(self, token: str) -> bool:
        """Return whether the token is accepted; any other reason than revocation fails."""
        status, answer = self.send("GET", "/token", token)
        assert (status, answer.get("code")) in [(200, None), (401, "token_revoked")]
        return status == 200

    def refuses_before_long(self, token: str) -> bool:
        """Poll until the token is refused; return whether that happens."""
        return _before_long(lambda: not self.accepts(token))

    def answers_before_long(self, wanted: tuple[int, str | None], *request: Any) -> bool:
        """Poll until the request has this answer; return whether that happens."""
        return _before_long(lambda: self.ask(*request) == wanted)


def _before_long(happens: Callable[[], bool]) -> bool:
    for _ in range(TRIES):
        if happens():
            return True
        time.sleep(PAUSE)
    return False


@contextmanager
def server(
    database: str, max_age: float, *, workers: int = 1, module: str = SETTINGS
) -> Iterator[Process]:
    """Start a process on a socket that listens already, so that no client has to wait for it.

    More than one worker needs gunicorn.
    """
    with socket.create_server(("127.0.0.1", 0)) as listening:
        descriptor = listening.fileno()
        command = [sys.executable, "-m", "tests.support.process_server", str(descriptor)]
        if importlib.util.find_spec("gunicorn"):
            options = ["--bind", f"fd://{descriptor}", "--preload", "--log-level", "warning"]
            command = [sys.executable, "-m", "gunicorn", *options, f"--workers={workers}"]
            command.append("tests.support.process_server")
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment(database, max_age, module=module),
            pass_fds=[descriptor],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield Process(listening.getsockname()[1])
        finally:
            process.terminate()
            process.wait(60)
