"""What a process remembers: states of keys, and verified tokens."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import transaction
from django.test import override_settings
from django.utils import timezone

from tests.support.requests import TOKEN_URL
from tot_jwt.keys import lifecycle
from tot_jwt.keys import state as key_state
from tot_jwt.keys.state import KeyState, decide, load
from tot_jwt.models import ApiKey, AppDomain, KeyEvent
from tot_jwt.tokens.backend import backend
from tot_jwt.tokens.memory import MAX_TOKENS_PER_KEY, TokenMemory
from tot_jwt.utils import clock

NOON = datetime(2025, 10, 29, 12, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture
def clock_runs(monkeypatch):
    """``clock_runs(5)``: that many seconds pass for whoever asks how long ago something was."""
    passed = [1000.0]
    monkeypatch.setattr(clock, "monotonic", lambda: passed[0])
    return lambda seconds: passed.__setitem__(0, passed[0] + seconds)


def elsewhere(key, **values):
    """Change the key as another process would: our memory does not learn of it."""
    ApiKey.objects.filter(pk=key.pk).update(**values)


# The snapshot


@pytest.mark.parametrize("use_tz", [True, False])
@pytest.mark.parametrize("zone", ["UTC", "America/Chicago"])
def test_snapshot_is_what_the_orm_says(make_key, use_tz, zone):
    with override_settings(USE_TZ=use_tz, TIME_ZONE=zone):
        moment = NOON if use_tz else NOON.replace(tzinfo=None)
        plain = make_key()
        full = make_key(
            scopes=["a", "b"],
            environment="test",
            allowed_ips=["::1", "192.0.2.0/24"],
            can_issue_tokens=False,
            generation=3,
            previous_secret_hash="sha256$x",
            previous_secret_expires_at=moment,
            expires_at=moment + timedelta(days=1),
            disabled_at=moment.replace(microsecond=0),
            revoked_at=moment + timedelta(hours=1),
            app_domain__suspended_at=moment,
        )
        for key in (plain, full):
            row = ApiKey.objects.select_related("app_domain").get(pk=key.pk)
            assert load(key.public_key) == KeyState(
                public_key=row.public_key,
                app_domain=row.app_domain.domain,
                environment=row.environment,
                scopes=row.scope_set,
                generation=row.generation,
                can_issue_tokens=row.can_issue_tokens,
                allowed_ips=row.allowed_ips,
                secret_hash=row.secret_hash,
                previous_secret_hash=row.previous_secret_hash,
                previous_secret_expires_at=row.previous_secret_expires_at,
                expires_at=row.expires_at,
                disabled_at=row.disabled_at,
                revoked_at=row.revoked_at,
                domain_suspended_at=row.app_domain.suspended_at,
            )


def test_snapshot_shows_no_hash(make_key):
    key = make_key(previous_secret_hash="sha256$previous")

    shown = repr(load(key.public_key))

    assert key.secret_hash not in shown
    assert "previous" not in shown.replace("previous_secret_expires_at", "")


@pytest.mark.parametrize(
    "nearly", [str.upper, str.lower, "{} ".format, " {}".format, "{}\n".format]
)
def test_key_is_its_exact_characters_whatever_the_collation(make_key, post_token, nearly):
    key = make_key(public_key="pk_Mixed_Case")

    assert post_token(key, totApiKey=nearly(key.public_key)).status_code == 401
    assert load(nearly(key.public_key)) is None


# Remembered states


@pytest.mark.req("A11")
@pytest.mark.parametrize("max_age", [5, 1, 0.5])
def test_revocation_elsewhere_ends_tokens_after_the_greatest_age(
    make_key, make_token, get_token, clock_runs, settings, max_age
):
    settings.TOT_JWT = {"KEY_STATE_MAX_AGE": max_age}
    key = make_key()
    token = make_token(key)
    elsewhere(key, revoked_at=NOON)

    clock_runs(max_age - 0.1)
    assert get_token(token).status_code == 200
    clock_runs(0.1)
    assert get_token(token).status_code == 401


@pytest.mark.req("A11")
def test_use_does_not_make_memory_younger(make_key, make_token, get_token, clock_runs):
    key = make_key()
    token = make_token(key)
    elsewhere(key, revoked_at=NOON)

    for _ in range(4):
        clock_runs(1)
        assert get_token(token).status_code == 200
    clock_runs(1)
    assert get_token(token).status_code == 401


@pytest.mark.req("A11")
def test_without_memory_revocation_elsewhere_counts_at_once(
    make_key, make_token, get_token, settings
):
    settings.TOT_JWT = {"KEY_STATE_MAX_AGE": 0}
    key = make_key()
    token = make_token(key)
    elsewhere(key, revoked_at=NOON)

    assert get_token(token).status_code == 401


@pytest.mark.req("A11")
def test_new_secret_from_elsewhere_works_at_once(make_key, post_token):
    key = make_key()
    assert post_token(key).status_code == 200
    other = make_key()
    elsewhere(key, secret_hash=other.secret_hash)

    assert post_token(key, totSecretKey=other.secret).status_code == 200
    assert post_token(key).status_code == 401


@pytest.mark.req("A11")
def test_key_enabled_elsewhere_works_at_once(make_key, post_token):
    key = make_key(disabled_at=NOON)
    assert post_token(key).status_code == 401
    elsewhere(key, disabled_at=None)

    assert post_token(key).status_code == 200


@pytest.mark.req("D5")
def test_wrong_guess_flushes_no_memory(
    make_key, make_token, get_token, post_token, django_assert_num_queries
):
    key = make_key()
    token = make_token(key)
    post_token(key, totSecretKey="wrong")
    post_token(key, totApiKey="unknown")

    with django_assert_num_queries(0):
        assert get_token(token).status_code == 200
    assert list(key_state._states) == [key.public_key]


def test_memory_is_bounded_and_forgets_the_oldest(make_key, monkeypatch):
    monkeypatch.setattr(key_state, "MAX_STATES", 2)
    keys = [make_key() for _ in range(3)]

    for key in (*keys, keys[1]):
        decide(key.public_key, lambda state: state)

    assert list(key_state._states) == [keys[1].public_key, keys[2].public_key]
    decide(keys[0].public_key, lambda state: state)
    assert list(key_state._states) == [keys[2].public_key, keys[0].public_key]


@pytest.mark.req("A11")
@pytest.mark.django_db(transaction=True)
def test_change_is_forgotten_at_once_and_again_on_commit(make_key):
    key = make_key()

    def remembered():
        return key.public_key in key_state._states

    def remember():
        decide(key.public_key, lambda state: state)
        assert remembered()

    remember()
    with transaction.atomic():
        lifecycle.disable_key(key)
        assert not remembered()
        remember()
    assert not remembered()


@pytest.mark.req("A11")
def test_load_that_began_before_a_drop_is_not_remembered(make_key):
    key = make_key()

    def verdict(state):
        key_state.reset()
        return state

    state, is_fresh = decide(key.public_key, verdict)

    assert (state.public_key, is_fresh) == (key.public_key, True)
    assert not key_state._states


def test_any_save_or_delete_of_a_model_drops(make_key):
    key = make_key()
    KeyEvent.objects.prune(timezone.now() + timedelta(days=1))
    for act in (
        key.save,
        key.app_domain.save,
        ApiKey.objects.get().delete,
        AppDomain.objects.get().delete,
    ):
        key_state._states["x"] = None
        act()
        assert not key_state._states


# Remembered tokens


@pytest.mark.parametrize("url", [TOKEN_URL, "/me"])
def test_token_is_verified_once(make_key, make_token, client, monkeypatch, url):
    headers = {"Authorization": f"Bearer {make_token(make_key())}"}
    assert client.get(url, headers=headers).status_code == 200
    monkeypatch.setattr(backend(), "decode", None)

    assert client.get(url, headers=headers).status_code == 200


@pytest.mark.req("D5")
def test_failures_are_never_remembered(make_key, make_token, get_token):
    key = make_key()
    token = make_token(key)
    lifecycle.revoke_key(key)
    with time_machine.travel(NOON - timedelta(days=1), tick=False):
        expired = make_token(make_key())

    before = len(backend().verified)
    for refused in (token, token[:-4] + "AAAA", "a.b.c", expired):
        assert get_token(refused).status_code == 401
    assert len(backend().verified) == before


def test_other_settings_start_with_nothing_remembered(make_key, make_token, get_token, settings):
    token = make_token(make_key())
    get_token(token)
    assert len(backend().verified) > 0
    settings.TOT_JWT = {"AUDIENCE": "another"}

    assert get_token(token).status_code == 401


@pytest.mark.req("D5")
def test_keys_share_is_bounded_and_displaces_only_its_own():
    memory = TokenMemory[str](size=10, share=3)
    memory.put("other", "b", "B")
    for i in range(9):
        memory.put(f"t{i}", "a", f"A{i}")

    assert memory.get("other") == "B"
    assert [i for i in range(9) if memory.get(f"t{i}")] == [6, 7, 8]
    assert len(memory) == 4


@pytest.mark.req("D5")
def test_clients_many_tokens_displace_no_others(make_key, make_token, get_token, monkeypatch):
    other, busy = make_token(make_key()), make_key()
    get_token(other)
    for _ in range(MAX_TOKENS_PER_KEY + 1):
        get_token(make_token(busy))
    monkeypatch.setattr(backend(), "decode", None)

    assert get_token(other).status_code == 200


def test_full_memory_forgets_the_oldest_of_all():
    memory = TokenMemory[int](size=3, share=2)
    for i, owner in enumerate("abcda"):
        memory.put(f"t{i}", owner, i)
    memory.put("t4", "a", 99)

    assert [memory.get(f"t{i}") for i in range(5)] == [None, None, 2, 3, 4]
    assert sorted(memory._by_key) == ["a", "c", "d"]


@pytest.mark.req("A12")
def test_index_and_store_agree_under_threads():
    memory = TokenMemory[int](size=50, share=7)

    def work(seed):
        for i in range(400):
            memory.put(f"{seed}-{i % 97}", f"key{(seed + i) % 13}", i)
            memory.get(f"{seed}-{i % 31}")

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    indexed = {token: key for key, tokens in memory._by_key.items() for token in tokens}
    assert {token: key for token, (key, _) in memory._tokens.items()} == indexed
    assert len(memory) <= 50
    assert max(map(len, memory._by_key.values())) <= 7


def test_verification_url_is_the_one_of_the_document():
    assert TOKEN_URL == "/api/internal/auth/token"
