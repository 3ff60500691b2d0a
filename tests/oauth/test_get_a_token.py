"""docs/get-a-token.md: each of its examples runs, and its tables are true."""

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import NoEncryption
from cryptography.hazmat.primitives.serialization.pkcs12 import (
    PKCS12Certificate,
    serialize_java_truststore,
)
from cryptography.x509 import load_pem_x509_certificate

from tests.oauth.programs import REQUIRED, Node, attempt, in_this_environment, library, program, run
from tests.oauth.server import Server
from tests.support.documents import blocks, read, section, table

pytestmark = in_this_environment

PAGE = read("docs/get-a-token.md")


def block(title: str, language: str, number: int = 0) -> str:
    """Return a code block of a section."""
    return blocks(section(PAGE, title), language)[number]


@pytest.fixture
def variables(server: Server, api_key: dict[str, Any]) -> dict[str, str]:
    """Return the environment variables that each example reads."""
    return {
        "API": server.url,
        "APP_DOMAIN": api_key["appDomain"],
        "CLIENT_ID": api_key["totApiKey"],
        "CLIENT_SECRET": api_key["totSecretKey"],
    }


# Each function returns the command that runs a program of one language. It may write to a folder.

Command = list[str | Path]

GO_FOLDER = Path("/usr/share/gocode")
GO_LIBRARY = GO_FOLDER / "src/golang.org/x/oauth2"


def shell(code: str, folder: Path, server: Server) -> Command:
    for name in ("curl", "jq"):
        program(name)
    return [program("bash"), "-euo", "pipefail", "-c", code]


def python(code: str, folder: Path, server: Server) -> Command:
    for line in code.splitlines():
        if line.startswith(("import ", "from ")):
            library(line.split()[1])
    return [sys.executable, "-c", code]


def javascript(code: str, folder: Path, server: Server) -> Command:
    return [program("node"), write(folder / "orders.mjs", code)]


def go(code: str, folder: Path, server: Server) -> Command:
    if not REQUIRED and not GO_LIBRARY.exists():
        pytest.skip("needs Debian's golang-golang-x-oauth2-dev")
    # Debian's packages of Go's libraries have no modules.
    options = ["GO111MODULE=off", f"GOPATH={GO_FOLDER}", f"GOCACHE={folder}"]
    return [program("env"), *options, program("go"), "run", write(folder / "main.go", code)]


def java(code: str, folder: Path, server: Server) -> Command:
    authority = load_pem_x509_certificate(server.ca.read_bytes())
    store = folder / "authorities.p12"
    certificate = PKCS12Certificate(authority, b"tests")
    store.write_bytes(serialize_java_truststore([certificate], NoEncryption()))
    options = [f"-Djavax.net.ssl.trustStore={store}", "-Djavax.net.ssl.trustStoreType=PKCS12"]
    return [program("java"), *options, write(folder / "Orders.java", code)]


def php(code: str, folder: Path, server: Server) -> Command:
    return [program("php"), "-d", f"curl.cainfo={server.ca}", write(folder / "orders.php", code)]


def write(path: Path, code: str) -> Path:
    """Write a program and return its path."""
    path.write_text(code)
    return path


@pytest.fixture
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return a folder for a program. Scripts for Node.js need the packages beside them."""
    if request.getfixturevalue("make") is javascript:
        node: Node = request.getfixturevalue("node")
        return node.folder
    return tmp_path


REQUESTS = "Python: requests"
#: `renew` of the second example belongs to the class of the first.
OTHER_RENEW = re.sub(
    r"    def renew\(self\):.*?\n\n\n",
    lambda _: block(REQUESTS, "python", 1) + "\n\n",
    block(REQUESTS, "python"),
    flags=re.DOTALL,
)

EXAMPLES = {
    "curl-json": (shell, block("curl", "sh")),
    "curl-oauth": (shell, block("curl", "sh", 1)),
    "requests-json": (python, block(REQUESTS, "python")),
    "requests-oauth": (python, OTHER_RENEW),
    "httpx": (python, block("Python: HTTPX", "python")),
    "authlib": (python, block("Python: Authlib", "python")),
    "fetch": (javascript, block("JavaScript: fetch", "js")),
    "openid-client": (javascript, block("JavaScript: openid-client", "js")),
    "go": (go, block("Go", "go")),
    "java": (java, block("Java", "java")),
    "php": (php, block("PHP", "php")),
}

each_example = pytest.mark.parametrize(("make", "code"), EXAMPLES.values(), ids=EXAMPLES)


@each_example
def test_example_prints_orders(server, api_key, variables, folder, make, code):
    printed = run(make(code, folder, server), server, **variables)

    assert json.loads(printed) == {"client": api_key["totApiKey"], "scopes": ["orders:read"]}


@each_example
def test_example_reports_a_wrong_secret(server, variables, folder, make, code):
    wrong = {**variables, "CLIENT_SECRET": variables["CLIENT_SECRET"][::-1]}
    done = attempt(make(code, folder, server), server, **wrong)

    assert done.returncode != 0
    reasons = r"invalid_client|invalid_credentials|WWWAuthenticateChallengeError"
    assert re.search(reasons, done.stdout + done.stderr)


#: What is run after an example, or instead of its last line: whether the next request keeps the
#: token, and whether an older token is renewed.
PYTHON_RENEWAL = """
first = session.auth.token
session.get(f"{API}/orders")
kept = session.auth.token == first
session.auth.renew_at = 0
session.get(f"{API}/orders")
print(kept, session.auth.token != first)
"""
FETCH_RENEWAL = """
const first = await bearer();
const kept = (await bearer()) === first;
renewAt = 0;
console.log(kept, (await bearer()) !== first);
"""
OPENID_RENEWAL = """
const first = await accessToken();
const kept = (await accessToken()) === first;
tokens = { expiresIn: () => 59 };
console.log(kept, (await accessToken()) !== first);
"""
JAVA_LAST = "System.out.println(send(request));"
JAVA_RENEWAL = """
String first = bearer();
boolean kept = bearer().equals(first);
renewAt = System.nanoTime();
System.out.println(kept + " " + !bearer().equals(first));
"""
# A namespace of its own replaces the clock, which is in nanoseconds.
PHP_START = """<?php
namespace Example;
use RuntimeException;
$now = 1;
function hrtime() { return $GLOBALS['now']; }
"""
PHP_RENEWAL = """
$first = bearer($api);
$now += 839_000_000_000;
$kept = bearer($api) === $first;
$now += 1_000_000_000;
echo PHP_EOL, $kept ? 'true' : 'false', ' ', bearer($api) !== $first ? 'true' : 'false';
"""
RENEWALS = {
    "requests-json": EXAMPLES["requests-json"][1] + PYTHON_RENEWAL,
    "requests-oauth": EXAMPLES["requests-oauth"][1] + PYTHON_RENEWAL,
    "fetch": EXAMPLES["fetch"][1] + FETCH_RENEWAL,
    "openid-client": EXAMPLES["openid-client"][1] + OPENID_RENEWAL,
    "java": EXAMPLES["java"][1].replace(JAVA_LAST, JAVA_RENEWAL),
    "php": EXAMPLES["php"][1].replace("<?php", PHP_START) + PHP_RENEWAL,
}


@pytest.mark.parametrize(
    ("make", "code"),
    [(EXAMPLES[name][0], code) for name, code in RENEWALS.items()],
    ids=RENEWALS,
)
def test_example_renews_only_older_tokens(server, variables, folder, make, code):
    printed = run(make(code, folder, server), server, **variables)

    assert printed.lower().splitlines()[-1] == "true true"


# The text


def test_page_exports_what_examples_read(variables):
    exported = re.findall(r"^export (\w+)=", PAGE, re.MULTILINE)

    assert exported == list(variables)


def test_links_lead_to_headings():
    headings = re.findall(r"^## (.+)$", PAGE, re.MULTILINE)
    anchors = {heading.lower().replace(":", "").replace(" ", "-") for heading in headings}

    assert anchors == set(re.findall(r"\(#([^)]+)\)", PAGE))


def test_error_table_names_each_error(server, api_key):
    requests = library("requests")
    credentials = api_key["totApiKey"], api_key["totSecretKey"]
    limited = server.create_key("--no-tokens")
    grant = {"grant_type": "client_credentials"}
    sent: list[dict[str, Any]] = [
        {"auth": credentials, "data": grant},
        {"auth": (credentials[0], "wrong"), "data": grant},
        {"auth": credentials, "data": {**grant, "scope": "orders:write"}},
        {"auth": credentials, "data": {"grant_type": "password"}},
        {"auth": (limited["totApiKey"], limited["totSecretKey"]), "data": grant},
        {"auth": credentials, "json": grant},
    ]
    answers = [
        requests.post(f"{server.url}/oauth/token", verify=str(server.ca), **each) for each in sent
    ]

    stated = {
        (int(status), error.strip("`"))
        for statuses, error, *_ in table(section(PAGE, "Errors").partition("`POST token`")[0])
        for status in statuses.split(", ")
    }
    found = {(answer.status_code, answer.json().get("error")) for answer in answers[1:]}
    assert answers[0].status_code == 200
    assert found <= stated
    # Other tests cause these.
    others = {(400, "invalid_request"), (405, "invalid_request"), (411, "invalid_request")}
    others |= {(413, "invalid_request"), (429, "slow_down"), (503, "temporarily_unavailable")}
    assert stated - found == others
