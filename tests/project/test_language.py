"""Plain English: the words that the project's texts avoid."""

import re
from pathlib import Path

import pytest

import tot_jwt

PACKAGE = Path(tot_jwt.__file__).parent
ROOT = Path(__file__).parents[2]

#: A pattern of words to avoid → what to write instead.
AVOIDED = {
    r"(who|whom|what|where|when)soever|whoever|whomever": "name the actor",
    r"nobody|somebody|anybody|everybody": "name the actor",
    r"for ever|forevermore": "permanently",
    r"none of (it|ours|them|theirs|these|those)": "negate the verb",
    r"(is|are) none (of|that)|(makes?|made) none": "negate the verb",
    # "There is no key" is plain English, "a client is no user" is not.
    r"(?<!there )(is|are|was|were) no(?! (longer|more)\b)": "is not a, are not",
    r"of ours|of theirs": "name the owner",
    r"makers?": "creator",
    r"hitherto|herein|thereof|whence|whereof": "say it in plain words",
}

SUFFIXES = {".css", ".html", ".js", ".md", ".py"}


def texts():
    """Return path → text of all that users and contributors read."""
    paths = [
        *PACKAGE.rglob("*"),
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/*.md"),
        *ROOT.glob("example_project/**/*"),
    ]
    return {path: path.read_text("utf-8") for path in paths if path.suffix in SUFFIXES}


def matches(pattern, text):
    """Return the number of the line and the words of each match, also across two lines."""
    without_indents = re.sub(r"\n[ #:]+", "\n", text)
    expression = rf"\b(?:{pattern})\b".replace(" ", r"[ \n]")
    return [
        f"{without_indents.count(chr(10), 0, match.start()) + 1}: {match[0]}"
        for match in re.finditer(expression, without_indents, re.IGNORECASE)
    ]


@pytest.mark.parametrize(("pattern", "advice"), AVOIDED.items(), ids=AVOIDED.values())
def test_texts_avoid_unclear_words(pattern, advice):
    found = {str(path): matches(pattern, text) for path, text in texts().items()}

    assert {path: lines for path, lines in found.items() if lines} == {}, advice


def test_search_crosses_case_and_lines():
    assert matches(r"whoever|for ever", "Forever\nWHOEVER, ever\n  # for\n  # ever") == [
        "2: WHOEVER",
        "3: for\never",
    ]


def test_texts_include_package_and_documentation():
    names = {path.name for path in texts()}

    assert {"README.md", "CONTRIBUTING.md", "architecture.md", "models.py", "confirm.html"} <= names
