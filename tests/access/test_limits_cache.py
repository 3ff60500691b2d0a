"""Limits and the cache that counts (security.md D1, D2)."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from threading import Barrier
from typing import Any

import pytest
from django.core.cache import caches
from django.core.cache.backends.locmem import LocMemCache
from django.db import connections

from tests.support.caches import BROKEN, RECORDING, RecordingCache, cache_errors, in_memory
from tests.support.keys_client import client_of
from tests.support.redis_cache import redis_cache
from tests.support.requests import TOKEN_URL
from tot_jwt.access import limits
from tot_jwt.exceptions import TooManyRequests
from tot_jwt.principal import ApiClient

pytestmark = [pytest.mark.req("D1"), pytest.mark.usefixtures("clock")]
CLIENT = ApiClient("pk", "example.com", 1, "live", frozenset())
WRONG = (401, "invalid_credentials")
THROTTLED = (429, "throttled")
DIRECT = "/me"


@pytest.fixture
def added(settings):
    """Count on a recording cache; return the list of its additions: keys and timeouts."""
    settings.CACHES = {"default": RECORDING}
    RecordingCache.added.clear()
    return RecordingCache.added


def test_throttled_address_adds_no_counters(added, make_key, guess):
    key = make_key()
    for number in range(50):
        guess(key, totApiKey=f"pk_live_{number}")

    assert len({name for name, _ in added}) == 1 + 30


def test_success_does_not_use_cache(settings, make_key, guess, make_token, get_token, caplog):
    settings.CACHES = {"default": BROKEN}
    key = make_key()

    get_token(make_token(key))
    assert guess(key, DIRECT, totSecretKey=key.secret)[0] == 200

    assert cache_errors(caplog) == []


@pytest.mark.parametrize("rates", [{}, {"address": None, "key": None}])
def test_missing_rate_sets_no_limit(settings, limit, make_key, guess, rates, caplog):
    settings.CACHES = {"default": BROKEN}
    limit(EXCHANGE_FAILURE_RATES=rates)
    key = make_key()

    assert {guess(key) for _ in range(50)} == {WRONG}

    assert cache_errors(caplog) == []


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.services)])
def counting_cache(request: Any, settings: Any) -> Iterator[str]:
    """Return the name of an empty cache, in memory or on Redis."""
    with nullcontext(in_memory()) if request.param == "memory" else redis_cache() as counting:
        settings.CACHES = {"default": in_memory(), "counting": counting}
        yield "counting"


def test_fifty_threads_respect_the_limit(limit, counting_cache):
    limit(EXCHANGE_FAILURE_RATES={"address": "100/min"}, THROTTLE_CACHE=counting_cache)
    threads, guesses = 50, 10
    barrier = Barrier(threads, timeout=60)

    def attack() -> int:
        barrier.wait()
        return sum(_is_counted() for _ in range(guesses))

    with ThreadPoolExecutor(threads) as pool:
        passed = sum(
            attempt.result(60) for attempt in [pool.submit(attack) for _ in range(threads)]
        )

    assert 100 <= passed <= 110


def test_threads_respect_limits_on_requests(limit, counting_cache):
    limit(THROTTLE_CACHE=counting_cache)
    threads, requests = 20, 10
    barrier = Barrier(threads, timeout=60)

    def send(number: int) -> int:
        """Send requests with one of four keys of a domain; return how many pass."""
        who = replace(
            CLIENT, pk=f"pk_{number % 4}", rate_limit="30/min", domain_rate_limit="70/min"
        )
        barrier.wait()
        return sum(_passes(who) for _ in range(requests))

    with ThreadPoolExecutor(threads) as pool:
        passed = list(pool.map(send, range(threads)))

    # The four keys may send 120 together, their domain 70.
    assert sum(passed) == 70


def _passes(who: ApiClient) -> bool:
    quotas = limits.count_request(who, "192.0.2.1")
    return not any(quota.is_exceeded for quota in quotas.values())


def _count_request() -> None:
    if not _passes(replace(CLIENT, rate_limit="1/min")):
        raise TooManyRequests(1)


def _is_counted() -> bool:
    """Count one wrong guess; return whether it was within the limit."""
    try:
        limits.count_failure("pk_live_x", "192.0.2.1", shown_key="pk_live_x")
    except TooManyRequests:
        return False
    return True


def test_named_cache_holds_the_counters(limit, settings, make_key, guess):
    settings.CACHES = {"default": in_memory(), "other": in_memory()}
    limit(EXCHANGE_FAILURE_RATES={"address": "1/min"}, THROTTLE_CACHE="other")
    key = make_key()
    assert [guess(key), guess(key)] == [WRONG, THROTTLED]

    caches["other"].clear()
    assert guess(key) == WRONG


def test_counters_expire_by_themselves(added, limit, make_key, guess):
    limit(EXCHANGE_FAILURE_RATES={"address": "5/min"})
    guess(make_key())

    [(_, timeout)] = added
    assert timeout == 120


@pytest.mark.req("D2")
@pytest.mark.parametrize("url", [TOKEN_URL, DIRECT])
def test_broken_cache_limits_no_request(settings, make_key, guess, caplog, url):
    settings.CACHES = {"default": BROKEN}
    key = make_key()

    assert {guess(key, url) for _ in range(50)} == {WRONG}
    assert guess(key, url, totSecretKey=key.secret)[0] == 200
    assert client_of(key).create(scopes=[]).status_code == 201

    assert cache_errors(caplog) == [
        "Rate limit skipped: cache error: ConnectionError: the cache is gone"
    ]


@pytest.mark.req("D9")
@pytest.mark.parametrize("url", [TOKEN_URL, DIRECT])
def test_broken_cache_logs_once_a_minute(settings, make_key, guess, caplog, pass_time, url):
    settings.CACHES = {"default": BROKEN}
    key = make_key()
    told = []
    for _ in range(4):
        for _ in range(5):
            guess(key, url)
        told.append(len(cache_errors(caplog)))
        pass_time(30)

    assert told == [1, 1, 2, 2]
    assert "Traceback" not in caplog.text


class TextCache(LocMemCache):
    """A cache that answers with text, as its server does."""

    answers: Any

    def incr(self, *args: Any, **kwargs: Any) -> Any:
        return next(self.answers)


def test_numbers_of_cache_may_be_text(limit, settings, caplog):
    settings.CACHES = {"default": {"BACKEND": f"{__name__}.TextCache"}}
    TextCache.answers = iter(["1", "3", b"4", "-3", "many", "many", "many"])

    passed = [_passes(replace(CLIENT, rate_limit="2/min")) for _ in range(6)]

    assert passed == [True, False, False, True, True, True]
    assert ["cache error: ValueError" in error for error in cache_errors(caplog)] == [True]


@pytest.mark.urls("tests.support.limited")
def test_invalid_rate_of_row_limits_nothing(limit, make_key, make_token, client, caplog):
    limit(RATE_LIMIT="1/min")
    key = make_key(app_domain__rate_limit="2/min")
    type(key).objects.update(rate_limit="often\n")
    headers = {"Authorization": f"Bearer {make_token(key)}"}
    statuses = [client.get("/limited", headers=headers).status_code for _ in range(3)]

    assert statuses == [200, 200, 429]  # the domain's limit is valid
    told = f"{key.public_key}: Invalid rate 'often\\n'"
    assert [told in error for error in cache_errors(caplog)] == [True]


# Tenants


class Tenants:
    """A router to the database that `alias` names."""

    alias = "default"

    def db_for_write(self, model: Any, **hints: Any) -> str:
        """Return the database of the tenant."""
        return self.alias


@pytest.fixture
def tenants(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """``tenants("other", "acme")``: use this database and this schema from now on."""
    router = Tenants()
    settings.DATABASE_ROUTERS = [router]
    monkeypatch.setitem(connections.settings, "other", connections.settings["default"])

    def use(alias: str, schema: str | None = None) -> None:
        router.alias = alias
        monkeypatch.setattr(connections[alias], "schema_name", schema, raising=False)

    yield use
    del connections["other"]


@pytest.mark.req("B7")
@pytest.mark.parametrize(
    "count",
    [
        lambda: limits.count_failure("pk", "192.0.2.1", shown_key="pk"),
        lambda: limits.count_exchange("pk", "192.0.2.1"),
        lambda: limits.count_key_change(CLIENT, "192.0.2.1"),
        _count_request,
    ],
    ids=["failures", "exchanges", "changes", "requests"],
)
def test_each_tenant_has_own_counters(limit, tenants, count):
    limit(EXCHANGE_FAILURE_RATES={"key": "1/min"}, EXCHANGE_RATE="1/min", KEY_CHANGE_RATE="1/min")
    for tenant in (("default",), ("other",), ("default", "acme"), ("default", "zoo")):
        tenants(*tenant)
        count()

    for tenant in (("default", "acme"), ("default",), ("other",)):
        tenants(*tenant)
        with pytest.raises(TooManyRequests):
            count()
