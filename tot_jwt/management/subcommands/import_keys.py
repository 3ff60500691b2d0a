"""The subcommand that brings in an operator's existing keys."""

import sys
from argparse import ArgumentParser
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import BinaryIO

from django.core.management.base import CommandError

from tot_jwt.keys import importing
from tot_jwt.keys.csv_file import COLUMNS, REQUIRED, STRONG_SECRET
from tot_jwt.management.subcommands.base import Document, Options, Subcommand

#: How many keys from one word of progress to the next.
PROGRESS = 10_000


class ImportKeys(Subcommand):
    name = "import_keys"
    help = (
        f"Import existing keys from a CSV file in UTF-8. Its header names the columns: {', '.join(COLUMNS)}, of which "
        f"only {', '.join(REQUIRED)} must be there; scopes are separated by spaces. Domains that do not exist are "
        "created, secrets are stored as hashes. Where a row is bad, nothing is imported, and the command exits with 1."
    )

    @staticmethod
    def add_arguments(parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", help="- is standard input.")
        parser.add_argument(
            "--skip-bad", action="store_true", help="Import the good rows all the same."
        )
        parser.add_argument(
            "--allow-weak",
            action="store_true",
            help=f"Take secrets of fewer than {STRONG_SECRET} characters.",
        )

    @staticmethod
    def run(options: Options) -> Document:
        try:
            with _opened(options["file"]) as file:
                report = importing.import_keys(
                    file,
                    skip_bad=options["skip_bad"],
                    allow_weak=options["allow_weak"],
                    progress=_progress(options["tell"]),
                )
        except OSError as error:
            raise CommandError(f"Cannot read {options['file']}: {error.strerror}.") from error
        if not options["as_json"]:
            _tell_what_is_bad(report, options["tell"])
        return {
            "imported": report.imported,
            "domainsCreated": report.domains_created,
            "refused": report.is_refused,
            "cutShort": report.is_cut_short,
            "badRows": [{"line": row.line, "reason": row.reason} for row in report.bad_rows],
        }

    @staticmethod
    def has_failed(document: Document) -> bool:
        return bool(document["refused"])


def _tell_what_is_bad(report: importing.Report, tell: Callable[[str], None]) -> None:
    for row in report.bad_rows:
        tell(f"Line {row.line}: {row.reason}")
    if report.is_cut_short:
        tell("The file was read no further.")
    if report.is_refused:
        tell("Nothing was imported.")


def _opened(name: str) -> AbstractContextManager[BinaryIO]:
    return nullcontext(sys.stdin.buffer) if name == "-" else Path(name).open("rb")


def _progress(tell: Callable[[str], None]) -> Callable[[int], None]:
    """Tells after each further PROGRESS keys."""
    told = 0

    def progress(imported: int) -> None:
        nonlocal told
        if imported // PROGRESS > told:
            told = imported // PROGRESS
            tell(f"{imported} keys …")

    return progress
