"""A host's long transaction hides later changes from itself only (security.md A11)."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.conf import settings as host_settings
from django.db import connection, connections, transaction
from django.test import Client
from django.utils import timezone

from tests.support.requests import TOKEN_URL, bearer, body, key_headers
from tot_jwt.keys import state as key_state
from tot_jwt.keys.lifecycle import disable_key, revoke_key
from tot_jwt.models import ApiKey, AppDomain

ENGINE = host_settings.DATABASES["default"]["ENGINE"]

pytestmark = [
    pytest.mark.services,
    pytest.mark.req("A11"),
    pytest.mark.skipif(ENGINE.endswith("sqlite3"), reason="SQLite has one level of isolation"),
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture
def isolate() -> Iterator[Callable[[str], None]]:
    """``isolate("repeatable read")``: reconnect with this level of isolation."""
    options = connection.settings_dict["OPTIONS"]
    before = dict(options)

    def reconnect(level: str) -> None:
        connection.close()
        options["isolation_level"] = _as_option(level)

    yield reconnect
    connection.close()
    options.clear()
    options.update(before)


def _as_option(level: str) -> Any:
    if ENGINE.endswith("mysql"):
        return level
    import psycopg

    return psycopg.IsolationLevel[level.upper().replace(" ", "_")]


def in_other_thread(act: Callable[[], object]) -> None:
    """Act on a connection of its own."""

    def run() -> None:
        try:
            act()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(run).result(60)


def revoke_elsewhere(key: ApiKey) -> None:
    """Revoke the key as another process does: without a signal here."""
    ApiKey.objects.filter(pk=key.pk).update(revoked_at=timezone.now())


def use_token(key: Any, token: str) -> Any:
    return Client().get("/me", headers=bearer(token))


def use_keys(key: Any, token: str) -> Any:
    return Client().get("/me", headers=key_headers(key))


def exchange(key: Any, token: str) -> Any:
    return Client().post(TOKEN_URL, body(key), content_type="application/json")


USES = [use_token, use_keys, exchange]


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("end", [revoke_key, disable_key, revoke_elsewhere])
@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
def test_snapshot_is_not_remembered(isolate, make_key, make_token, level, end, use):
    key = make_key()
    token = make_token(key)
    key_state.reset()
    isolate(level)

    with transaction.atomic():
        AppDomain.objects.exists()  # the snapshot begins
        in_other_thread(lambda: end(key))
        seen = use(key, token).status_code

    # MariaDB's SERIALIZABLE reads rows as they are now, and locks them.
    reads_now = ENGINE.endswith("mysql") and level == "serializable"
    assert seen == (401 if reads_now else 200)
    assert [use(key, token).status_code for use in USES] == [401] * 3


@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
@pytest.mark.parametrize("use", USES)
def test_each_snapshot_is_asked(
    isolate, make_key, make_token, django_assert_num_queries, level, use
):
    key = make_key()
    token = make_token(key)
    key_state.reset()
    isolate(level)

    with transaction.atomic():
        assert [use(key, token).status_code for _ in range(2)] == [200, 200]

    with django_assert_num_queries(1):
        assert use(key, token).status_code == 200


@pytest.mark.parametrize("use", USES)
def test_read_committed_state_is_remembered(
    isolate, make_key, make_token, django_assert_num_queries, use
):
    key = make_key()
    token = make_token(key)
    key_state.reset()
    isolate("read committed")

    with transaction.atomic():
        assert use(key, token).status_code == 200

    with django_assert_num_queries(0):
        assert use(key, token).status_code == 200


@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
def test_state_outside_transactions_is_remembered(
    isolate, make_key, make_token, django_assert_num_queries, level
):
    key = make_key()
    token = make_token(key)
    key_state.reset()
    isolate(level)
    assert use_token(key, token).status_code == 200

    with django_assert_num_queries(0):
        assert use_token(key, token).status_code == 200
