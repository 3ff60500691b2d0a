"""Limits: on wrong guesses, on exchanges, and on what tokens do to keys (security.md D1, D5)."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any
from unittest import mock
from uuid import uuid4

import pytest
import time_machine
from django.core.cache import cache, caches
from django.core.exceptions import ImproperlyConfigured

from tests.support.keys_client import client_of, code_of
from tests.support.redis_cache import redis_cache
from tests.support.requests import TOKEN_URL, body
from tot_jwt.access import limits
from tot_jwt.exceptions import TooManyRequests
from tot_jwt.keys import lifecycle
from tot_jwt.models import ApiKey

START = datetime(2025, 10, 29, 18, 23, 0, tzinfo=UTC)
WRONG = (401, "invalid_credentials")
THROTTLED = (429, "throttled")
DIRECT = "/me"


@pytest.fixture(autouse=True)
def clock() -> Iterator[Any]:
    """The time, which stands still until it is moved."""
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


@pytest.fixture
def limit(settings: Any) -> Any:
    """``limit(KEY_CHANGE_RATE="2/hour")``: these limits and no others."""

    def set_limits(**limits: Any) -> None:
        settings.TOT_JWT = {"EXCHANGE_FAILURE_RATES": {}, "KEY_CHANGE_RATE": None, **limits}

    return set_limits


@pytest.fixture
def guess(client: Any) -> Any:
    """``guess(key, url)``: status and code for a wrong secret, or for what else is given."""

    def post(
        key: Any, url: str = TOKEN_URL, address: str = "192.0.2.1", **members: Any
    ) -> tuple[int, str]:
        given = body(key, **{"totSecretKey": "wrong", **members})
        return code_of(
            client.post(url, given, content_type="application/json", REMOTE_ADDR=address)
        )

    return post


pytestmark = pytest.mark.req("D1")


# Wrong guesses


@pytest.mark.parametrize("url", [TOKEN_URL, DIRECT])
def test_eleventh_wrong_guess_at_a_key_is_throttled(make_key, guess, url):
    key = make_key()

    assert [guess(key, url) for _ in range(12)] == [WRONG] * 10 + [THROTTLED] * 2


@pytest.mark.parametrize("url", [TOKEN_URL, DIRECT])
def test_thirty_first_wrong_guess_of_an_address_is_throttled_whatever_the_key(make_key, guess, url):
    keys = [make_key() for _ in range(4)]

    assert [guess(keys[i % 4], url) for i in range(31)] == [WRONG] * 30 + [THROTTLED]
    assert guess(make_key(), url) == THROTTLED


def test_unknown_key_is_counted_like_a_known_one(make_key, guess):
    key = make_key()
    known = [guess(key) for _ in range(11)]
    unknown = [guess(key, totApiKey="pk_live_nobody", address="192.0.2.2") for _ in range(11)]

    assert known == unknown


def test_guesses_in_exchange_and_direct_use_and_rotation_are_counted_together(
    limit, make_key, guess
):
    limit(EXCHANGE_FAILURE_RATES={"key": "3/min"})
    key = make_key()
    api = client_of(key)

    assert guess(key, address="127.0.0.1") == WRONG
    assert guess(key, DIRECT, address="127.0.0.1") == WRONG
    assert code_of(api.rotate(key, totSecretKey="wrong")) == (403, "secret_required")
    assert code_of(api.rotate(key, totSecretKey="wrong")) == THROTTLED
    assert guess(key, address="127.0.0.1") == THROTTLED


def test_rotation_without_a_secret_is_no_guess(limit, make_key):
    limit(EXCHANGE_FAILURE_RATES={"key": "1/min"})
    key = make_key()
    api = client_of(key)

    assert [code_of(api.rotate(key)) for _ in range(3)] == [(403, "secret_required")] * 3


@pytest.mark.parametrize("url", [TOKEN_URL, DIRECT])
def test_right_secret_passes_from_the_very_address_that_is_throttled(make_key, guess, url):
    key = make_key()
    for _ in range(40):
        guess(key, url)

    assert guess(key, url) == THROTTLED
    assert guess(key, url, totSecretKey=key.secret)[0] == 200


@pytest.mark.parametrize("url", [TOKEN_URL, DIRECT])
def test_attacker_slows_nobody_at_another_address(make_key, guess, url):
    key = make_key()
    for _ in range(40):
        guess(key, url)

    assert guess(key, url, address="192.0.2.2") == WRONG
    assert guess(key, url, address="192.0.2.2", totSecretKey=key.secret)[0] == 200


@pytest.mark.parametrize(
    ("fault", "status"),
    [({"totSecretKey": ""}, 400), ({"scopes": ["nobody:has"]}, 403), ({"appDomain": 7}, 400)],
)
def test_only_wrong_credentials_are_guesses(limit, make_key, guess, fault, status):
    limit(EXCHANGE_FAILURE_RATES={"address": "1/min", "key": "1/min"})
    key = make_key(scopes=["a"])

    assert {guess(key, **{"totSecretKey": key.secret, **fault})[0] for _ in range(3)} == {status}
    assert guess(key) == WRONG


def test_bad_tokens_are_no_guesses(make_key, get_token, guess):
    for _ in range(40):
        assert get_token("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.c2ln").status_code == 401

    assert guess(make_key()) == WRONG


def test_answer_says_when_to_come_again_and_then_all_is_well(make_key, client, clock, guess):
    key = make_key()
    clock.move_to(START + timedelta(seconds=45.5))
    for _ in range(10):
        guess(key, address="127.0.0.1")

    refused = client.post(
        TOKEN_URL, body(key, totSecretKey="wrong"), content_type="application/json"
    )
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "15")
    assert refused.json() == {"detail": "Too many requests", "code": "throttled"}
    assert refused.headers["Cache-Control"] == "no-store"
    assert "WWW-Authenticate" not in refused.headers

    clock.shift(timedelta(seconds=15))
    assert guess(key, address="127.0.0.1") == WRONG


def test_retry_after_is_never_zero(limit, make_key, clock, guess, client):
    limit(EXCHANGE_FAILURE_RATES={"key": "1/sec"})
    key = make_key()
    clock.move_to(START + timedelta(seconds=0.999))
    guess(key, address="127.0.0.1")

    refused = client.post(
        TOKEN_URL, body(key, totSecretKey="wrong"), content_type="application/json"
    )
    assert refused.headers["Retry-After"] == "1"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("2001:db8::1", "2001:db8::ffff:0:0:1", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("", "somewhere", True),
        ("", "192.0.2.1", False),
    ],
)
def test_address_is_one_ipv4_or_a_64_of_ipv6_or_unreadable(
    limit, make_key, guess, one, other, same
):
    limit(EXCHANGE_FAILURE_RATES={"address": "1/min"})
    key = make_key()

    assert guess(key, address=one) == WRONG
    assert guess(key, address=other) == (THROTTLED if same else WRONG)


def test_forged_forwarding_headers_change_nothing(limit, make_key, client):
    limit(EXCHANGE_FAILURE_RATES={"address": "3/min"})
    key = make_key()

    def forged(number):
        headers = {
            "X-Forwarded-For": f"198.51.100.{number}",
            "Forwarded": f"for=198.51.100.{number}",
        }
        wrong = body(key, totSecretKey="wrong")
        return client.post(
            TOKEN_URL, wrong, content_type="application/json", headers=headers
        ).status_code

    assert [forged(number) for number in range(20)] == [401] * 3 + [429] * 17


def test_behind_a_proxy_the_address_it_saw_counts(limit, make_key, client):
    limit(EXCHANGE_FAILURE_RATES={"address": "1/min"}, TRUSTED_PROXIES=1)
    key = make_key()

    def forwarded(addresses):
        wrong = body(key, totSecretKey="wrong")
        headers = {"X-Forwarded-For": addresses}
        return client.post(
            TOKEN_URL, wrong, content_type="application/json", headers=headers
        ).status_code

    assert forwarded("192.0.2.1") == 401
    assert forwarded("192.0.2.2") == 401
    assert forwarded("203.0.113.9, 192.0.2.1") == 429


def test_made_up_keys_of_a_throttled_address_leave_nothing_in_the_cache(make_key, guess):
    key = make_key()
    with mock.patch.object(cache, "add", wraps=cache.add) as added:
        for number in range(50):
            guess(key, totApiKey=f"pk_live_{number}")

    assert len({call.args[0] for call in added.call_args_list}) == 1 + 30


def test_success_does_not_touch_the_cache(make_key, guess, make_token, get_token):
    key = make_key()
    with mock.patch.object(limits, "caches") as used:
        get_token(make_token(key))
        assert guess(key, DIRECT, totSecretKey=key.secret)[0] == 200

    assert used.mock_calls == []


@pytest.mark.parametrize("limits", [{}, {"address": None, "key": None}])
def test_no_rate_is_no_limit(limit, make_key, guess, limits):
    limit(EXCHANGE_FAILURE_RATES=limits)
    key = make_key()

    with mock.patch.object(limits, "caches") as used:
        assert {guess(key) for _ in range(50)} == {WRONG}

    assert used.mock_calls == []


@pytest.mark.parametrize("rate", ["30", 30, "30/week", "-1/min", "0/min", "1٣/min", b"3/min"])
def test_rate_that_is_none_is_improperly_configured(limit, rate):
    limit(EXCHANGE_FAILURE_RATES={"address": rate})

    with pytest.raises(ImproperlyConfigured, match="is no rate like '30/min'"):
        limits.count_failure("pk", "192.0.2.1")


@pytest.mark.parametrize(
    ("rate", "limit_and_period"),
    [
        ("1/s", (1, 1)),
        ("2/sec", (2, 1)),
        ("3/second", (3, 1)),
        ("4/m", (4, 60)),
        ("30/min", (30, 60)),
        ("5/minute", (5, 60)),
        ("6/h", (6, 3600)),
        ("60/hour", (60, 3600)),
        ("7/d", (7, 86400)),
        ("8/day", (8, 86400)),
    ],
)
def test_rates_are_written_as_drf_writes_them(rate, limit_and_period):
    assert limits.Rate.parse(rate) == limit_and_period


def test_log_tells_once_when_a_limit_is_reached_and_never_the_secret(make_key, guess, caplog):
    key = make_key()
    for _ in range(15):
        guess(key, totSecretKey="sk_live_wrong")

    told = [
        record.getMessage() for record in caplog.records if "TooManyRequests" in record.getMessage()
    ]
    assert told == [
        f"TooManyRequests: too many failures at a key in 60 seconds: 192.0.2.1 {key.public_key}"
    ]
    assert "sk_live_wrong" not in caplog.text


def test_log_tells_which_limit_it_was(limit, make_key, guess, caplog):
    limit(
        EXCHANGE_FAILURE_RATES={"address": "1/min"}, EXCHANGE_RATE="1/hour", KEY_CHANGE_RATE="1/day"
    )
    key = make_key()
    for _ in range(2):
        guess(key)
    api = client_of(key)
    guess(key, totSecretKey=key.secret)
    for _ in range(2):
        api.create(scopes=[])

    assert [
        record.getMessage() for record in caplog.records if "TooManyRequests" in record.getMessage()
    ] == [
        "TooManyRequests: too many failures of an address in 60 seconds: 192.0.2.1",
        f"TooManyRequests: too many exchanges of a key in 3600 seconds: {key.public_key}",
        f"TooManyRequests: too many key changes in a domain in 86400 seconds: {key.app_domain.domain}",
    ]


@pytest.mark.req("E3")
def test_log_of_a_throttled_guess_is_one_line(make_key, guess, caplog):
    for _ in range(12):
        guess(make_key(), totApiKey="pk\r\nforged ☃")

    told = [
        record.getMessage() for record in caplog.records if "TooManyRequests" in record.getMessage()
    ]
    assert told == [
        "TooManyRequests: too many failures at a key in 60 seconds: 192.0.2.1 pk  forged \\u2603"
    ]


# The cache


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.services)])
def counting_cache(request: Any, settings: Any) -> Iterator[str]:
    """The name of a cache that holds nothing, in memory or on Redis."""
    with nullcontext(in_memory()) if request.param == "memory" else redis_cache() as counting:
        settings.CACHES = {"default": in_memory(), "counting": counting}
        yield "counting"


def in_memory() -> dict[str, Any]:
    """A cache in memory that nobody else uses."""
    return {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": uuid4().hex}


def test_fifty_threads_do_not_pass_the_limit(limit, counting_cache):
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


def _is_counted() -> bool:
    try:
        limits.count_failure("pk_live_x", "192.0.2.1")
    except TooManyRequests:
        return False
    return True


def test_the_cache_that_counts_is_the_one_that_was_named(limit, settings, make_key, guess):
    settings.CACHES = {"default": in_memory(), "other": in_memory()}
    limit(EXCHANGE_FAILURE_RATES={"address": "1/min"}, THROTTLE_CACHE="other")
    key = make_key()
    assert [guess(key), guess(key)] == [WRONG, THROTTLED]

    caches["other"].clear()
    assert guess(key) == WRONG


def test_counters_end_by_themselves(limit, make_key, guess):
    limit(EXCHANGE_FAILURE_RATES={"address": "5/min"})
    with mock.patch.object(cache, "add", wraps=cache.add) as added:
        guess(make_key())

    assert added.call_args.kwargs == {"timeout": 120}


class Broken:
    """A cache that is gone."""

    def __getattr__(self, name: str) -> Any:
        raise ConnectionError("the cache is gone")


@pytest.mark.req("D2")
@pytest.mark.parametrize("url", [TOKEN_URL, DIRECT])
def test_without_its_cache_everything_goes_on_and_the_log_says_so(make_key, guess, caplog, url):
    key = make_key()
    with mock.patch.object(limits, "caches", {"default": Broken()}):
        assert {guess(key, url) for _ in range(50)} == {WRONG}
        assert guess(key, url, totSecretKey=key.secret)[0] == 200
        assert client_of(key).create(scopes=[]).status_code == 201

    assert "Not throttled, for the cache failed" in caplog.text
    assert "the cache is gone" in caplog.text


# Exchanges


def test_key_is_exchanged_as_often_as_it_may_be(limit, make_key, guess):
    limit(EXCHANGE_RATE="3/min")
    key, other = make_key(), make_key()

    answers = [guess(key, totSecretKey=key.secret)[0] for _ in range(5)]

    assert answers == [200, 200, 200, 429, 429]
    assert guess(key, address="192.0.2.2", totSecretKey=key.secret) == THROTTLED
    assert guess(other, totSecretKey=other.secret)[0] == 200


def test_wrong_guesses_use_nothing_of_the_rate_up(limit, make_key, guess):
    limit(EXCHANGE_RATE="1/min")
    key = make_key()
    for _ in range(5):
        assert guess(key) == WRONG
        assert guess(key, totSecretKey=key.secret, scopes=["nobody:has"])[0] == 403

    assert guess(key, totSecretKey=key.secret)[0] == 200


def test_token_that_was_not_issued_is_told_to_nobody(limit, make_key, guess, caplog):
    limit(EXCHANGE_RATE="1/min")
    key = make_key()
    for _ in range(3):
        guess(key, totSecretKey=key.secret)

    with caplog.at_level("INFO", "tot_jwt"):
        guess(key, totSecretKey=key.secret)

    assert "Token issued" not in caplog.text


# Changes of keys


@pytest.mark.req("D5")
def test_creating_and_revoking_in_a_loop_is_bounded(make_key):
    api = client_of(make_key())
    statuses = []
    for _ in range(40):
        created = api.create(scopes=[])
        statuses.append(created.status_code)
        if created.status_code == 201:
            assert api.revoke(created.json()["totApiKey"]).status_code == 204

    assert statuses == [201] * 30 + [429] * 10
    assert ApiKey.objects.count() == 31


@pytest.mark.req("D5")
@pytest.mark.parametrize("act", ["create", "change", "rotate"])
def test_each_kind_of_change_is_counted_and_refused(limit, make_key, act):
    limit(KEY_CHANGE_RATE="2/hour")
    key = make_key()
    api = client_of(key)
    calls = {
        "create": lambda: api.create(scopes=[]),
        "change": lambda: api.change(key, scopes=[]),
        "rotate": lambda: api.rotate(key, totSecretKey=key.secret, graceSeconds=3600),
    }
    for _ in range(2):
        assert code_of(calls[act]()) != THROTTLED

    assert {code_of(call()) for call in calls.values()} == {THROTTLED}
    assert calls[act]().headers["Retry-After"] == str(37 * 60)


@pytest.mark.req("D5")
def test_revoking_is_counted_but_never_refused(limit, make_key):
    limit(KEY_CHANGE_RATE="1/hour")
    key = make_key()
    api = client_of(key)
    victim = make_key(app_domain=key.app_domain)
    assert api.create(scopes=[]).status_code == 201
    assert code_of(api.create(scopes=[])) == THROTTLED

    assert api.revoke(victim).status_code == 204
    assert api.revoke(key, force="true").status_code == 204


@pytest.mark.req("D5")
def test_quota_is_the_domains_and_reading_is_free(limit, make_key):
    limit(KEY_CHANGE_RATE="1/hour")
    key = make_key()
    sibling, stranger = make_key(app_domain=key.app_domain), make_key()
    assert client_of(key).create(scopes=[]).status_code == 201

    assert code_of(client_of(sibling).create(scopes=[])) == THROTTLED
    assert client_of(stranger).create(scopes=[]).status_code == 201
    assert client_of(key).show(key).status_code == client_of(key).list().status_code == 200


@pytest.mark.req("D5")
def test_administrators_are_not_blocked(limit, make_key):
    limit(KEY_CHANGE_RATE="1/hour")
    key = make_key()
    api = client_of(key)
    api.create(scopes=[])
    assert code_of(api.create(scopes=[])) == THROTTLED

    for _ in range(3):
        lifecycle.create_key(key.app_domain, name="By hand")


@pytest.mark.req("D5")
def test_requests_that_change_nothing_for_their_faults_are_not_counted(limit, make_key):
    limit(KEY_CHANGE_RATE="1/hour")
    key = make_key()
    api = client_of(key)
    for _ in range(3):
        assert api.create(scopes="?").status_code == 400
        assert api.change("pk_live_nobody", name="x").status_code == 404

    assert api.create(scopes=[]).status_code == 201
