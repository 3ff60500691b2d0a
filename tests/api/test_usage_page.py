"""The examples of docs/usage.md work."""

import json
import re
import shlex
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from django.core.management import call_command

from tests.support import documents
from tests.support.keys_client import client_of
from tot_jwt.keys.hours import RETENTION
from tot_jwt.models import ApiKey, KeyUsage

PAGE = documents.read("docs/usage.md")
DAY = 24 * 3600


def number(year: int, month: int, day: int, hour: int = 0) -> int:
    """Return the NumericDate of a moment in UTC."""
    return int(datetime(year, month, day, hour, tzinfo=UTC).timestamp())


@pytest.fixture
def key(make_key: Any) -> ApiKey:
    """Return the key of the page, with the usage that the page shows, and other hours."""
    key: ApiKey = make_key(public_key="pk_live_tot_mobile", app_domain__domain="myapp.com")
    hours = {
        number(2025, 10, 29, 15): (5, 5),
        number(2025, 10, 29, 16): (120, 0),
        number(2025, 10, 29, 18): (12, 1),
        number(2025, 10, 30, 0): (7, 7),
        number(2025, 12, 31, 23): (1, 2),
        number(2026, 1, 1, 0): (50, 60),
    }
    KeyUsage.objects.bulk_create(
        KeyUsage(key=key, at=at, accepted=accepted, refused=refused)
        for at, (accepted, refused) in hours.items()
    )
    return key


def test_curl_gets_answer_of_page(key):
    (command,) = documents.blocks(PAGE, "sh")
    words = shlex.split(command.replace("\\\n", ""))
    sent = [after for word, after in pairwise(words) if "urlencode" in word]
    query = urlencode([tuple(parameter.split("=", 1)) for parameter in sent])
    url = next(word for word in words if word.startswith("http"))

    answer = client_of(key).send("get", f"{urlsplit(url).path}?{query}")

    (shown,) = documents.blocks(PAGE, "json")
    assert answer.json() == json.loads(shown)


def test_commands_of_page_work(key, capsys):
    lines = "".join(documents.blocks(PAGE, "bash")).splitlines()
    assert len(lines) == 2

    for line in lines:
        call_command(*shlex.split(line.removeprefix("python manage.py ")))

    printed = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert [hour["accepted"] for hour in printed["results"]] == [5, 120, 12, 7]


def test_python_of_page_sums_months(key, make_key):
    other = make_key(app_domain__domain="other.example")
    KeyUsage.objects.create(key=other, at=number(2025, 12, 1), accepted=3)
    names: dict[str, Any] = {}
    (block,) = documents.blocks(documents.section(PAGE, "In Python"), "python")
    exec(compile(block, "docs/usage.md", "exec"), names)  # noqa: S102 - our own text

    december, january = (list(names["usage_by_domain"](*each)) for each in ((2025, 12), (2026, 1)))

    assert december == [
        {"domain": "myapp.com", "accepted": 1, "refused": 2},
        {"domain": "other.example", "accepted": 3, "refused": 0},
    ]
    assert january == [{"domain": "myapp.com", "accepted": 50, "refused": 60}]


def test_page_names_retention():
    (days,) = re.findall(
        r"^(\d+) days\.", documents.section(PAGE, "How long it is kept"), re.MULTILINE
    )

    assert int(days) * DAY == RETENTION
    assert f"at most {RETENTION // 3600:,} hours" in PAGE
