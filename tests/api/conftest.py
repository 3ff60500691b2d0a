"""Fixtures of the endpoints: a caller with its own key, and a valid request to change."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests.support.hostile import Good, stored
from tests.support.hostile_spellings import DOMAIN
from tests.support.keys_client import KeysClient, client_of
from tests.support.stored_keys import key_in


@pytest.fixture
def key(make_key: Callable[..., Any]) -> Any:
    """Return the caller's own key."""
    return make_key(name="Own", scopes=["orders:read", "orders:write"])


@pytest.fixture
def api(key: Any) -> KeysClient:
    """Return a client with an unrestricted token of `key`."""
    return client_of(key)


@pytest.fixture
def child(key: Any, api: KeysClient) -> Any:
    """Return a key that `key` created, with its secret."""
    return key_in(api.create(name="Child", scopes=["orders:read"]))


@pytest.fixture
def long_lifetime(settings: Any) -> None:
    """Let a token create keys that live for 100 years."""
    settings.TOT_JWT = {"CREATED_KEY_MAX_LIFETIME": timedelta(days=36525)}


@pytest.fixture
def good(make_key: Callable[..., Any], make_token: Callable[..., str]) -> Good:
    """Return the only key of its domain, with a token."""
    key = make_key(app_domain__domain=DOMAIN, scopes=["orders:read"])
    return Good(key, make_token(key))


@pytest.fixture
def nothing_changes(good: Good) -> Iterator[None]:
    """Fail the test if it changes a stored key or adds an event."""
    before = stored()
    yield
    assert stored() == before
