"""Simultaneous requests: threads on a database with row locks (security.md D6, F3)."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from threading import Barrier, Event
from typing import Any

import pytest
import time_machine
from django.conf import settings as host_settings
from django.db import connections
from django.test import Client

from tests.support.keys_client import client_of, code_of
from tests.support.redis_cache import redis_cache
from tests.support.requests import TOKEN_URL, body
from tests.support.times import NOON
from tot_jwt.exceptions import Conflict
from tot_jwt.keys import lifecycle
from tot_jwt.keys.domains import suspend_domain
from tot_jwt.models import ApiKey, AppDomain, KeyEvent, KeyStatus

pytestmark = [
    pytest.mark.services,
    pytest.mark.req("D6"),
    pytest.mark.skipif(
        host_settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"),
        reason="SQLite has no row locks",
    ),
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("unlimited"),
]

ROUNDS = 30
STILL_VALID = (409, "previous_secret_still_valid")
#: Enough seconds for any machine: a race that hangs fails.
PATIENCE = 60


def or_conflict(call: Callable[[], Any]) -> Callable[[], Any]:
    """Return the call, which then returns a Conflict instead of raising it."""

    def attempt() -> Any:
        try:
            return call()
        except Conflict as conflict:
            return conflict

    return attempt


def changing(key: ApiKey, **changes: Any) -> Callable[[], ApiKey]:
    """Return a call in which an administrator changes the key."""
    given: dict[str, Any] = {
        "name": key.name,
        "scopes": key.scope_set,
        "expires_at": None,
        "allowed_ips": [],
        "can_issue_tokens": True,
    }
    return partial(lifecycle.change_key, key, **{**given, **changes})


def reread(key):
    return ApiKey.objects.get(pk=key.pk)


def actions(key):
    return list(KeyEvent.objects.filter(key=key).order_by("pk").values_list("action", flat=True))


def one_secret_is_left(post_token, key, answers, other_codes):
    """Assert that of two rotations one gave the secret that works; return how many succeeded."""
    hint = reread(key).secret_hint
    won, other = sorted(answers, key=lambda answer: answer.json().get("secretHint") != hint)
    assert code_of(won) == (200, "")
    assert code_of(other) in other_codes
    for secret in (won.json()["totSecretKey"], key.secret):
        assert post_token(key, totSecretKey=secret).status_code == 200
    if other.status_code == 200:
        assert post_token(key, totSecretKey=other.json()["totSecretKey"]).status_code == 401
    return [answer.status_code for answer in answers].count(200)


@pytest.mark.req("D6")
def test_used_secret_survives_simultaneous_rotation(make_key, post_token, at_once):
    """A rotation replaces the newest secret only if its first use comes later."""
    api = client_of(make_key(scopes=["a"]))
    for _ in range(ROUNDS):
        made = api.create().json()
        key = ApiKey.objects.get(public_key=made["totApiKey"])
        key.secret = api.rotate(key).json()["totSecretKey"]

        rotated, used = at_once(partial(api.rotate, key), partial(exchange, key))

        assert code_of(rotated) in [(200, ""), (409, "conflict"), STILL_VALID]
        if code_of(rotated) == STILL_VALID:
            assert used.status_code == 200
        works = post_token(key).status_code
        assert works == (401 if rotated.status_code == 200 else 200)
        api.revoke(key)


def exchange(key):
    return Client().post(TOKEN_URL, body(key), content_type="application/json")


@pytest.mark.parametrize("callers", ["same", "different"])
def test_one_of_two_rotations_wins(make_key, post_token, at_once, callers):
    owner = make_key(scopes=["a"])
    other = owner if callers == "same" else make_key(app_domain=owner.app_domain, scopes=["a"])
    apis = client_of(owner), client_of(other)
    for _ in range(ROUNDS):
        key = make_key(app_domain=owner.app_domain)

        answers = at_once(*[partial(api.rotate, key, totSecretKey=key.secret) for api in apis])

        # One found the row locked, or came later with what was then the previous secret.
        later = [(409, "conflict"), (403, "secret_required")]
        rotated = one_secret_is_left(post_token, key, answers, later)
        assert actions(key) == ["created", *["rotated"] * rotated]


def test_one_of_two_creator_rotations_wins(make_key, post_token, at_once):
    api = client_of(make_key(scopes=["a"]))
    for _ in range(ROUNDS):
        made = api.create().json()
        key = ApiKey.objects.get(public_key=made["totApiKey"])
        key.secret = made["totSecretKey"]

        answers = at_once(*[partial(api.rotate, key)] * 2)

        # The later one has replaced a secret that no client had used.
        rotated = one_secret_is_left(post_token, key, answers, [(409, "conflict"), (200, "")])
        assert actions(key) == ["created", *["rotated"] * rotated]
        api.revoke(key)


@pytest.mark.req("F3")
def test_new_key_respects_simultaneous_narrowing(make_key, at_once):
    seen = set()
    for _ in range(ROUNDS):
        creator = make_key(scopes=["a", "b"])
        api = client_of(creator)

        answer, narrowed = at_once(
            partial(api.create, scopes=["a", "b"]), or_conflict(changing(creator, scopes=["a"]))
        )

        seen.add(code_of(answer))
        if answer.status_code == 201:
            # The creation came first; the narrowing came later or failed.
            assert isinstance(narrowed, Conflict) or order_of(creator) == ["created", "changed"]
        else:
            assert code_of(answer) == (403, "scopes_exceed_caller")
            assert not creator.created_keys.exists()
    assert seen <= {(201, ""), (403, "scopes_exceed_caller")}


def order_of(creator):
    """Return the actions of the domain's events, without the creation of the creator."""
    events = KeyEvent.objects.filter(app_domain=creator.app_domain).order_by("pk")
    return [
        event.action for event in events if event.key_id != creator.pk or event.action != "created"
    ]


@pytest.mark.req("F3")
@pytest.mark.parametrize("end", [lifecycle.revoke_key, lifecycle.disable_key, lifecycle.end_tokens])
def test_ended_creator_creates_no_key(make_key, at_once, end):
    for _ in range(ROUNDS):
        creator = make_key(scopes=["a"])
        api = client_of(creator)

        answer, _ = at_once(partial(api.create, scopes=["a"]), partial(end, creator))

        if answer.status_code == 201:
            assert order_of(creator)[0] == "created"
        else:
            assert code_of(answer) == (401, "token_revoked")
            assert not creator.created_keys.exists()
        assert code_of(api.create()) == (401, "token_revoked")


@pytest.mark.req("F1", "F3")
@pytest.mark.parametrize(
    "end", [lifecycle.revoke_key, partial(lifecycle.rotate_key, grace=timedelta(0))]
)
def test_ended_creator_leaves_no_key(make_key, at_once, end):
    for _ in range(ROUNDS):
        creator = make_key(scopes=["a"])
        api = client_of(creator)

        at_once(api.create, api.create, partial(end, creator))

        usable = ApiKey.objects.usable().filter(app_domain=creator.app_domain)
        assert set(usable) <= {creator} if reread(creator).is_usable else not usable.exists()


@pytest.mark.req("F0", "F3")
def test_shortening_includes_new_key(make_key, at_once):
    for _ in range(ROUNDS):
        creator = make_key()
        api = client_of(creator)
        ends = creator.created_at + timedelta(days=1)

        answer, _ = at_once(api.create, changing(creator, expires_at=ends))

        assert code_of(answer) == (201, "")
        with time_machine.travel(ends, tick=False):
            [created] = ApiKey.objects.filter(created_by_key=creator)
            assert created.status is KeyStatus.EXPIRED


def test_busy_key_can_be_revoked(make_key, at_once):
    creator = make_key()
    api = client_of(creator)
    ended = Event()

    def keep_busy():
        while not ended.is_set():
            assert api.create(scopes=["not:held"]).status_code in (401, 403)

    def end():
        try:
            for action in (
                lifecycle.end_tokens,
                lifecycle.end_previous_secret,
                lifecycle.disable_key,
            ):
                action(creator)
            return lifecycle.revoke_key(creator)
        finally:
            ended.set()

    *_, revoked = at_once(keep_busy, keep_busy, keep_busy, end)

    assert revoked.revoked_at is not None


def test_stolen_busy_key_can_be_revoked(make_key, at_once):
    stolen = make_key()
    owner, bait = (make_key(app_domain=stolen.app_domain) for _ in range(2))
    thief, api = client_of(stolen), client_of(owner)
    ended = Event()

    def keep_busy():
        while not ended.is_set():
            assert code_of(thief.revoke(bait)) in [(204, ""), (401, "token_revoked")]

    def end():
        try:
            return api.revoke(stolen)
        finally:
            ended.set()

    *_, answer = at_once(keep_busy, keep_busy, keep_busy, end)

    assert code_of(answer) == (204, "")


def test_simultaneous_changes_are_not_lost(make_key, at_once):
    owner = make_key(scopes=["a", "b"])
    other = make_key(app_domain=owner.app_domain, scopes=["a", "b"])
    apis = client_of(owner), client_of(other)
    for _ in range(ROUNDS):
        key = make_key(app_domain=owner.app_domain, scopes=["a", "b"])

        answers = at_once(
            partial(apis[0].change, key, scopes=["a"]),
            partial(apis[1].change, key, allowedIps=["192.0.2.0/24"], disabled=True),
        )

        codes = [code_of(answer) for answer in answers]
        assert set(codes) <= {(200, ""), (409, "conflict")}
        assert (200, "") in codes
        row = reread(key)
        assert (row.scopes == "a") is (codes[0] == (200, ""))
        assert (
            (row.allowed_ips == "192.0.2.0/24")
            is (row.disabled_at is not None)
            is (codes[1] == (200, ""))
        )


def test_simultaneous_revocations_leave_last_key(make_key, at_once):
    for _ in range(ROUNDS):
        keys = [make_key()]
        keys.append(make_key(app_domain=keys[0].app_domain))
        apis = [client_of(key) for key in keys]

        answers = at_once(*[partial(api.revoke, key) for api, key in zip(apis, keys, strict=True)])

        assert sorted(map(code_of, answers)) == [(204, ""), (409, "last_active_key")]
        assert ApiKey.objects.usable().filter(app_domain=keys[0].app_domain).count() == 1


def test_simultaneous_creations_respect_the_quota(make_key, at_once, settings):
    settings.TOT_JWT = {"MAX_ACTIVE_KEYS_PER_DOMAIN": 3}
    for _ in range(ROUNDS):
        keys = [make_key()]
        keys.append(make_key(app_domain=keys[0].app_domain))
        apis = [client_of(key) for key in keys]

        answers = at_once(*[api.create for api in apis])

        assert sorted(map(code_of, answers)) == [(201, ""), (409, "too_many_keys")]


def test_suspended_domain_creates_no_key(make_key, at_once):
    for _ in range(ROUNDS):
        creator = make_key()
        api = client_of(creator)

        answer, _ = at_once(api.create, partial(suspend_domain, creator.app_domain))

        assert code_of(answer) in [(201, ""), (401, "token_revoked")]
        assert AppDomain.objects.get(pk=creator.app_domain_id).is_suspended
        assert code_of(api.create()) == (401, "token_revoked")


# Guessing


@pytest.mark.req("D1")
@time_machine.travel(NOON, tick=False)
def test_fifty_guessing_threads_share_limits(make_key, settings):
    settings.TOT_JWT = {"EXCHANGE_FAILURE_RATES": {"address": "500/min", "key": "40/min"}}
    key, victim = make_key(), make_key()
    barrier = Barrier(50, timeout=PATIENCE)

    def guess(number: int) -> list[int]:
        """Guess at one key; in between, exchange another key from the same address."""
        try:
            barrier.wait()
            wrong, right = body(key, totSecretKey=f"wrong{number}"), body(victim)
            sent = [wrong, wrong, right, wrong, wrong]
            return [
                Client().post(TOKEN_URL, each, content_type="application/json").status_code
                for each in sent
            ]
        finally:
            connections.close_all()

    with redis_cache() as shared, ThreadPoolExecutor(50) as pool:
        settings.CACHES = {"default": shared}
        answers = [
            attempt.result(PATIENCE)
            for attempt in [pool.submit(guess, number) for number in range(50)]
        ]

    assert {answer[2] for answer in answers} == {200}
    wrong = [status for answer in answers for status in answer[:2] + answer[3:]]
    assert 40 <= wrong.count(401) <= 44
    assert wrong.count(429) == 200 - wrong.count(401)
