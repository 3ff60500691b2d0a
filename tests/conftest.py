"""Fixtures, and the option that prints which tests prove which promise and which clause."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from tests.support.draws import use_quick_profile
from tests.support.factories import ApiKeyFactory, AppDomainFactory, UserFactory
from tests.support.requests import TOKEN_URL, body
from tests.support.times import stopped_clocks
from tot_jwt.models import ApiKey, AppDomain
from tot_jwt.testing import reset

use_quick_profile()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--req-matrix",
        action="store_true",
        help="print which tests prove which promise or clause, and stop",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    if config.getoption("--req-matrix"):  # pragma: no cover: a test runs it in a process
        config.option.numprocesses, config.option.dist = 0, "no"


def pytest_collection_finish(session: pytest.Session) -> None:
    if session.config.getoption("--req-matrix"):  # pragma: no cover: a test runs it in a process
        print_matrix(session)
        session.items.clear()


def print_matrix(session: pytest.Session) -> None:  # pragma: no cover: a test runs it in a process
    """Print each promise and the tests that prove it, then each clause and the tests of it."""
    write = session.config.get_terminal_writer().line
    for marker in ("req", "clause"):
        tests = tests_by_argument(session.items, marker)
        for name in sorted(tests, key=numerically):
            write("\n    ".join([name, *sorted(tests[name])]))


def tests_by_argument(
    items: list[pytest.Item], name: str
) -> dict[str, set[str]]:  # pragma: no cover: a test runs it in a process
    """Return each argument of the marker with the tests that have it."""
    tests: dict[str, set[str]] = defaultdict(set)
    for item in items:
        for marker in item.iter_markers(name):
            for argument in marker.args:
                tests[argument].add(item.nodeid.partition("[")[0])
    return tests


def numerically(name: str) -> list[str | int]:  # pragma: no cover: a test runs it in a process
    """Return the key that sorts A2 before A10, and §5.2 before §10.1."""
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", name)]


@pytest.fixture(autouse=True)
def _empty_memory() -> Iterator[None]:
    """Empty the process's memory after each test, whose rows are rolled back."""
    yield
    reset()
    cache.clear()


@pytest.fixture
def pass_time() -> Iterator[Callable[[float], None]]:
    """``pass_time(5)``: move the clocks five seconds on. They stand still otherwise, from NOON."""
    with stopped_clocks() as pass_time:
        yield pass_time


@pytest.fixture
def unlimited(settings: Any) -> None:
    """Lift all rate limits."""
    settings.TOT_JWT = {"EXCHANGE_FAILURE_RATES": {}, "KEY_CHANGE_RATE": None}


@pytest.fixture
def make_domain(db: None) -> Callable[..., AppDomain]:
    """``make_domain(domain="example.com")``: create a domain."""
    return AppDomainFactory.create


@pytest.fixture
def make_key(db: None) -> Callable[..., ApiKey]:
    """``make_key(scopes=[…], revoked_at=…)``: create a key with an attribute `secret`."""
    return ApiKeyFactory.create


@pytest.fixture
def make_user(db: None) -> Callable[..., Any]:
    """``make_user(is_staff=True)``: create a user."""
    return UserFactory.create


@pytest.fixture
def post_token(client: Client) -> Callable[..., Any]:
    """``post_token(key, scopes=…)``: exchange the key, with other members."""

    def post(key: Any, **members: Any) -> Any:
        return client.post(TOKEN_URL, body(key, **members), content_type="application/json")

    return post


@pytest.fixture
def get_token(client: Client) -> Callable[..., Any]:
    """``get_token("eyJ…")``: verify a token."""

    def get(token: str) -> Any:
        return client.get(TOKEN_URL, headers={"Authorization": f"Bearer {token}"})

    return get


@pytest.fixture
def make_token(post_token: Callable[..., Any]) -> Callable[..., str]:
    """``make_token(key)``: return a token from the endpoint."""

    def make(key: Any, **members: Any) -> str:
        answer = post_token(key, **members)
        assert answer.status_code == 200, answer.content
        return str(answer.json()["token"])

    return make
