"""The sizes that keep the package easy to read."""

import ast
import statistics
from pathlib import Path

import tot_jwt

PACKAGE = Path(tot_jwt.__file__).parent

MAX_ROOT_MODULES = 12
MAX_MODULE_LINES = 260
MAX_FUNCTION_LINES = 30
MAX_MEDIAN_FUNCTION_LINES = 4
MAX_P90_FUNCTION_LINES = 15


def modules():
    """Return the package's modules, without the migrations."""
    return [path for path in PACKAGE.rglob("*.py") if "migrations" not in path.parts]


def functions():
    """Return ``path: name`` → the number of lines of each function's body."""
    return {
        f"{path}:{node.lineno} {node.name}": body_lines(node)
        for path in modules()
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def body_lines(function):
    """Return the number of lines of a function's body, without its docstring."""
    body = function.body if ast.get_docstring(function) is None else function.body[1:]
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


def test_root_has_few_modules():
    assert len(list(PACKAGE.glob("*.py"))) <= MAX_ROOT_MODULES


def test_all_modules_are_short():
    lengths = {str(path): path.read_text("utf-8").count("\n") for path in modules()}

    assert {path: lines for path, lines in lengths.items() if lines > MAX_MODULE_LINES} == {}


def test_all_functions_are_short():
    lengths = functions()

    assert {name: lines for name, lines in lengths.items() if lines > MAX_FUNCTION_LINES} == {}
    assert statistics.median(lengths.values()) <= MAX_MEDIAN_FUNCTION_LINES
    assert statistics.quantiles(lengths.values(), n=10)[-1] <= MAX_P90_FUNCTION_LINES


def test_body_is_measured_without_docstring():
    (function,) = ast.parse('def f():\n    """Do.\n\n    More.\n    """\n    a()\n    b()').body
    (empty,) = ast.parse('def f():\n    """Do."""').body
    (plain,) = ast.parse("def f():\n    return 1").body

    assert [body_lines(each) for each in (function, empty, plain)] == [2, 0, 1]
