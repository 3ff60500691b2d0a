"""The example project with its own settings, in processes of its own, and the demo as a newcomer runs it."""

import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from itertools import takewhile
from pathlib import Path
from threading import Timer
from typing import Any, NamedTuple
from urllib.parse import urlencode

import pytest

ROOT = Path(__file__).parents[2]
JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded", "charset": "utf-8"}
PERSON = {"givenName": "Ines", "familyName": "Duarte", "email": "ines.duarte@example.net"}

#: What the caller's environment might say to the example.
NAMES = {
    "DATABASE_URL",
    "CACHE_URL",
    "SECRET_KEY",
    "DEBUG",
    "ALLOWED_HOSTS",
    "DJANGO_SETTINGS_MODULE",
}

_inherited = {name: value for name, value in os.environ.items() if name not in NAMES}


def environment(database: Path, **variables: str) -> dict[str, str]:
    """A newcomer's, but for where the demo puts its file."""
    return {**_inherited, "PYTHONUNBUFFERED": "1", "DEMO_DATABASE": str(database), **variables}


def manage(*arguments: str, database: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment(database, **variables),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Line(NamedTuple):
    """What the demo prints: a curl line, and what it says will come of it."""

    status: int
    detail: str
    command: str


class Demo(NamedTuple):
    """A demo that is serving."""

    port: int
    lines: list[Line]

    @property
    def keys(self) -> dict[str, str]:
        keys: dict[str, str] = json.loads(shlex.split(self.lines[0].command)[-1])
        return keys

    @property
    def token(self) -> dict[str, str]:
        """The header that the second line sends."""
        name, _, value = shlex.split(self.lines[1].command)[-1].partition(": ")
        return {name: value}

    def ask(self, method: str, path: str, body: Any = None, headers: Any = JSON) -> tuple[int, Any]:
        """The status and the JSON of an answer; a body that is no text is sent as JSON."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(
            method, path, body if isinstance(body, str) else json.dumps(body), headers
        )
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, json.loads(content)


def printed_lines(output: str) -> list[Line]:
    found = re.findall(r"^\d\. .+ → (\d+) ?(.*)\n(curl .+)$", output, re.MULTILINE)
    return [Line(int(status), detail, command) for status, detail, command in found]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The demo's second run, which begins where a first one ended and left a journal behind."""
    database = tmp_path_factory.mktemp("demo") / "demo.sqlite3"
    first = manage("demo", "--no-serve", database=database)
    assert first.returncode == 0, first.stderr
    database.with_name("demo.sqlite3-journal").write_text("left behind")
    port = free_port()
    command = [sys.executable, "manage.py", "demo", "--port", str(port)]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment(database), stdout=subprocess.PIPE, text=True
    ) as process:
        give_up = Timer(120, process.kill)
        give_up.start()
        assert process.stdout is not None
        # Django prints this once it has the port. A process that dies ends the output too.
        output = "".join(
            takewhile(lambda line: not line.startswith("Quit the server"), process.stdout)
        )
        assert not {line.command for line in printed_lines(first.stdout)} & {
            line.command for line in printed_lines(output)
        }
        yield Demo(port, printed_lines(output))
        give_up.cancel()
        process.kill()


@pytest.mark.parametrize(
    "arguments", [("check", "--fail-level", "WARNING"), ("makemigrations", "--check")]
)
def test_example_is_in_order(tmp_path, arguments):
    done = manage(*arguments, database=tmp_path / "demo.sqlite3")

    assert done.returncode == 0, done.stderr


# The demo


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({"DEBUG": "0", "SECRET_KEY": "for-this-test-only"}, "DEBUG is off"),
        ({"SECRET_KEY": "for-this-test-only"}, "DEBUG is off"),
        ({"DEBUG": "0"}, "SECRET_KEY"),
        ({"DATABASE_URL": "sqlite://:memory:"}, "DATABASE_URL"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else "",
)
def test_demo_refuses_elsewhere(tmp_path, variables, reason):
    database = tmp_path / "demo.sqlite3"
    database.write_text("somebody's")

    done = manage("demo", "--no-serve", database=database, **variables)

    assert done.returncode == 1
    assert reason in done.stderr.splitlines()[-1]
    assert database.read_text() == "somebody's"


def test_demo_refuses_a_port_that_is_taken(tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()

        done = manage(
            "demo", "--port", str(other.getsockname()[1]), database=tmp_path / "demo.sqlite3"
        )

    assert done.returncode == 1
    assert "--port" in done.stderr
    assert not (tmp_path / "demo.sqlite3").exists()


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_curl_lines_do_what_they_say(demo):
    assert [line.status for line in demo.lines] == [200, 200, 200, 401, 401, 403]
    for status, detail, command in demo.lines:
        done = subprocess.run(
            ["/bin/sh", "-c", command], capture_output=True, text=True, check=True, timeout=60
        )
        head, _, content = done.stdout.partition("\n\n")
        assert head.startswith(f"HTTP/1.1 {status} ")
        assert json.loads(content).get("detail", "") == detail


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_rotation_of_the_readme_is_no_outage(demo, tmp_path):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    _, _, section = readme.partition("## Rotate a key without an outage")
    script, _, _ = section.partition("```sh\n")[2].partition("```\n")
    script = script.replace("127.0.0.1:8000", f"127.0.0.1:{demo.port}")
    script = script.replace("pk_live_abc123...", demo.keys["totApiKey"])
    script = script.replace("sk_live_xyz789...", demo.keys["totSecretKey"])

    done = subprocess.run(
        ["/bin/sh", "-eu"], input=script, capture_output=True, text=True, cwd=tmp_path, check=False
    )

    assert (done.returncode, done.stdout.split(), done.stderr) == (
        0,
        ["200", "200", "204", "401"],
        "",
    )
    assert not list(tmp_path.iterdir())


# The API


@pytest.mark.parametrize("path", ["/api/person", "/api/legacy/person"])
@pytest.mark.parametrize("has_form", [False, True])
def test_person_is_added_beside_the_keys(demo, path, has_form):
    flat = {f"person.{name}": value for name, value in PERSON.items()}
    form, headers = urlencode({**demo.keys, **flat, "source": "web"}), FORM

    status, added = (
        demo.ask("POST", path, form, headers)
        if has_form
        else demo.ask("POST", path, {**demo.keys, "person": PERSON})
    )

    assert status == 201
    assert PERSON.items() <= added.items()


def test_persons_are_listed_for_keys_in_the_body_of_a_get(demo):
    status, page = demo.ask("GET", "/api/person", demo.keys)

    assert status == 200
    assert page["count"] >= 4


def test_tokens_are_not_for_the_legacy_view_nor_keys_for_the_others(demo):
    assert demo.ask("GET", "/api/legacy/person", headers=demo.token)[0] == 401
    assert demo.ask("GET", "/api/orders", demo.keys)[0] == 401
    assert demo.ask("GET", "/api/catalog/products", headers=demo.token)[0] == 200


def test_client_sees_and_orders_for_persons_of_its_own_domain_only(demo):
    _, orders = demo.ask("GET", "/api/orders", headers=demo.token)
    _, persons = demo.ask("GET", "/api/person?email=ruth.okafor@example.net", headers=demo.token)
    fixture = json.loads(
        (ROOT / "example_project/shop/fixtures/shop.json").read_text(encoding="utf-8")
    )
    owners = {
        row["pk"]: row["fields"]["app_domain"] for row in fixture if row["model"] == "shop.person"
    }
    answers = {
        domain: demo.ask(
            "POST",
            "/api/orders",
            {"person": person, "product": "ink-blue", "quantity": 2},
            JSON | demo.token,
        )
        for person, domain in owners.items()
    }

    assert {owners[order["person"]] for order in orders["results"]} == {"myapp.com"}
    assert persons["count"] == 0
    assert answers["myapp.com"][0] == 201
    assert answers["myapp.com"][1]["total"] == "18.40"
    assert answers["otherapp.com"][0] == 400


def test_scope_is_needed_to_order(demo):
    _, issued = demo.ask(
        "POST", "/api/internal/auth/token", {**demo.keys, "scopes": ["orders:read"]}
    )
    narrow = {"Authorization": f"Bearer {issued['token']}"}

    assert demo.ask("GET", "/api/orders", headers=narrow)[0] == 200
    status, answer = demo.ask("POST", "/api/orders", {}, JSON | narrow)
    assert (status, answer["code"]) == (403, "insufficient_scope")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/person", "[" * 100_000),
        ("/api/person", {"person": {**PERSON, "givenName": "\0"}}),
        ("/api/person", {"person": {**PERSON, "familyName": "\ud800"}}),
        ("/api/person", "[]"),
        ("/api/orders", {"person": 1e300, "product": "\0", "quantity": "\ud800"}),
    ],
    ids=["nested too deeply", "NUL", "surrogate", "no object", "all at once"],
)
def test_nonsense_is_a_bad_request(demo, path, body):
    assert demo.ask("POST", path, body, JSON | demo.token)[0] == 400


def test_charset_of_the_client_is_of_no_account(demo):
    headers = {"Content-Type": "application/json; charset=rot13", **demo.token}

    assert demo.ask("POST", "/api/person", {"person": PERSON}, headers)[0] == 201
