"""Limits on wrong guesses at secrets (security.md D1)."""

import re
from datetime import timedelta

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone

from tests.support.keys_client import client_of, code_of
from tests.support.requests import TOKEN_URL, body
from tot_jwt.access import limits

pytestmark = [pytest.mark.req("D1"), pytest.mark.usefixtures("clock")]
WRONG = (401, "invalid_credentials")
THROTTLED = (429, "throttled")
DIRECT = "/me"


@pytest.mark.parametrize("url", [TOKEN_URL, DIRECT])
def test_eleventh_guess_at_key_is_throttled(make_key, guess, url):
    key = make_key()

    assert [guess(key, url) for _ in range(12)] == [WRONG] * 10 + [THROTTLED] * 2


@pytest.mark.parametrize("url", [TOKEN_URL, DIRECT])
def test_31st_guess_of_address_is_throttled(make_key, guess, url):
    keys = [make_key() for _ in range(4)]

    assert [guess(keys[i % 4], url) for i in range(31)] == [WRONG] * 30 + [THROTTLED]
    assert guess(make_key(), url) == THROTTLED


def test_unknown_key_counts_like_known(make_key, guess):
    key = make_key()
    known = [guess(key) for _ in range(11)]
    unknown = [guess(key, totApiKey="pk_live_unknown", address="192.0.2.2") for _ in range(11)]

    assert known == unknown


def test_all_guesses_share_one_counter(limit, make_key, guess):
    limit(EXCHANGE_FAILURE_RATES={"key": "3/min"})
    key = make_key()
    api = client_of(key)

    assert guess(key, address="127.0.0.1") == WRONG
    assert guess(key, DIRECT, address="127.0.0.1") == WRONG
    assert code_of(api.rotate(key, totSecretKey="wrong")) == (403, "secret_required")
    assert code_of(api.rotate(key, totSecretKey="wrong")) == THROTTLED
    assert guess(key, address="127.0.0.1") == THROTTLED


def test_rotation_without_secret_is_not_counted(limit, make_key):
    limit(EXCHANGE_FAILURE_RATES={"key": "1/min"})
    key = make_key()
    api = client_of(key)

    assert [code_of(api.rotate(key)) for _ in range(3)] == [(403, "secret_required")] * 3


@pytest.mark.parametrize("url", [TOKEN_URL, DIRECT])
def test_correct_secret_passes_while_throttled(make_key, guess, url):
    key = make_key()
    for _ in range(40):
        guess(key, url)

    assert guess(key, url) == THROTTLED
    assert guess(key, url, totSecretKey=key.secret)[0] == 200


@pytest.mark.parametrize("url", [TOKEN_URL, DIRECT])
def test_throttling_spares_other_addresses(make_key, guess, url):
    key = make_key()
    for _ in range(40):
        guess(key, url)

    assert guess(key, url, address="192.0.2.2") == WRONG
    assert guess(key, url, address="192.0.2.2", totSecretKey=key.secret)[0] == 200


@pytest.mark.parametrize(
    ("error", "status"),
    [({"totSecretKey": ""}, 400), ({"scopes": ["not:held"]}, 403), ({"appDomain": 7}, 400)],
)
def test_only_wrong_credentials_are_counted(limit, make_key, guess, error, status):
    limit(EXCHANGE_FAILURE_RATES={"address": "1/min", "key": "1/min"})
    key = make_key(scopes=["a"])

    assert {guess(key, **{"totSecretKey": key.secret, **error})[0] for _ in range(3)} == {status}
    assert guess(key) == WRONG


def test_invalid_tokens_are_not_counted(make_key, get_token, guess):
    for _ in range(40):
        assert get_token("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.c2ln").status_code == 401

    assert guess(make_key()) == WRONG


def test_retry_after_ends_with_window(make_key, client, clock, guess):
    key = make_key()
    clock.move_to(timezone.now() + timedelta(seconds=45.5))
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
    clock.move_to(timezone.now() + timedelta(seconds=0.999))
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
def test_ipv6_addresses_count_per_64_network(limit, make_key, guess, one, other, same):
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


def test_address_behind_proxy_is_counted(limit, make_key, client):
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


@pytest.mark.parametrize("rate", ["30", 30, "30/week", "-1/min", "0/min", "1٣/min", b"3/min"])
def test_invalid_rate_is_improperly_configured(limit, rate):
    limit(EXCHANGE_FAILURE_RATES={"address": rate})

    with pytest.raises(ImproperlyConfigured, match="30/min"):
        limits.count_failure("pk", "192.0.2.1", shown_key="pk")


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
def test_rates_use_drf_notation(rate, limit_and_period):
    assert limits.Rate.parse(rate) == limit_and_period


def limit_messages(caplog):
    """Return what the log says of reached limits."""
    return [message for message in caplog.messages if " seconds: " in message]


def test_reached_limit_is_logged_once(make_key, guess, caplog):
    key = make_key()
    for _ in range(15):
        guess(key, totSecretKey="sk_live_wrong")

    [message] = limit_messages(caplog)
    assert message.endswith(f" 60 seconds: 192.0.2.1 {key.public_key}")
    assert "sk_live_wrong" not in caplog.text


def test_log_names_the_reached_limit(limit, make_key, guess, caplog):
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

    of_address, of_key, of_changes = limit_messages(caplog)
    assert "failures" in of_address
    assert of_address.endswith(" 60 seconds: 192.0.2.1")
    assert "exchanges" in of_key
    assert of_key.endswith(f" 3600 seconds: {key.public_key}")
    assert "key changes" in of_changes
    assert of_changes.endswith(f" 86400 seconds: {key.public_key}")


@pytest.mark.req("E3")
def test_hostile_key_logs_one_line(make_key, guess, caplog):
    for _ in range(12):
        guess(make_key(), totApiKey="p\r\nforged ☃" + "x" * 30)

    [message] = limit_messages(caplog)
    assert re.search(r" 60 seconds: 192\.0\.2\.1 p  forge\.\.\.#[0-9a-f]{8}$", message)


@pytest.mark.req("E9")
def test_limit_shows_unknown_key_as_hint(make_key, guess, caplog):
    for _ in range(12):
        guess(make_key(), totApiKey="zebra-" * 5)

    [message] = limit_messages(caplog)
    assert " 192.0.2.1 zebra-z...#" in message
    assert "zebra-zebra" not in caplog.text
