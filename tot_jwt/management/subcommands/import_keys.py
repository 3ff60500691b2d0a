"""The subcommand that imports an operator's existing keys."""

from argparse import ArgumentParser
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, BinaryIO

from django.core.management.base import CommandError

from tot_jwt.keys import import_keys
from tot_jwt.keys.csv_file import COLUMNS, REQUIRED_COLUMNS
from tot_jwt.keys.importing import Report
from tot_jwt.management.actors import operator
from tot_jwt.management.subcommands.base import (
    Document,
    Options,
    Subcommand,
    standard_input,
)
from tot_jwt.rules.hashes import STRONG_SECRET


class ImportKeys(Subcommand):
    """The subcommand ``import_keys``. It reports progress after each `progress_every` keys."""

    name = "import_keys"
    help = (
        "Import existing keys from a CSV file in UTF-8. "
        f"Its header names the columns: {', '.join(COLUMNS)}. "
        f"Only {', '.join(REQUIRED_COLUMNS)} are required. Separate scopes by spaces. "
        "Domains that do not exist are created, and secrets are stored as hashes. "
        "If a row is bad, nothing is imported and the command exits with 1."
    )

    def __init__(self, *, progress_every: int = 10_000) -> None:
        self._progress_every = progress_every

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the file and the options that relax its checks."""
        parser.add_argument("file", metavar="FILE", help="Use - for standard input.")
        parser.add_argument(
            "--skip-bad", action="store_true", help="Skip bad rows and import the others."
        )
        parser.add_argument(
            "--allow-weak",
            action="store_true",
            help=f"Accept secrets that are shorter than {STRONG_SECRET} characters.",
        )

    def run(self, options: Options) -> Document:
        """Import the file and return a report."""
        try:
            with _opened(options["file"]) as file:
                report = import_keys(
                    file,
                    skip_bad=options["skip_bad"],
                    allow_weak=options["allow_weak"],
                    progress=self._progress(options),
                    by=operator(),
                )
        except OSError as error:
            raise CommandError(f"Cannot read {options['file']}: {error.strerror}.") from error
        if not options["as_json"]:
            _tell_bad_rows(report, options["tell"])
        return {
            "imported": report.imported,
            "domainsCreated": report.domains_created,
            "refused": report.is_refused,
            "cutShort": report.is_cut_short,
            "badRows": [{"line": row.line, "reason": row.reason} for row in report.bad_rows],
        }

    def as_text(self, result: Any, *, heading: bool) -> str:
        """Return the numbers. Standard error shows the bad rows."""
        numbers = {name: value for name, value in result.items() if name != "badRows"}
        return super().as_text(numbers, heading=heading)

    def has_failed(self, result: Any) -> bool:
        """Return whether bad rows stopped the import."""
        return bool(result["refused"])

    def _progress(self, options: Options) -> Callable[[int], None]:
        is_quiet = options.get("verbosity") == 0
        return _progress(_ignore if is_quiet else options["tell"], self._progress_every)


def _ignore(line: str) -> None:
    """Tell nothing."""


def _tell_bad_rows(report: Report, tell: Callable[[str], None]) -> None:
    for row in report.bad_rows:
        tell(f"Line {row.line}: {row.reason}")
    if report.is_cut_short:
        tell(f"Stopped reading after {len(report.bad_rows)} bad rows.")
    if report.is_refused:
        tell("Nothing was imported.")


def _opened(name: str) -> AbstractContextManager[BinaryIO]:
    return nullcontext(standard_input().buffer) if name == "-" else Path(name).open("rb")


def _progress(tell: Callable[[str], None], every: int) -> Callable[[int], None]:
    """Return a callback that tells the number of keys each time it passes a multiple of `every`."""
    told = 0

    def progress(imported: int) -> None:
        nonlocal told
        if imported // every > told:
            told = imported // every
            tell(f"{imported} keys so far")

    return progress
