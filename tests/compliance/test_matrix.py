"""The clauses that have a test, and how ``pytest --req-matrix`` prints them."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[1]

#: A clause as the marker names it.
CLAUSE = re.compile(r"RFC \d{4} §\d+(\.\d+)*")

#: The sections of each RFC that a server for client credentials cannot do without.
CENTRAL = {
    6749: ["2.3", "2.3.1", "3.2", "3.3", "4.4.2", "4.4.3", "5.1", "5.2"],
    6750: ["2.1", "3", "3.1"],
    7009: ["2.1", "2.2", "2.2.1"],
    7515: ["4", "4.1.4", "4.1.11", "5.2"],
    7517: ["4.1", "4.2", "4.4", "4.5", "5", "9.2"],
    7518: ["3.2", "3.3", "3.4", "6.2.1", "6.3.1"],
    7519: ["4", "4.1.1", "4.1.2", "4.1.3", "4.1.4", "4.1.6", "4.1.7", "7.2"],
    7638: ["3", "3.1"],
    7662: ["2.1", "2.2", "2.3", "4"],
    8037: ["2", "3.1"],
    8414: ["2", "3", "3.1", "3.2", "3.3"],
    8725: ["3.1", "3.2", "3.3", "3.5", "3.8", "3.9", "3.10", "3.11", "3.12"],
    9068: ["2.1", "2.2", "2.2.3", "3", "4", "5"],
}


def marked_clauses():
    """Return the arguments of all ``pytest.mark.clause``, read from the source of the tests."""
    text = "".join(path.read_text("utf-8") for path in FOLDER.glob("test_rfc*.py"))
    marks = re.findall(r"pytest\.mark\.clause\(([^)]+)\)", text)
    return {clause for mark in marks for clause in re.findall(r'"([^"]+)"', mark)}


def sections(clause):
    """Return the numbers of a clause: of the RFC, and of its section."""
    return [int(number) for number in re.findall(r"\d+", clause)]


def test_central_clauses_have_a_test():
    central = {f"RFC {rfc} §{each}" for rfc, numbers in CENTRAL.items() for each in numbers}

    assert central - marked_clauses() == set()


def test_clauses_are_named_alike():
    assert [clause for clause in marked_clauses() if not CLAUSE.fullmatch(clause)] == []


@pytest.mark.parametrize("path", sorted(FOLDER.glob("test_rfc*.py")), ids=lambda path: path.stem)
def test_each_test_has_a_clause(path):
    source = path.read_text("utf-8")
    marks = source.count("\n@pytest.mark.clause(")

    assert marks == source.count("\ndef test_") > 0
    # One line that states the clause.
    assert len(re.findall(r'^def test_[^:]+:\n    """.+"""$', source, re.MULTILINE)) == marks


def test_matrix_shows_tests_of_clauses():
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "--req-matrix", "-p", "no:cacheprovider", FOLDER],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )

    clauses = [line for line in run.stdout.splitlines() if line.startswith("RFC ")]
    assert set(clauses) == marked_clauses()
    assert clauses == sorted(clauses, key=sections)
    assert "§2.3\n    tests/compliance/test_rfc6749.py::test_two_ways" in run.stdout
