"""The sections of docs/benchmarks.md. Each command writes its own."""

import argparse
import platform
import re
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib import metadata
from math import inf
from pathlib import Path
from typing import NamedTuple

from tot_jwt import __version__

ROOT = Path(__file__).resolve().parent.parent
TITLE = """\
# Benchmarks

Each section names the command that wrote it. [How to run them](../benchmarks/README.md).
"""
REQUIREMENT = re.compile(r"^[\w-]+", re.MULTILINE)


class Finding(NamedTuple):
    """A figure and its bounds."""

    what: str
    measured: float
    at_least: float = -inf
    at_most: float = inf

    @property
    def is_good(self) -> bool:
        """Whether the figure is within its bounds."""
        return self.at_least <= self.measured <= self.at_most

    def cells(self) -> list[str]:
        """Return the row in the table of findings."""
        least = "" if self.at_least == -inf else f"{self.at_least:,}"
        most = "" if self.at_most == inf else f"{self.at_most:,}"
        return [self.what, f"{round(self.measured, 3):,}", least, most]


def add_output_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--output``, the file of the section."""
    parser.add_argument(
        "--output", type=Path, default=ROOT / "docs" / "benchmarks.md", help="%(default)s"
    )


def require_installed() -> None:
    """Exit with instructions unless all of requirements.txt is installed."""
    installed = {
        distribution.name.lower().replace("_", "-") for distribution in metadata.distributions()
    }
    required = REQUIREMENT.findall((ROOT / "benchmarks" / "requirements.txt").read_text())
    missing = [name for name in required if name.lower() not in installed]
    if missing:
        raise SystemExit(
            f"Not installed: {', '.join(missing)}. Run: pip install -r benchmarks/requirements.txt"
        )


def provenance(module: str, *distributions: str) -> str:
    """Return the date, the command and the versions of the measurement."""
    command = " ".join(["python -m", module, *_arguments()])
    versions = {"tot-jwt": __version__, "Python": platform.python_version()}
    versions |= {
        name: metadata.version(name)
        for name in ("Django", "djangorestframework", "PyJWT", *distributions)
    }
    with_versions = ", ".join(map(" ".join, versions.items()))
    return f"{datetime.now(UTC):%Y-%m-%d}, `{command}`, with {with_versions}."


def table(words: Sequence[str], figures: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table. Columns of words are aligned left, columns of figures right."""
    lines = [[*words, *figures], ["---"] * len(words) + ["--:"] * len(figures), *rows]
    return "\n".join(f"| {' | '.join(map(str, cells))} |" for cells in lines)


def table_of_findings(findings: Iterable[Finding]) -> str:
    """Return a table of the figures and their bounds."""
    return table(["Figure"], ["Measured", "At least", "At most"], map(Finding.cells, findings))


def write_section(file: Path, title: str, *paragraphs: str) -> None:
    """Print the section, and write it to the file in place of the one with this title."""
    section = "\n\n".join([f"## {title}", *paragraphs]) + "\n"
    print(section)
    text = file.read_text() if file.exists() else TITLE
    old = re.search(rf"^## {re.escape(title)}\n.*?(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    if old is None:
        file.write_text(f"{text}\n{section}")
    else:
        rest = text[old.end() :]
        file.write_text(text[: old.start()] + section + (f"\n{rest}" if rest else ""))


def _arguments() -> list[str]:
    """Return the arguments of the command without ``--output``."""
    return re.sub(r"--output[= ]\S+ ?", "", " ".join(sys.argv[1:])).split()
