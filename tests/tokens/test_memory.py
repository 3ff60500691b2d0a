"""The verified tokens that a process remembers."""

import jwt
import pytest
import time_machine

from tests.support.requests import TOKEN_URL
from tests.support.threads import run_threads
from tests.support.times import DAY, NOON
from tot_jwt.keys import lifecycle
from tot_jwt.tokens.backend import backend
from tot_jwt.tokens.memory import MAX_TOKENS_PER_KEY, TokenMemory


@pytest.fixture
def decoded(monkeypatch):
    """Return the list of tokens that PyJWT decodes."""
    tokens = []
    decode = jwt.PyJWT.decode

    def record(self, token, *args, **kwargs):
        tokens.append(token)
        return decode(self, token, *args, **kwargs)

    monkeypatch.setattr(jwt.PyJWT, "decode", record)
    return tokens


@pytest.mark.parametrize("url", [TOKEN_URL, "/me"])
def test_token_is_verified_only_once(make_key, make_token, client, decoded, url):
    token = make_token(make_key())

    for _ in range(3):
        answer = client.get(url, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 200

    assert decoded == [token]


@pytest.mark.req("D5")
def test_rejected_tokens_are_not_remembered(make_key, make_token, get_token):
    key = make_key()
    token = make_token(key)
    lifecycle.revoke_key(key)
    with time_machine.travel(NOON - DAY, tick=False):
        expired = make_token(make_key())
    before = len(backend().verified)

    for rejected in (token, token[:-4] + "AAAA", "a.b.c", expired):
        assert get_token(rejected).status_code == 401

    assert len(backend().verified) == before


def test_changed_settings_forget_verified_tokens(make_key, make_token, get_token, settings):
    token = make_token(make_key())
    assert get_token(token).status_code == 200
    settings.TOT_JWT = {"AUDIENCE": "another"}

    assert get_token(token).status_code == 401


@pytest.mark.req("D5")
def test_key_displaces_only_its_own_tokens():
    memory = TokenMemory[str](size=10, share=3)
    memory.put("other", "b", "B")

    for i in range(9):
        memory.put(f"t{i}", "a", f"A{i}")

    assert memory.get("other") == "B"
    assert [i for i in range(9) if memory.get(f"t{i}")] == [6, 7, 8]
    assert len(memory) == 4


@pytest.mark.req("D5")
def test_busy_client_displaces_no_foreign_token(make_key, make_token, get_token, decoded):
    other, busy = make_token(make_key()), make_key()
    get_token(other)

    for _ in range(MAX_TOKENS_PER_KEY + 1):
        get_token(make_token(busy))
    get_token(other)

    assert decoded.count(other) == 1
    assert len(decoded) == MAX_TOKENS_PER_KEY + 2


def test_full_memory_forgets_the_oldest_token():
    memory = TokenMemory[int](size=3, share=2)

    for i, owner in enumerate("abcda"):
        memory.put(f"t{i}", owner, i)

    assert [memory.get(f"t{i}") for i in range(5)] == [None, None, 2, 3, 4]


def test_remembered_token_is_not_replaced():
    memory = TokenMemory[int](size=3, share=2)

    memory.put("t", "a", 1)
    memory.put("t", "a", 2)

    assert (memory.get("t"), len(memory)) == (1, 1)


def test_key_whose_tokens_are_forgotten_returns():
    memory = TokenMemory[int](size=2, share=2)
    for token, owner in [("t0", "a"), ("t1", "b"), ("t2", "b")]:
        memory.put(token, owner, 0)
    assert memory.get("t0") is None

    for token in ("t3", "t4", "t5"):
        memory.put(token, "a", 0)

    assert [token for token in ("t3", "t4", "t5") if memory.get(token) is not None] == ["t4", "t5"]


@pytest.mark.req("A12")
def test_threads_keep_both_bounds():
    size, share, owners = 50, 7, 13
    memory = TokenMemory[int](size=size, share=share)
    put = {(seed, i): (seed + i) % owners for seed in range(8) for i in range(2000)}

    def work(seed):
        for i in range(2000):
            memory.put(f"{seed}-{i}", f"key{put[seed, i]}", put[seed, i])
            memory.get(f"{seed}-{i // 2}")

    run_threads(work, range(8))

    found = [memory.get(f"{seed}-{i}") for seed, i in put]
    remembered = [owner for owner in found if owner is not None]
    assert len(remembered) == len(memory) == size
    assert max(map(remembered.count, range(owners))) <= share
    for i in range(size):  # every remembered token can still be displaced
        memory.put(f"new-{i}", f"new key{i}", i)
    assert [memory.get(f"{seed}-{i}") for seed, i in put] == [None] * len(put)
