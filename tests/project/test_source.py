"""What the source promises about itself: layers, exported names, sizes."""

import ast
import importlib
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import tot_jwt

PACKAGE = Path(tot_jwt.__file__).parent

#: Each module imports from its own layer and those above it.
LAYERS = [
    [
        "exceptions",
        "clock",
        "conf",
        "credentials",
        "domains",
        "scopes",
        "signals",
        "addresses",
        "logs",
    ],
    ["status", "models", "token_memory", "signing", "tokens", "principal"],
    [
        *("events", "key_state", "usage", "throttling", "verification", "exchange"),
        *("lifecycle", "key_file", "importing", "escalation", "delegation"),
    ],
    [
        "http",
        "authentication",
        "permissions",
        "parsers",
        "key_requests",
        "serializers",
        "contract_view",
        "views",
    ],
    ["urls", "admin", "checks", "apps", "management"],
]


def modules():
    """Name → the modules of ours that it imports, wherever in its source."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
        if name == "__init__" or "migrations" in name or name.endswith("__init__"):
            continue
        found[name] = imported_by(ast.parse(path.read_text()))
    return found


def imported_by(tree):
    ours = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "tot_jwt":
            inner = str(node.module).removeprefix("tot_jwt").lstrip(".")
            ours |= {inner} if inner else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            assert not [alias for alias in node.names if alias.name.startswith("tot_jwt")], (
                "use from … import"
            )
    return ours


def layer(name):
    top = name.partition(".")[0]
    return next(number for number, names in enumerate(LAYERS) if top in names)


@pytest.mark.parametrize(
    ("name", "imports"),
    modules().items(),
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_module_imports_only_its_own_layer_and_those_above(name, imports):
    assert [other for other in imports if layer(other) > layer(name)] == []


def test_imports_go_in_no_circle():
    found = modules()
    graph = {name: imports & found.keys() for name, imports in found.items()}
    while leaves := [name for name, imports in graph.items() if not imports & graph.keys()]:
        for name in leaves:
            del graph[name]

    assert graph == {}


@pytest.mark.parametrize(
    "name",
    [
        "exceptions",
        "clock",
        "conf",
        "credentials",
        "domains",
        "scopes",
        "signals",
        "addresses",
        "logs",
    ],
)
def test_lowest_layer_knows_neither_models_nor_drf_nor_simplejwt(name):
    source = (PACKAGE / f"{name}.py").read_text()

    assert not re.search(r"rest_framework|django\.db|\bjwt\b.*import|import jwt", source)


def test_package_itself_imports_nothing():
    assert imported_by(ast.parse((PACKAGE / "__init__.py").read_text())) == set()
    assert not [
        node
        for node in ast.walk(ast.parse((PACKAGE / "__init__.py").read_text()))
        if isinstance(node, ast.Import)
    ]
    assert re.fullmatch(r"\d+\.\d+\.\d+", tot_jwt.__version__)


@pytest.mark.parametrize(
    ("module", "names"),
    [
        (
            "authentication",
            ["ApiKeyAuthentication", "JWTAuthentication", "StrictJWTAuthentication"],
        ),
        ("permissions", ["HasScopes"]),
        ("principal", ["ApiClient", "ApiKeyAuth"]),
        ("tokens", ["ApiToken"]),
        ("models", ["ApiKey", "AppDomain", "Environment", "KeyStatus"]),
        ("signals", ["exchange_rejected", "token_issued"]),
        ("views", ["TokenView"]),
        ("exceptions", ["TotJWTError"]),
        ("lifecycle", ["create_domain", "create_key", "disable_key", "enable_key", "revoke_key"]),
        ("key_state", ["reset"]),
        ("usage", ["reset"]),
        ("importing", ["import_keys"]),
    ],
)
def test_public_names_stay(module, names):
    assert [
        name for name in names if not hasattr(importlib.import_module(f"tot_jwt.{module}"), name)
    ] == []


def test_modules_are_short_and_so_are_functions():
    for path in PACKAGE.rglob("*.py"):
        if "migrations" in path.parts:
            continue
        source = path.read_text()
        assert source.count("\n") <= 300, path
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef):
                assert (node.end_lineno or 0) - node.lineno < 40, f"{path}: {node.name}"


def test_matrix_shows_the_promises_that_tests_prove():
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "--req-matrix", "-q", "-p", "no:cacheprovider"],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).resolve().parents[2],
    )

    shown = {line for line in run.stdout.splitlines() if re.fullmatch(r"[A-F]\d+", line)}
    assert {f"A{number}" for number in range(1, 13)} <= shown
    assert {
        "B1",
        "B2",
        "B3",
        "B4",
        "B5",
        "C1",
        "C2",
        "C3",
        "C4",
        "C5",
        "C6",
        "E1",
        "E2",
        "E3",
        "E4",
        "E5",
    } <= shown


@pytest.mark.req("A6")
def test_pyjwt_without_the_known_holes_is_demanded():
    project = tomllib.loads((Path(__file__).resolve().parents[2] / "pyproject.toml").read_text())[
        "project"
    ]

    assert "PyJWT>=2.15" in project["dependencies"]


def test_type_hints_are_shipped():
    assert (PACKAGE / "py.typed").exists()
