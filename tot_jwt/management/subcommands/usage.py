"""The subcommand that shows how often an API key is used."""

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterable
from datetime import datetime
from itertools import groupby
from typing import Any

from django.core.management.base import CommandError

from tot_jwt.api import responses
from tot_jwt.api.moments import Period, parse_moment
from tot_jwt.keys.usage import of_key
from tot_jwt.management import text
from tot_jwt.management.subcommands.base import (
    Document,
    Options,
    Subcommand,
    add_key_argument,
    find_key,
)

NOTHING = "No requests in this time."
PENDING = "Processes write their counts once a minute: the latest requests may be missing."


class Usage(Subcommand):
    """The subcommand ``usage``."""

    name = "usage"
    help = (
        "Show how many requests with an API key and its tokens were accepted and refused, by day "
        f"(UTC), or by hour with --json. Counts are kept for 90 days. {PENDING}"
    )
    prints_always = True

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the key and the period."""
        add_key_argument(parser)
        parser.add_argument(
            "--from",
            dest="start",
            type=_moment,
            metavar="MOMENT",
            help="Hours that begin at this moment or later, for example 2025-10-29 (in UTC) or "
            "2025-10-29T18:00:00+02:00 (default: 30 days before the end).",
        )
        parser.add_argument(
            "--to",
            dest="end",
            type=_moment,
            metavar="MOMENT",
            help="Hours that begin before this moment (default: now).",
        )

    def run(self, options: Options) -> Document:
        """Return the hours in which the key was used."""
        start, end = options["start"], options["end"]
        if start and end and start > end:
            raise CommandError("--from must not be after --to.")
        key = find_key(options["public_key"])
        return responses.usage(key.public_key, of_key(key.public_key, *Period.between(start, end)))

    def as_text(self, result: Any, *, heading: bool) -> str:
        """Return one line for each day, and their sum."""
        hours = result["results"]
        if not hours:
            return NOTHING
        rows = [*_days(hours), _sum("total", hours)]
        columns = {"DAY (UTC)": "day", "ACCEPTED": "accepted", "REFUSED": "refused"}
        lines = text.table(rows, columns, heading=heading)
        return f"{lines}\n\n{PENDING}" if heading else lines


def _moment(text: str) -> datetime:
    moment = parse_moment(text) or parse_moment(f"{text}T00:00:00Z")
    if moment is None:
        raise ArgumentTypeError(
            "must be a date, or a date and time with its time zone, such as 2025-10-29T18:00:00Z"
        )
    return moment


def _days(hours: Iterable[Document]) -> list[Document]:
    return [_sum(day, each) for day, each in groupby(hours, key=lambda hour: hour["at"][:10])]


def _sum(day: str, hours: Iterable[Document]) -> Document:
    """Return a line of the table: its numbers end below the last letter of their headings."""
    numbers = [(hour["accepted"], hour["refused"]) for hour in hours]
    accepted, refused = map(sum, zip(*numbers, strict=True))
    return {"day": day, "accepted": f"{accepted:>8}", "refused": f"{refused:>7}"}
