"""Measure tot-jwt and its peers in one run, and write the figures into docs/benchmarks.md.

Each configuration runs in its own process, `benchmarks.measure`. A figure is a median over the
rounds: the time of a subject's block divided by that of the empty view's block in the same round.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import report

FEW = 10
PEERS = (
    "djangorestframework-simplejwt",
    "djangorestframework-api-key",
    "django-rest-knox",
    "django-oauth-toolkit",
)
METHOD = """\
The time of each operation as a multiple of an empty DRF view's time. The time is measured in one
process, from the call of the WSGI handler to the end of the response, on SQLite, without a network
and without middleware. The subjects run in blocks, in another order each round. A figure is the
median over the rounds of a block's time divided by the empty view's in the same round; the range
beside it is the middle half of the rounds. Each status is checked, and wrong credentials are
rejected first. The database has {keys:,} keys; 32 of them are in use. tot-jwt has cached their
states, except with `KEY_STATE_MAX_AGE = 0`, where it queries the database each time. Passwords and
client secrets are hashed with MD5, which takes almost no time, or with PBKDF2, Django's default."""
GROWTH = """\
The time with {keys:,} keys as a multiple of the time with {few} keys. The range is the middle half
of the rounds."""


class Figure(NamedTuple):
    """The median of ratios, and the range of the middle half."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, blocks: list[float], base: list[float]) -> "Figure":
        """Compare the blocks with those of the base, round by round."""
        ratios = [block / other for block, other in zip(blocks, base, strict=True)]
        low, median, high = statistics.quantiles(ratios, n=4, method="inclusive")
        return cls(median, low, high)

    def cells(self) -> list[str]:
        """Return the two cells of a table."""
        return [f"**{rounded(self.median)}**", f"{rounded(self.low)} – {rounded(self.high)}"]


class Row(NamedTuple):
    """The results of one subject: its cost against the empty view and its growth, if measured."""

    operation: str
    name: str
    queries: int
    cost: Figure
    growth: Figure | None


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compare", description=__doc__)
    parser.add_argument("--keys", type=int, default=10_000, help="number of keys (%(default)s)")
    parser.add_argument(
        "--rounds", type=int, default=30, help="blocks of each subject (%(default)s)"
    )
    parser.add_argument(
        "--data",
        type=Path,
        help="folder in which to keep the databases; empty it after a migration",
    )
    report.add_output_option(parser)
    arguments = parser.parse_args()
    report.require_installed()
    with tempfile.TemporaryDirectory() as temporary:
        data = arguments.data or Path(temporary)
        data.mkdir(exist_ok=True)
        rows = list(measured(data, arguments.keys, arguments.rounds))
    operations = list(dict.fromkeys(row.operation for row in rows))
    rows.sort(key=lambda row: (operations.index(row.operation), not row.name.startswith("tot-jwt")))
    report.write_section(
        arguments.output,
        "Speed",
        report.provenance("benchmarks.compare", *PEERS),
        METHOD.format(keys=arguments.keys),
        report.table(
            ["Operation", "Package"],
            ["× an empty view", "Range", "Queries"],
            [[row.operation, row.name, *row.cost.cells(), row.queries] for row in rows],
        ),
        GROWTH.format(keys=arguments.keys, few=FEW),
        report.table(
            ["Operation", "Package"],
            ["Growth", "Range"],
            [[row.operation, row.name, *row.growth.cells()] for row in rows if row.growth],
        ),
    )


def measured(data: Path, keys: int, rounds: int) -> Iterator[Row]:
    """Measure all configurations and return their rows."""
    sizes = [str(FEW), str(keys)]
    many = ["--rounds", str(rounds)]
    slow = ["--rounds", "5", "--block", "1"]
    yield from rows_of(run(data, "own", "peers", "logins", "--sizes", *sizes, *many), keys)
    yield from rows_of(run(data, "own", "--sizes", *sizes, *many, KEY_STATE_MAX_AGE="0"), keys)
    yield from rows_of(run(data, "logins", "--sizes", str(keys), *slow, HASHER="PBKDF2"), keys)


def run(data: Path, *arguments: str, **environment: str) -> list[dict[str, Any]]:
    """Run the process of one configuration and return its measurements."""
    print("Measuring:", *arguments, *map("=".join, environment.items()), file=sys.stderr)
    process = subprocess.run(
        [sys.executable, "-m", "benchmarks.measure", *arguments, "--data", str(data)],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "benchmarks.settings", **environment},
        cwd=report.ROOT,
        stdout=subprocess.PIPE,
        check=False,
    )
    if process.returncode:
        raise SystemExit(process.returncode)
    measurements: list[dict[str, Any]] = json.loads(process.stdout)
    return measurements


def rows_of(measurements: list[dict[str, Any]], keys: int) -> Iterator[Row]:
    """Return the rows of one process. Figures are compared only within it."""
    empty, *measured = measurements
    few = {(one["operation"], one["name"]): one["blocks"] for one in measured if one["keys"] == FEW}
    for one in measured:
        if one["keys"] == keys:
            operation, name, blocks = one["operation"], one["name"], one["blocks"]
            before = few.get((operation, name))
            growth = Figure.of(blocks, before) if before else None
            yield Row(operation, name, one["queries"], Figure.of(blocks, empty["blocks"]), growth)


def rounded(value: float) -> str:
    """Return the value with three digits, or with all digits before the point."""
    return f"{value:,.{2 if value < 10 else 1 if value < 100 else 0}f}"


if __name__ == "__main__":
    main()
