"""What the package promises about itself: its names, its dependencies, and its tested promises."""

import ast
import importlib
import pkgutil
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import tot_jwt

PACKAGE = Path(tot_jwt.__file__).parent
ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]

#: The names that hosts import, by the module that they import them from.
PUBLIC_NAMES = {
    "access": [
        "ahas_scope",
        "averify_keys",
        "averify_request",
        "averify_token",
        "verify_keys",
        "verify_request",
        "verify_token",
    ],
    "authentication": ["ApiKeyAuthentication", "JWTAuthentication", "StrictJWTAuthentication"],
    "client": [
        "InsufficientPermissions",
        "InvalidCredentials",
        "InvalidRequest",
        "OriginNotAllowed",
        "TokenError",
        "TooManyRequests",
        "Unavailable",
        "UnexpectedAnswer",
    ],
    "client.httpx": ["TokenAuth"],
    "client.requests": ["TokenAuth"],
    "contrib.asgi": ["write_usage_at_shutdown"],
    "contrib.ninja": ["TokenAuth", "install"],
    "decorators": ["require_token"],
    "exceptions": ["TotJWTError"],
    "http.responses": ["error_response"],
    "keys": [
        "change_domain",
        "change_key",
        "create_domain",
        "create_key",
        "disable_key",
        "enable_key",
        "end_previous_secret",
        "end_tokens",
        "erase_domain",
        "import_keys",
        "notify_expiring",
        "prune_events",
        "release_key",
        "rename_domain",
        "resume_domain",
        "revoke_key",
        "rotate_key",
        "suspend_domain",
    ],
    "models": ["ApiKey", "AppDomain", "Environment", "KeyEvent", "KeyStatus", "KeyUsage"],
    "oauth_urls": ["urlpatterns"],
    "permissions": ["HasScopes", "NotApiClient"],
    "principal": ["ApiClient", "ApiKeyAuth", "client_of"],
    "signals": [
        "access_refused",
        "database_unavailable",
        "exchange_rejected",
        "key_event",
        "key_expiring",
        "request_throttled",
        "token_issued",
    ],
    "testing": [
        "AsyncTotJWTClient",
        "TotJWTClient",
        "TotJWTTestMixin",
        "acreate_client",
        "create_client",
        "reset",
    ],
    "throttles": ["ApiKeyThrottle"],
    "tokens": ["ApiToken"],
    "urls": ["urlpatterns"],
    "well_known_urls": ["urlpatterns"],
}

#: The promises of the security model that have a test, by their letter and their highest number.
#: The letters and the last numbers of the promises. F begins with 0, the others with 1.
PROMISES = {"A": 13, "B": 7, "C": 9, "D": 9, "E": 10, "F": 4}


@pytest.mark.parametrize(("module", "names"), PUBLIC_NAMES.items(), ids=PUBLIC_NAMES)
def test_public_names_are_importable(module, names):
    imported = importlib.import_module(f"tot_jwt.{module}")

    assert [name for name in names if not hasattr(imported, name)] == []


def test_names_in_documentation_exist():
    documents = [ROOT / "README.md", *ROOT.glob("docs/*.md")]
    text = "\n".join(document.read_text("utf-8") for document in documents)
    names = set(re.findall(r"`(tot_jwt(?:\.\w+)+)[`(]", text))

    assert names
    for name in names:
        pkgutil.resolve_name(name)


def test_package_root_imports_nothing():
    tree = ast.parse((PACKAGE / "__init__.py").read_text("utf-8"))

    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    assert re.fullmatch(r"\d+\.\d+\.\d+", tot_jwt.__version__)


def test_type_hints_are_shipped():
    assert (PACKAGE / "py.typed").exists()


@pytest.mark.req("A6")
@pytest.mark.parametrize(
    ("name", "allowed", "vulnerable"),
    [
        ("django", "5.2.13 5.2.14 6.0.4 6.1", "5.2 5.2.12 6.0 6.0.1 6.0.2 6.0.3"),
        ("PyJWT", "2.15 2.15.1", "2.10.1 2.14 2.14.9"),
    ],
)
def test_vulnerable_dependencies_are_not_allowed(name, allowed, vulnerable):
    requirements = {each.name: each for each in map(Requirement, PROJECT["dependencies"])}
    versions = requirements[name].specifier

    assert [version for version in allowed.split() if version not in versions] == []
    assert [version for version in vulnerable.split() if version in versions] == []


def test_dependencies_have_no_upper_bound():
    requirements = map(Requirement, PROJECT["dependencies"])
    operators = {each.operator for name in requirements for each in name.specifier}

    assert operators == {">=", "!="}


def test_every_promise_has_a_test():
    promised = {
        f"{letter}{number}" for letter, last in PROMISES.items() for number in range(1, last + 1)
    } | {"F0"}

    assert promised - marked_promises() == set()


def marked_promises():
    """Return the arguments of all ``pytest.mark.req``, read from the source of the tests."""
    text = "".join(path.read_text("utf-8") for path in ROOT.glob("tests/**/test_*.py"))
    marks = re.findall(r"pytest\.mark\.req\(([^)]+)\)", text)
    return {promise for mark in marks for promise in re.findall(r'"(\w+)"', mark)}


def test_matrix_shows_tests_of_promises():
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "--req-matrix", "-p", "no:cacheprovider", __file__],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )

    assert "A6\n    tests/project/test_source.py::test_vulnerable_dependencies" in run.stdout
