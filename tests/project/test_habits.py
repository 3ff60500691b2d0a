"""The rules of CONTRIBUTING.md for tests and tools, which no linter checks."""

import ast
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
SOURCES = {
    path.relative_to(ROOT).as_posix(): ast.parse(path.read_text("utf-8"))
    for path in sorted(ROOT.glob("tests/**/*.py"))
}

MAX_WORDS = 6

#: The functions that replace a name for a while.
PATCHING = re.compile(
    r".*\.(setattr|delattr|setitem|delitem)|(.*\.)?patch(\.(object|multiple|dict))?"
)


def names_of_tests(tree):
    """Return the names of the test functions."""
    functions = (node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))
    return [name for name in functions if name.startswith("test_")]


def imports(tree):
    """Return a module's imports: dotted name → name in the module."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                found[f"{node.module}.{alias.name}"] = alias.asname or alias.name
        elif isinstance(node, ast.Import):
            for alias in node.names:
                found[alias.name] = alias.asname or alias.name.partition(".")[0]
    return found


def is_in_package(dotted_name):
    """Return whether a dotted name belongs to tot_jwt."""
    return dotted_name.partition(".")[0] == "tot_jwt"


def long_names(tree):
    """Return the names of tests with too many words."""
    return [name for name in names_of_tests(tree) if name.count("_") > MAX_WORDS]


def imported_tests(tree):
    """Return the imports from test modules."""
    return [name for name in imports(tree) if re.search(r"\b(test_\w+|conftest)\b", name)]


def imported_private_names(tree):
    """Return the imports of private names of the package."""
    return [name for name in imports(tree) if is_in_package(name) and "._" in name]


def patches(tree):
    """Return the targets in the package that a test replaces."""
    local = {name for dotted_name, name in imports(tree).items() if is_in_package(dotted_name)}
    targets = [
        node.args[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and node.args and PATCHING.fullmatch(ast.unparse(node.func))
    ]
    return [ast.unparse(target) for target in targets if names_package(target, local)]


def names_package(target, local):
    """Return whether an expression is a string that names the package, or uses a name from it."""
    if isinstance(target, ast.Constant):
        return is_in_package(str(target.value))
    names = {node.id for node in ast.walk(target) if isinstance(node, ast.Name)}
    return not names.isdisjoint(local)


RULES = [long_names, imported_tests, imported_private_names, patches]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_all_tests_obey_rule(rule):
    found = {path: rule(tree) for path, tree in SOURCES.items()}

    assert {path: names for path, names in found.items() if names} == {}


@pytest.mark.parametrize(
    ("rule", "source", "found"),
    [
        (long_names, "def test_a_b_c_d_e_f(): ...", []),
        (long_names, "def test_a_b_c_d_e_f_g(): ...", ["test_a_b_c_d_e_f_g"]),
        (imported_tests, "from tests.support.tokens import sign", []),
        (imported_tests, "from tests.keys.test_state import key", ["tests.keys.test_state.key"]),
        (imported_tests, "from tests.keys import test_state", ["tests.keys.test_state"]),
        (imported_private_names, "from tot_jwt.keys import state", []),
        (imported_private_names, "from tot_jwt.conf import _x", ["tot_jwt.conf._x"]),
        (patches, "import time; monkeypatch.setattr(time, 'sleep', stop)", []),
        (patches, "mock.patch('socket.create_connection')", []),
        (patches, "patch('tot_jwt.conf.names')", ["'tot_jwt.conf.names'"]),
        (patches, "from tot_jwt import conf as c; mp.setattr(c, 'names', x)", ["c"]),
        (patches, "import tot_jwt.conf; mock.patch.object(tot_jwt.conf, 'a')", ["tot_jwt.conf"]),
    ],
)
def test_rule_finds_a_breach(rule, source, found):
    assert rule(ast.parse(source)) == found


def test_hooks_use_versions_of_gate():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    pinned = {
        each.name: str(each.specifier)
        for each in map(Requirement, project["optional-dependencies"]["lint"])
    }
    hooks = (ROOT / ".pre-commit-config.yaml").read_text("utf-8")
    used = dict(re.findall(r'"(ruff|typos)(==[\d.]+)"', hooks))

    assert used == {name: pinned[name] for name in ("ruff", "typos")}
