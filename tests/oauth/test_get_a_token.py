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

from tests.oauth.programs import Node, in_this_environment, library, program, run
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
    return [program("go"), "run", write(folder / "main.go", code)]


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


#: Debian's packages of Go's libraries are here, without modules.
GO = {"GO111MODULE": "off", "GOPATH": "/usr/share/gocode"}

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

    answer = json.loads(printed.replace("'", '"').replace("scopes:", '"scopes":'))
    assert answer == {"client": api_key["totApiKey"], "scopes": ["orders:read"]}
