"""Fixtures, and the matrix from the promises of the security model to the tests that show them."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from tests.support.draws import use_quick_profile
from tests.support.factories import ApiKeyFactory, AppDomainFactory, UserFactory
from tests.support.requests import TOKEN_URL, body
from tot_jwt.keys import state as key_state
from tot_jwt.keys import usage
from tot_jwt.models import ApiKey, AppDomain

use_quick_profile()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--req-matrix", action="store_true", help="print which tests show which promise, and stop"
    )


def pytest_collection_finish(session: pytest.Session) -> None:
    if session.config.getoption(
        "--req-matrix"
    ):  # pragma: no cover: test_source runs it, in a process of its own
        print_matrix(session)
        session.items.clear()


def print_matrix(session: pytest.Session) -> None:  # pragma: no cover: the same
    tests_by_promise: dict[str, set[str]] = defaultdict(set)
    for item in session.items:
        for marker in item.iter_markers("req"):
            for promise in marker.args:
                tests_by_promise[promise].add(item.nodeid.partition("[")[0])
    write = session.config.get_terminal_writer().line
    for promise in sorted(tests_by_promise, key=lambda name: (name[0], int(name[1:]))):
        write("\n    ".join([promise, *sorted(tests_by_promise[promise])]))


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    """Tests roll the database back, which the package's memory does not see."""
    yield
    key_state.reset()
    usage.reset()
    cache.clear()


@pytest.fixture
def unlimited(settings: Any) -> None:
    """Nothing is throttled: for tests that guess more often than a client may."""
    settings.TOT_JWT = {"EXCHANGE_FAILURE_RATES": {}, "KEY_CHANGE_RATE": None}


@pytest.fixture
def make_domain(db: None) -> Callable[..., AppDomain]:
    return AppDomainFactory.create


@pytest.fixture
def make_key(db: None) -> Callable[..., ApiKey]:
    """``make_key(scopes=[…], revoked_at=…)``: a key whose attribute `secret` is its secret."""
    return ApiKeyFactory.create


@pytest.fixture
def make_user(db: None) -> Callable[..., Any]:
    return UserFactory.create


@pytest.fixture
def post_token(client: Client) -> Callable[..., Any]:
    """``post_token(key, scopes=…)``: the exchange with the key's credentials, members replaced or added."""

    def post(key: Any, **members: Any) -> Any:
        return client.post(TOKEN_URL, body(key, **members), content_type="application/json")

    return post


@pytest.fixture
def get_token(client: Client) -> Callable[..., Any]:
    """``get_token("eyJ…")``: the verification of a token."""

    def get(token: str) -> Any:
        return client.get(TOKEN_URL, headers={"Authorization": f"Bearer {token}"})

    return get


@pytest.fixture
def make_token(post_token: Callable[..., Any]) -> Callable[..., str]:
    """``make_token(key)``: a token from the real endpoint."""

    def make(key: Any, **members: Any) -> str:
        answer = post_token(key, **members)
        assert answer.status_code == 200, answer.content
        return str(answer.json()["token"])

    return make
