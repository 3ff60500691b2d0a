"""The barrier against guessing a weak secret: over the limit, no guess is compared."""

import hashlib
import re
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.contrib.auth.hashers import make_password
from django.test import Client
from django.views.debug import ExceptionReporter

from tests.support.bugs import fail_at, places
from tests.support.caches import BROKEN, FORGETFUL, SILENT
from tests.support.hashers import COUNTING, CountingHasher
from tests.support.keys_client import client_of, code_of
from tests.support.requests import TOKEN_URL, body
from tests.support.times import DAY
from tests.support.undo import undone
from tot_jwt.access import limits
from tot_jwt.access.guesses import secret_matches
from tot_jwt.exceptions import TooManyRequests
from tot_jwt.keys import lifecycle
from tot_jwt.keys import state as key_state
from tot_jwt.rules.credentials import PresentedSecret

pytestmark = pytest.mark.req("B2")

DIRECT = "/me"
RIGHT, WRONG, THROTTLED = 200, 401, 429
LIMIT = 10


@pytest.fixture
def compared(settings):
    """Hash with a hasher that counts; return the list of its results."""
    settings.PASSWORD_HASHERS = [COUNTING]
    CountingHasher.compared.clear()
    return CountingHasher.compared


@pytest.fixture
def make_weak(compared, make_key):
    """``make_weak("4711")``: a key with this secret under a slow hash, as an import stores it."""

    def make(secret, **columns):
        key = make_key(secret_hash=make_password(secret), **columns)
        key.secret = secret
        return key

    return make


@pytest.fixture(params=[TOKEN_URL, DIRECT], ids=["exchange", "direct"])
def walk(request, pass_time, guess):
    """``walk(key, "0000", …)``: send each secret from another address; return the statuses."""

    def walk(key, *secrets, address=None):
        return [
            guess(key, request.param, address or f"198.51.{n >> 8}.{n & 255}", totSecretKey=secret)[
                0
            ]
            for n, secret in enumerate(secrets)
        ]

    return walk


def test_pin_is_not_found_by_walking(make_weak, walk, compared):
    key = make_weak("4711")
    everything = [f"{number:04}" for number in range(4600, 4800)]

    answers = walk(key, *everything)

    assert answers == [WRONG] * LIMIT + [THROTTLED] * (len(everything) - LIMIT)
    assert compared == [False] * LIMIT


def test_next_window_admits_the_owner(make_weak, walk, compared, pass_time):
    key = make_weak("4711")
    walk(key, *["wrong"] * 50)
    assert walk(key, "4711") == [THROTTLED]

    pass_time(60)

    assert walk(key, "4711") == [RIGHT]
    assert compared == [False] * LIMIT + [True]


def test_limit_holds_over_ways_in(make_weak, guess, pass_time, compared):
    key = make_weak("4711", can_issue_tokens=True)
    api = client_of(key)
    ways = [
        lambda: guess(key, TOKEN_URL, "198.51.100.1"),
        lambda: guess(key, DIRECT, "198.51.100.2"),
        lambda: code_of(api.rotate(key, totSecretKey="wrong")),
    ]

    codes = [ways[number % 3]()[1] for number in range(15)]

    assert codes[9:] == ["invalid_credentials"] + ["throttled"] * 5
    assert compared == [True] + [False] * LIMIT
    assert code_of(api.rotate(key, totSecretKey=key.secret)) == (429, "throttled")


def test_owner_pays_once_for_steady_use(make_weak, walk, compared, settings):
    key = make_weak("4711")
    assert walk(key, "4711", address="192.0.2.1") == [RIGHT]

    settings.CACHES = {"default": BROKEN}
    key_state.reset()
    assert walk(key, *["4711"] * 30, address="192.0.2.1") == [RIGHT] * 30
    assert compared == [True]


def test_right_secrets_are_not_counted(make_weak, walk):
    key = make_weak("4711")

    assert walk(key, *["4711"] * 3 * LIMIT) == [RIGHT] * 3 * LIMIT
    assert walk(key, *["wrong"] * LIMIT) == [WRONG] * LIMIT


def test_strangers_do_not_stop_the_owner(make_weak, walk, compared):
    key = make_weak("4711")
    walk(key, "4711", address="192.0.2.1")

    walk(key, *["wrong"] * 50)

    assert walk(key, "4711", address="192.0.2.1") == [RIGHT]
    assert walk(key, "4711", address="192.0.2.2") == [THROTTLED]
    assert len(compared) == 1 + LIMIT


def test_memory_of_owner_is_no_loophole(make_weak, walk, compared, settings):
    settings.TOT_JWT = {"EXCHANGE_FAILURE_RATES": {"key": "3/min"}}
    key = make_weak("4711")
    walk(key, "4711", address="192.0.2.1")

    everything = [f"{number:04}" for number in range(4700, 4720)]

    assert walk(key, *everything, address="192.0.2.1") == [WRONG] * 3 + [THROTTLED] * 17
    assert compared == [True] + [False] * 3


@pytest.mark.parametrize(
    ("rates", "limit"),
    [({}, 10), ({"address": "1/min"}, 10), ({"key": None}, 10), ({"key": "2/hour"}, 2)],
)
def test_limit_is_that_of_keys(make_weak, walk, compared, settings, rates, limit):
    settings.TOT_JWT = {"EXCHANGE_FAILURE_RATES": rates}
    key = make_weak("4711")

    walk(key, *["wrong"] * 20)

    assert compared == [False] * limit


@pytest.mark.parametrize("dead", [BROKEN, SILENT], ids=["broken", "silent"])
def test_dead_cache_limits_no_secret(make_weak, walk, compared, settings, dead):
    settings.CACHES = {"default": dead}
    key = make_weak("4711")

    assert walk(key, *["wrong"] * 20, "4711") == [WRONG] * 20 + [RIGHT]
    assert len(compared) == 21


def test_vanished_counter_harms_no_owner(make_weak, walk, settings, pass_time):
    settings.CACHES = {"default": FORGETFUL}
    key = make_weak("4711")

    assert walk(key, "4711", "wrong", "4711") == [RIGHT, WRONG, RIGHT]


def test_previous_secret_has_the_barrier(make_weak, walk, compared):
    key = make_weak("4711")
    lifecycle.rotate_key(key, grace=DAY)

    assert walk(key, *["wrong"] * 20) == [WRONG] * LIMIT + [THROTTLED] * 10
    assert compared == [False] * LIMIT


def test_keys_have_limits_of_their_own(make_weak, walk):
    one, other = make_weak("4711"), make_weak("4711")
    walk(one, *["wrong"] * 20)

    assert walk(other, "wrong", "4711") == [WRONG, RIGHT]


def test_strong_secrets_have_no_barrier(make_key, walk):
    key = make_key()

    assert walk(key, *["wrong"] * 20) == [WRONG] * 20
    assert walk(key, key.secret) == [RIGHT]


def test_rejected_guess_is_logged(make_weak, walk, caplog):
    key = make_weak("4711")
    walk(key, *["wrong"] * LIMIT)
    caplog.clear()

    walk(key, "4711")

    assert f"Guess at a weak secret rejected without comparing it: key={key.public_key}" in (
        caplog.messages
    )
    assert "4711" not in caplog.text.replace(key.public_key, "")


def test_refused_guesses_are_not_counted(db, pass_time):
    give_back = [limits.reserve_guess("pk", "192.0.2.1") for _ in range(LIMIT)]
    for _ in range(3 * LIMIT):
        with pytest.raises(TooManyRequests):
            limits.reserve_guess("pk", "192.0.2.1")

    for each in give_back:
        each()

    assert len([limits.reserve_guess("pk", "192.0.2.1") for _ in range(LIMIT)]) == LIMIT


@pytest.mark.req("D1")
@pytest.mark.parametrize("same_address", [True, False])
def test_fifty_threads_respect_the_barrier(settings, db, compared, pass_time, same_address):
    settings.TOT_JWT = {"EXCHANGE_FAILURE_RATES": {"key": "100/min"}}
    stored_hash = make_password("4711")
    secret_matches(PresentedSecret("4711"), "pk", stored_hash, address="192.0.2.0")
    barrier = Barrier(50, timeout=60)

    def attack(number):
        address = "192.0.2.0" if same_address else f"192.0.2.{number}"
        barrier.wait()
        for guess in range(10):
            try:
                secret = PresentedSecret(f"wrong{guess}")
                assert not secret_matches(secret, "pk", stored_hash, address=address)
            except TooManyRequests:
                continue

    with ThreadPoolExecutor(50) as pool:
        list(pool.map(attack, range(50)))

    assert compared.count(False) == 100


@pytest.mark.req("E1")
@pytest.mark.parametrize("sent", ["zebra", "zebra wrong"])
def test_bug_reports_no_weak_secret(make_weak, caplog, sent):
    key = make_weak("zebra")
    client = Client(raise_request_exception=False)

    def send():
        given = body(key, totSecretKey=sent)
        return client.post(TOKEN_URL, given, content_type="application/json")

    with undone():
        assert send().status_code in (RIGHT, WRONG)
    with undone():
        reached = [place for place in places(send, "tot_jwt") if is_about_hashes(place)]

    answers = []
    for place in reached:
        with undone():
            answers.append(fail_at(place, send))
    told = [html_report(answer) for answer in answers if answer.status_code == 500]
    assert len(told) > 8
    assert len(told) >= len(answers) - 1  # an unreadable hash matches nothing
    assert not [text for text in [*told, caplog.text] if "zebra" in text or key.secret_hash in text]


def html_report(answer):
    """Return what Django reports about the exception behind a 500."""
    return ExceptionReporter(answer.wsgi_request, *answer.exc_info).get_traceback_html()


def is_about_hashes(place):
    """Return whether the place is in a function that sees a secret or its hash."""
    return re.search(r"/(guesses|hashes|credentials)\.py$", place.code.co_filename) is not None


@pytest.mark.parametrize("secret", ["4711", "a" * 19])
def test_weak_foreign_hash_is_guarded(make_key, walk, secret):
    """An import may store such a hash: it is quick to compute, and does not show how weak it is."""
    key = make_key(secret_hash=f"sha512$${hashlib.sha512(secret.encode()).hexdigest()}")

    answers = walk(key, *["0815"] * LIMIT, secret)

    assert answers == [WRONG] * LIMIT + [THROTTLED]
