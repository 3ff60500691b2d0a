"""Fixtures: a caller; a stopped clock, limits of the test's own, and wrong guesses."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.test import Client

from tests.support.keys_client import KeysClient, client_of, code_of
from tests.support.requests import TOKEN_URL, body
from tot_jwt.models import ApiKey

START = datetime(2025, 10, 29, 18, 23, 0, tzinfo=UTC)


@pytest.fixture
def clock() -> Iterator[Any]:
    """Stop the time at 18:23:00; yield the traveller that moves it."""
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


@pytest.fixture
def limit(settings: Any) -> Callable[..., None]:
    """``limit(KEY_CHANGE_RATE="2/hour")``: set these limits and no others."""

    def set_limits(**limits: Any) -> None:
        settings.TOT_JWT = {"EXCHANGE_FAILURE_RATES": {}, "KEY_CHANGE_RATE": None, **limits}

    return set_limits


@pytest.fixture
def guess(client: Client) -> Callable[..., tuple[int, str]]:
    """``guess(key, url)``: send a wrong secret, or other members; return status and code."""

    def post(
        key: Any, url: str = TOKEN_URL, address: str = "192.0.2.1", **members: Any
    ) -> tuple[int, str]:
        given = body(key, **{"totSecretKey": "wrong", **members})
        return code_of(
            client.post(url, given, content_type="application/json", REMOTE_ADDR=address)
        )

    return post


@pytest.fixture
def key(make_key: Callable[..., ApiKey]) -> ApiKey:
    """Return the caller's own key, which an administrator created."""
    return make_key(scopes=["a", "b"])


@pytest.fixture
def api(key: ApiKey) -> KeysClient:
    """Return a client with an unrestricted token of `key`."""
    return client_of(key)
