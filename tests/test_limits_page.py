"""docs/limits.md: each of its examples works."""

import shlex
from datetime import timedelta

import pytest
from django.core.management import call_command
from rest_framework.test import APIRequestFactory
from rest_framework.throttling import ScopedRateThrottle

from tests.support.documents import blocks, read, section
from tests.support.requests import bearer
from tests.support.times import NOON, stopped_clocks
from tot_jwt.access.limits import count_request
from tot_jwt.models import ApiKey, AppDomain, KeyEvent
from tot_jwt.principal import ApiClient

pytestmark = [pytest.mark.req("D1"), pytest.mark.usefixtures("at_23_seconds")]

PAGE = read("docs/limits.md")
COMMAND = "python manage.py tot_jwt "


@pytest.fixture
def at_23_seconds():
    """Stop the clocks in the 24th second of a minute."""
    with stopped_clocks(NOON + timedelta(seconds=23)):
        yield


@pytest.fixture
def names(settings):
    """Return what the Python of the page defines, with its settings."""
    names = {}
    for block in blocks(PAGE, "python"):
        exec(compile(block, "docs/limits.md", "exec"), names)  # noqa: S102 - our own text
    settings.TOT_JWT = names["TOT_JWT"]
    settings.REST_FRAMEWORK = names["REST_FRAMEWORK"]
    return names


@pytest.fixture
def get(make_token):
    """``get(View, key)``: the response to a request with a token of the key."""

    def get(view, key):
        request = APIRequestFactory().get("/orders", headers=bearer(make_token(key)))
        return view.as_view()(request).render()

    return get


def shown(answer):
    """Return the headers of a response that the page shows."""
    lines = [f"{name}: {value}" for name, value in answer.headers.items()]
    return {line for line in lines if line.startswith(("RateLimit", "Retry-After"))}


def test_responses_look_as_shown(names, make_key, get):
    key = make_key(scopes=["orders:read"])
    passing, rejected = blocks(section(PAGE, "What clients see"), "http")

    assert shown(get(names["OrderList"], key)) == set(passing.splitlines())

    client = ApiClient(key.public_key, "example.com", 1, "live", frozenset())
    for _ in range(600):
        count_request(client, "192.0.2.1")
    answer = get(names["OrderList"], key)
    status, *headers, _, body = rejected.splitlines()
    assert status == f"HTTP/1.1 {answer.status_code} {answer.reason_phrase}"
    assert shown(answer) == set(headers)
    assert answer.data == {"detail": "Too many requests", "code": "throttled"}
    assert body == '{"detail": "Too many requests", "code": "throttled"}'


def test_commands_set_the_limits(make_key):
    limits = []
    make_key(public_key="pk_live_tot_web")

    [text] = blocks(section(PAGE, "Set a limit"), "sh")
    for line in text.splitlines():
        call_command("tot_jwt", *shlex.split(line.removeprefix(COMMAND)), verbosity=0)
        of_domain = AppDomain.objects.get(domain="myapp.com").rate_limit
        limits.append((of_domain, ApiKey.objects.get_exact("pk_live_tot_web").rate_limit))

    assert ApiKey.objects.get(name="Web server").rate_limit == "600/min"
    assert limits == [
        ("6000/min", ""),
        ("6000/min", ""),
        ("9000/min", ""),
        ("9000/min", "900/min"),
        ("9000/min", ""),
        ("", ""),
    ]


def test_plan_is_the_domains_limit(names, make_domain, make_key, get):
    domain = make_domain(external_id="C-4711")
    keys = [make_key(app_domain=domain, scopes=["orders:read"]) for _ in range(2)]
    view = names["OrderList"]

    names["subscribe"]("C-4711", "free")
    statuses = [get(view, keys[number % 2]).status_code for number in range(61)]
    names["subscribe"]("C-4711", "gold")

    assert statuses == [200] * 60 + [429]
    assert get(view, keys[0]).status_code == 200
    assert KeyEvent.objects.filter(app_domain=domain).count() >= 2


def test_costly_view_has_second_limit(names, make_key, get, monkeypatch):
    # DRF reads the setting once, when it is imported.
    monkeypatch.setattr(ScopedRateThrottle, "THROTTLE_RATES", {"reports": "1/day"})
    one, other = make_key(scopes=["orders:read"]), make_key(scopes=["orders:read"])

    statuses = [get(names["Reports"], key).status_code for key in (one, one, other)]

    assert statuses == [200, 429, 200]


def test_log_message_is_as_shown(names, make_key, get, caplog):
    key = make_key(public_key="pk_live_tot_web", scopes=["orders:read"], rate_limit="1/min")
    for _ in range(2):
        get(names["OrderList"], key)

    [message] = blocks(section(PAGE, "Watch it"), "text")
    assert message.strip().replace("…", "web") in caplog.messages
