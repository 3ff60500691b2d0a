"""The example project in its own processes: its settings, the demo and the API of the shop."""

import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from http.client import HTTPConnection
from itertools import takewhile
from pathlib import Path
from threading import Timer
from typing import Any, NamedTuple
from urllib.parse import urlencode

import pytest

from tests.support.key_pairs import kid_of, private_pem, public_pem
from tests.support.tokens import unb64

ROOT = Path(__file__).parents[2]
JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded", "charset": "utf-8"}
PERSON = {"givenName": "Ines", "familyName": "Duarte", "email": "ines.duarte@example.net"}

#: The variables that configure the example. The tests do not pass them on.
NAMES = {
    "DATABASE_URL",
    "CACHE_URL",
    "SECRET_KEY",
    "DEBUG",
    "ALLOWED_HOSTS",
    "ISSUER",
    "ALGORITHM",
    "SIGNING_KEY",
    "VERIFYING_KEYS",
    "DJANGO_SETTINGS_MODULE",
}

_inherited = {name: value for name, value in os.environ.items() if name not in NAMES}


def environment(database: Path, **variables: str) -> dict[str, str]:
    """Return the environment of a process that keeps the demo's file here."""
    return {**_inherited, "PYTHONUNBUFFERED": "1", "DEMO_DATABASE": str(database), **variables}


def manage(*arguments: str, database: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run ``manage.py`` in a new process."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment(database, **variables),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


#: Print the public keys, as a client gets them.
JWKS = """
from django.test import Client
print(Client(headers={"Host": "127.0.0.1"}).get("/.well-known/jwks.json").text)
"""


def free_port() -> int:
    """Return a port that is not in use."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Line(NamedTuple):
    """A curl line that the demo prints, and the response that it announces."""

    status: int
    detail: str
    command: str


class Demo(NamedTuple):
    """A running demo."""

    port: int
    lines: list[Line]

    @property
    def keys(self) -> dict[str, str]:
        """The body of the first line: the credentials."""
        keys: dict[str, str] = json.loads(shlex.split(self.lines[0].command)[-1])
        return keys

    @property
    def token(self) -> dict[str, str]:
        """The header of the second line."""
        name, _, value = shlex.split(self.lines[1].command)[-1].partition(": ")
        return {name: value}

    def ask(self, method: str, path: str, body: Any = None, headers: Any = JSON) -> tuple[int, Any]:
        """Send a request; a body other than text as JSON. Return the status and the JSON."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(
            method, path, body if isinstance(body, str) else json.dumps(body), headers
        )
        response = connection.getresponse()
        content = response.read()
        connection.close()
        return response.status, json.loads(content)


def printed_lines(output: str) -> list[Line]:
    """Return the curl lines in the output of the demo."""
    found = re.findall(r"^\d\. .+ → (\d+) ?(.*)\n(curl .+)$", output, re.MULTILINE)
    return [Line(int(status), detail, command) for status, detail, command in found]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """Run the demo twice, and serve the second run. The first one leaves a journal behind."""
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
        # Django prints this when it listens. If the process dies, the output ends too.
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
def test_example_passes_djangos_checks(tmp_path, arguments):
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
def test_demo_refuses_other_environments(tmp_path, variables, reason):
    database = tmp_path / "demo.sqlite3"
    database.write_text("other data")

    done = manage("demo", "--no-serve", database=database, **variables)

    assert done.returncode == 1
    assert reason in done.stderr.splitlines()[-1]
    assert database.read_text() == "other data"


def test_demo_refuses_an_occupied_port(tmp_path):
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
def test_curl_lines_return_announced_responses(demo):
    assert [line.status for line in demo.lines] == [200, 200, 200, 401, 401, 403, 200]
    for status, detail, command in demo.lines:
        done = subprocess.run(
            ["/bin/sh", "-c", command], capture_output=True, text=True, check=True, timeout=60
        )
        head, _, content = done.stdout.partition("\n\n")
        assert head.startswith(f"HTTP/1.1 {status} ")
        assert json.loads(content).get("detail", "") == detail


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_readme_rotation_causes_no_outage(demo, tmp_path):
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


# OAuth and discovery


def test_demo_serves_its_own_metadata(demo):
    url = f"http://127.0.0.1:{demo.port}"

    status, metadata = demo.ask("GET", "/.well-known/oauth-authorization-server")

    assert (status, metadata["issuer"]) == (200, url)
    assert metadata["token_endpoint"] == f"{url}/oauth/token"
    assert metadata["jwks_uri"] == f"{url}/.well-known/jwks.json"
    assert "tokens:introspect" in metadata["scopes_supported"]
    # The default is a secret, which is not published.
    assert demo.ask("GET", "/.well-known/jwks.json") == (200, {"keys": []})


def test_oauth_line_gets_a_token(demo):
    *_, line = demo.lines
    command = shlex.split(line.command)
    basic = b64encode(command[command.index("-u") + 1].encode()).decode()
    headers = {**FORM, "Authorization": f"Basic {basic}"}

    status, issued = demo.ask("POST", "/oauth/token", command[-1], headers)

    assert (status, issued["token_type"]) == (200, "Bearer")
    bearer = {"Authorization": f"Bearer {issued['access_token']}"}
    assert demo.ask("GET", "/api/orders", headers=bearer)[0] == 200


@pytest.mark.parametrize("line_break", ["\n", r"\n"], ids=["real", "escaped"])
def test_environment_sets_a_key_pair(tmp_path, line_break):
    pem, other = private_pem("ES256"), private_pem("ES256", 1)
    variables = {
        "ALGORITHM": "ES256",
        "SIGNING_KEY": pem.replace("\n", line_break),
        "VERIFYING_KEYS": json.dumps([public_pem(other).replace("\n", line_break), None]),
    }
    database = tmp_path / "demo.sqlite3"

    printed = manage("demo", "--no-serve", database=database, **variables)
    shown = manage("shell", "-v", "0", "-c", JWKS, database=database, **variables)

    assert (printed.returncode, shown.returncode) == (0, 0), printed.stderr + shown.stderr
    [header] = re.findall(r"Bearer (\w+)\.", printed_lines(printed.stdout)[1].command)
    assert json.loads(unb64(header)) == {"alg": "ES256", "kid": kid_of(pem), "typ": "JWT"}
    assert [key["kid"] for key in json.loads(shown.stdout)["keys"]] == [kid_of(pem), kid_of(other)]
    checked = manage("check", "--fail-level", "WARNING", database=database, **variables)
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({}, ""),
        ({"VERIFYING_KEYS": "-----BEGIN k3y-in-error"}, "VERIFYING_KEYS must be a list"),
        ({"VERIFYING_KEYS": '"k3y-in-error"'}, "VERIFYING_KEYS must be a list"),
        ({"VERIFYING_KEYS": '[["k3y-in-error"]]'}, "VERIFYING_KEYS must be a list"),
        ({"VERIFYING_KEYS": '[""]'}, "TOT_JWT['VERIFYING_KEYS'] is invalid"),
        ({"VERIFYING_KEYS": '["k3y-in-error"]'}, "TOT_JWT['VERIFYING_KEYS'] is invalid"),
        ({"ALGORITHM": "ES256"}, "TOT_JWT['SIGNING_KEY'] is invalid"),
        ({"ALGORITHM": "es256"}, "TOT_JWT['ALGORITHM'] is invalid"),
        (
            {"ALGORITHM": "ES256", "SIGNING_KEY": "-----BEGIN PRIVATE KEY-----\\nk3y-in-error"},
            "TOT_JWT['SIGNING_KEY'] has a PEM key that cannot be read",
        ),
    ],
)
def test_invalid_key_variables_are_named(tmp_path, variables, reason):
    done = manage("check", database=tmp_path / "demo.sqlite3", **variables)

    assert done.returncode == (1 if reason else 0)
    assert reason in done.stderr
    assert "k3y-in-error" not in done.stderr


# The API


@pytest.mark.parametrize("path", ["/api/person", "/api/legacy/person"])
@pytest.mark.parametrize("has_form", [False, True])
def test_body_holds_person_and_key(demo, path, has_form):
    flat = {f"person.{name}": value for name, value in PERSON.items()}
    form, headers = urlencode({**demo.keys, **flat, "source": "web"}), FORM

    status, added = (
        demo.ask("POST", path, form, headers)
        if has_form
        else demo.ask("POST", path, {**demo.keys, "person": PERSON})
    )

    assert status == 201
    assert PERSON.items() <= added.items()


def test_get_body_authenticates_a_list(demo):
    status, page = demo.ask("GET", "/api/person", demo.keys)

    assert status == 200
    assert page["count"] >= 4


def test_views_accept_their_credentials_only(demo):
    assert demo.ask("GET", "/api/legacy/person", headers=demo.token)[0] == 401
    assert demo.ask("GET", "/api/orders", demo.keys)[0] == 401
    assert demo.ask("GET", "/api/catalog/products", headers=demo.token)[0] == 200


def test_client_uses_own_domain_only(demo):
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


def test_new_order_requires_a_scope(demo):
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
    ids=["nested too deeply", "NUL", "surrogate", "not an object", "all at once"],
)
def test_invalid_body_is_a_bad_request(demo, path, body):
    assert demo.ask("POST", path, body, JSON | demo.token)[0] == 400


def test_charset_of_client_is_ignored(demo):
    headers = {"Content-Type": "application/json; charset=rot13", **demo.token}

    assert demo.ask("POST", "/api/person", {"person": PERSON}, headers)[0] == 201
