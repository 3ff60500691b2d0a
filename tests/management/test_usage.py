"""``usage``: how often a key was used, by day and as JSON by hour."""

import io

import pytest
from django.core.management import CommandError, call_command

from tests.support.keys_client import client_of, url_of
from tests.support.times import NOON
from tot_jwt.models import KeyUsage

HOUR = 3600
NOW = int(NOON.timestamp())
NOTHING = "No requests in this time.\n"
PENDING = "Processes write their counts once a minute: the latest requests may be missing."


class Terminal(io.StringIO):
    """Standard output of a person."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def used_key(make_key):
    """Return a key that was used in two hours of a day, and in one of the day after."""
    key = make_key(public_key="pk_1")
    for hours_ago, accepted, refused in ((14, 1200, 3), (13, 34, 0), (1, 5, 60)):
        KeyUsage.objects.create(
            key=key, at=NOW - hours_ago * HOUR, accepted=accepted, refused=refused
        )
    return key


def test_text_has_line_per_day(pass_time, used_key, run):
    assert run("usage", "pk_1").splitlines() == [
        "2025-10-28      1234        3",
        "2025-10-29         5       60",
        "total           1239       63",
    ]


def test_quiet_command_prints_what_exists(pass_time, used_key, make_key, outcome):
    unused = make_key().public_key

    assert outcome("usage", "pk_1", "-v", "0") == outcome("usage", "pk_1")
    assert outcome("usage", unused) == (NOTHING, "", 0)
    assert outcome("usage", unused, "-v", "0") == (NOTHING, "", 0)


def test_terminal_shows_heading_and_note(pass_time, used_key):
    out = Terminal()

    call_command("tot_jwt", "usage", "pk_1", "--no-color", stdout=out)

    assert out.getvalue().splitlines() == [
        "DAY (UTC)   ACCEPTED  REFUSED",
        "2025-10-28      1234        3",
        "2025-10-29         5       60",
        "total           1239       63",
        "",
        PENDING,
    ]


def test_json_equals_endpoint(pass_time, used_key, run_json):
    answer = client_of(used_key).send("get", f"{url_of(used_key)}/usage")

    assert run_json("usage", "pk_1") == answer.json()
    assert [hour["accepted"] for hour in answer.json()["results"]] == [1200, 34, 5]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ((), [1200, 34, 5]),
        (("--from", "2025-10-29"), [5]),
        (("--to", "2025-10-29"), [1200, 34]),
        (("--from", "2025-10-29T01:00:00+02:00", "--to", "2025-10-29"), [34]),
        (("--to", "2025-09-01"), []),
        (("--from", "2026-01-01"), []),
    ],
)
def test_options_limit_period(options, expected, pass_time, used_key, run, run_json):
    found = run_json("usage", "pk_1", *options)["results"]

    assert [hour["accepted"] for hour in found] == expected
    assert (run("usage", "pk_1", *options) == NOTHING) is not bool(expected)


def test_wrong_arguments_are_explained(used_key, run):
    with pytest.raises(CommandError, match=r"^API key pk_2 does not exist\.$"):
        run("usage", "pk_2")
    with pytest.raises(CommandError, match=r"^--from must not be after --to\.$"):
        run("usage", "pk_1", "--from", "2025-10-30", "--to", "2025-10-29")
    for text in ("", "today", "2025-10-29T12:00", "2025-02-30", "x\0"):
        with pytest.raises(CommandError, match="must be a date, or a date and time with its time"):
            run("usage", "pk_1", "--from", text)
