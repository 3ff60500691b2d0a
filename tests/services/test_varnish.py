"""A stock HTTP cache before the example project (security.md C7)."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest

from tests.support import servers
from tests.support.processes import REQUIRED, ROOT

pytestmark = [
    pytest.mark.services,
    pytest.mark.req("C7"),
    pytest.mark.skipif(
        not REQUIRED and not servers.varnish_program(), reason="Varnish is not installed"
    ),
]

PERSONS = "/api/person"
#: The two domains of the example that have persons.
DOMAINS = ("myapp.com", "otherapp.com")
#: A file that every cache stores.
STYLE = "/static/admin/css/base.css"


class Example:
    """The running example, and the keys of a client of each domain."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = environment
        self.port = servers.free_port()
        self._manage("demo", "--no-serve")
        self.keys = [json.loads(self._manage(*create_key(domain))) for domain in DOMAINS]

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "manage.py", *arguments]

    def _manage(self, *arguments: str) -> str:
        return subprocess.run(
            self.command(*arguments),
            cwd=ROOT,
            env=self.environment,
            check=True,
            capture_output=True,
            text=True,
        ).stdout


def create_key(domain: str) -> list[str]:
    """Return the arguments of the command that creates a key and prints it as JSON."""
    return ["tot_jwt", "create_key", domain, "--name", "Behind a cache", "--json"]


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Example]:
    """Run the example in a process of its own."""
    file: Path = tmp_path_factory.mktemp("example") / "demo.sqlite3"
    foreign = {"DATABASE_URL", "CACHE_URL", "SECRET_KEY", "DEBUG", "ALLOWED_HOSTS"}
    inherited = {name: value for name, value in os.environ.items() if name not in foreign}
    settings = {
        "DJANGO_SETTINGS_MODULE": "example_project.settings",
        "DEMO_DATABASE": str(file),
        "PYTHONUNBUFFERED": "1",
    }
    running = Example(inherited | settings)
    with subprocess.Popen(
        running.command("runserver", "--noreload", f"127.0.0.1:{running.port}"),
        cwd=ROOT,
        env=running.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        # Django prints this when it listens. If the process dies, the output ends too.
        for _ in takewhile(lambda line: not line.startswith("Quit the server"), process.stdout):
            pass
        yield running
        process.kill()


@pytest.fixture(scope="module")
def cache(example: Example) -> Iterator[servers.Varnish]:
    """Start Varnish before the example."""
    with servers.varnish(example.port) as running:
        yield running


def get(port: int, path: str, headers: dict[str, str]) -> tuple[int, Any, Any]:
    """Return status, body and headers of the response."""
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, content, answer.headers


def headers_of(key: dict[str, str]) -> dict[str, str]:
    """Return the headers with a key's credentials."""
    return {
        "Tot-App-Domain": key["appDomain"],
        "Tot-Api-Key": key["totApiKey"],
        "Tot-Secret-Key": key["totSecretKey"],
    }


def tokens_of(port: int, key: dict[str, str]) -> dict[str, str]:
    """Return the header with a new token of the key."""
    names = ("appDomain", "totApiKey", "totSecretKey")
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    sent = json.dumps({name: key[name] for name in names})
    content_type = {"Content-Type": "application/json"}
    connection.request("POST", "/api/internal/auth/token", sent, content_type)
    token = json.loads(connection.getresponse().read())["token"]
    connection.close()
    return {"Authorization": f"Bearer {token}"}


def test_varnish_stores_what_is_public(cache):
    """Otherwise the next test would show nothing."""
    (first, _, _), (second, _, headers) = (get(cache.port, STYLE, {}) for _ in range(2))

    assert (first, second) == (200, 200)
    assert len(headers["X-Varnish"].split()) == 2  # this request, and the one that was stored


def test_varnish_mixes_up_no_clients(example, cache):
    persons = [get(example.port, PERSONS, headers_of(key))[1] for key in example.keys]
    assert persons[0] != persons[1]

    for _ in range(2):
        for key, own in zip(example.keys, persons, strict=True):
            for headers in (headers_of(key), tokens_of(cache.port, key)):
                status, content, answered = get(cache.port, PERSONS, headers)
                assert (status, content) == (200, own)
                assert len(answered["X-Varnish"].split()) == 1  # not stored
        status, content, _ = get(cache.port, PERSONS, {})
        assert (status, b"results" in content) == (401, False)
