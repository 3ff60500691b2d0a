"""Faults of the cache (security.md D2, D4)."""

import socket
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.db import connections

from tests.support import servers
from tests.support.process_faults import ADVICE
from tests.support.processes import driver
from tests.support.requests import TOKEN_URL
from tot_jwt.models import ApiKey


@pytest.fixture
def counting_at(settings: Any) -> Callable[..., None]:
    """``counting_at(port)``: count on Redis there, with a limit of two wrong guesses a day."""

    def count_at(port: int, **options: Any) -> None:
        backend = "django.core.cache.backends.redis.RedisCache"
        settings.CACHES = {
            "default": {
                "BACKEND": backend,
                "LOCATION": f"redis://127.0.0.1:{port}",
                "OPTIONS": options,
            }
        }
        settings.TOT_JWT = {
            "EXCHANGE_FAILURE_RATES": {"address": "2/day"},
            "EXCHANGE_RATE": "1000/day",
        }

    return count_at


@pytest.fixture
def guesses(
    make_key: Callable[..., ApiKey], post_token: Callable[..., Any]
) -> Callable[[], list[int]]:
    """``guesses()``: exchange the key, then return the statuses of three wrong guesses."""
    key = make_key()

    def guess() -> list[int]:
        assert post_token(key).status_code == 200
        return [post_token(key, totSecretKey="wrong").status_code for _ in range(3)]

    return guess


NOT_THROTTLED = "Rate limit skipped: cache error"

#: Far from midnight, when the day's counters start again.
NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)


@pytest.mark.services
@pytest.mark.req("D2")
@time_machine.travel(NOON)
def test_redis_restart_suspends_limits_only(redis, counting_at, guesses, caplog):
    counting_at(redis.port)
    assert guesses() == [401, 401, 429]
    assert NOT_THROTTLED not in caplog.text

    redis.stop()
    assert guesses() == [401, 401, 401]
    assert NOT_THROTTLED in caplog.text

    redis.start()
    assert guesses() == [401, 401, 429]


@pytest.mark.req("D2")
def test_silent_cache_rejects_no_request(counting_at, guesses, caplog):
    driver("redis")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        counting_at(silent.getsockname()[1], **ADVICE["CACHES"]["default"]["OPTIONS"])
        assert guesses() == [401, 401, 401]
    assert NOT_THROTTLED in caplog.text


def test_health_check_needs_no_server(client, counting_at, caplog):
    counting_at(servers.free_port())
    assert client.get(TOKEN_URL).status_code == 401
    assert NOT_THROTTLED not in caplog.text


@pytest.mark.req("D4")
@pytest.mark.django_db(transaction=True)
@time_machine.travel(NOON)
def test_database_cache_counts_despite_atomic_requests(guesses, settings, monkeypatch):
    monkeypatch.setitem(connections["default"].settings_dict, "ATOMIC_REQUESTS", True)
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.db.DatabaseCache",
            "LOCATION": "counters",
        }
    }
    settings.TOT_JWT = {"EXCHANGE_FAILURE_RATES": {"address": "2/day"}}
    call_command("createcachetable")

    assert guesses() == [401, 401, 429]

    with connections["default"].cursor() as cursor:
        cursor.execute("DROP TABLE counters")
