"""The verified tokens that a process remembers."""

from typing import Any

import jwt
import pytest
import time_machine

from tests.support.allocations import allocated
from tests.support.requests import TOKEN_URL
from tests.support.threads import run_threads
from tests.support.times import DAY, NOON
from tests.support.tokens import claims_for, sign
from tot_jwt.keys import lifecycle
from tot_jwt.tokens.backend import backend
from tot_jwt.tokens.memory import (
    MAX_BYTES,
    MAX_BYTES_PER_KEY,
    MAX_TOKENS_PER_KEY,
    Bounds,
    TokenMemory,
    entry_size,
)
from tot_jwt.tokens.token import ApiToken


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
    memory = TokenMemory[str](Bounds(10, 10**6), Bounds(3, 10**6))
    memory.put("other", "b", "B", size=1)

    for i in range(9):
        memory.put(f"t{i}", "a", f"A{i}", size=1)

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
    memory = TokenMemory[int](Bounds(3, 10**6), Bounds(2, 10**6))

    for i, owner in enumerate("abcda"):
        memory.put(f"t{i}", owner, i, size=1)

    assert [memory.get(f"t{i}") for i in range(5)] == [None, None, 2, 3, 4]


def test_remembered_token_is_not_replaced():
    memory = TokenMemory[int](Bounds(3, 10**6), Bounds(2, 10**6))

    memory.put("t", "a", 1, size=1)
    memory.put("t", "a", 2, size=1)

    assert (memory.get("t"), len(memory)) == (1, 1)


def test_key_whose_tokens_are_forgotten_returns():
    memory = TokenMemory[int](Bounds(2, 10**6), Bounds(2, 10**6))
    for token, owner in [("t0", "a"), ("t1", "b"), ("t2", "b")]:
        memory.put(token, owner, 0, size=1)
    assert memory.get("t0") is None

    for token in ("t3", "t4", "t5"):
        memory.put(token, "a", 0, size=1)

    assert [token for token in ("t3", "t4", "t5") if memory.get(token) is not None] == ["t4", "t5"]


@pytest.mark.req("A12")
def test_threads_keep_both_bounds():
    size, share, owners = 50, 7, 13
    memory = TokenMemory[int](Bounds(size, 10**6), Bounds(share, 10**6))
    put = {(seed, i): (seed + i) % owners for seed in range(8) for i in range(2000)}

    def work(seed):
        for i in range(2000):
            memory.put(f"{seed}-{i}", f"key{put[seed, i]}", put[seed, i], size=1)
            memory.get(f"{seed}-{i // 2}")

    run_threads(work, range(8))

    found = [memory.get(f"{seed}-{i}") for seed, i in put]
    remembered = [owner for owner in found if owner is not None]
    assert len(remembered) == len(memory) == size
    assert max(map(remembered.count, range(owners))) <= share
    for i in range(size):  # every remembered token can still be displaced
        memory.put(f"new-{i}", f"new key{i}", i, size=1)
    assert [memory.get(f"{seed}-{i}") for seed, i in put] == [None] * len(put)


# Bytes


def kept(memory, sizes, owner="a"):
    """Store tokens of these sizes; return which of them remain."""
    for number, size in enumerate(sizes):
        memory.put(f"{owner}{number}", owner, number, size=size)
    return [number for number in range(len(sizes)) if memory.get(f"{owner}{number}") is not None]


@pytest.mark.req("D9")
@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([4, 4, 2], [0, 1, 2]),
        ([4, 4, 3], [1, 2]),
        ([1, 1, 1, 9], [2, 3]),
        ([4, 4, 10], [2]),
        ([4, 4, 11], [0, 1]),  # a token that does not fit displaces none
    ],
)
@pytest.mark.parametrize(("total", "share"), [(10, 1000), (1000, 10)], ids=["total", "share"])
def test_bytes_of_tokens_are_bounded(total, share, sizes, expected):
    memory = TokenMemory[int](Bounds(100, total), Bounds(100, share))

    assert kept(memory, sizes) == expected


@pytest.mark.req("D5", "D9")
def test_large_tokens_displace_only_own():
    memory = TokenMemory[int](Bounds(100, 100), Bounds(100, 20))
    assert kept(memory, [20], "other") == [0]

    assert kept(memory, [9] * 30, "busy") == [28, 29]

    assert memory.get("other0") == 0


@pytest.mark.req("D9")
def test_forgotten_keys_bytes_are_freed():
    memory = TokenMemory[int](Bounds(100, 10), Bounds(100, 10))
    for owner in "abcabc":
        assert kept(memory, [3, 7], owner) == [0, 1]
    assert len(memory) == 2


def claims_with(number, **more):
    """Return the claims of a token, each time of new objects."""
    claims = {
        "iss": "tot-jwt",
        "aud": "tot-jwt-api",
        "sub": f"pk_live_tot_{number:022}",
        "client_id": f"pk_live_tot_{number:022}",
        "appDomain": "app.example.com",
        "env": "live",
        "scope": "orders:read",
        "ver": 1,
        "token_type": "tot_api",
        "iat": 1_700_000_000,
        "exp": 1_700_000_900,
        "jti": f"{number:032x}",
    }
    return {**claims, **more}


LARGE = {
    "ordinary": {},
    "many scopes": {"scope": " ".join(f"scope{number:02}:{'x' * 27}" for number in range(50))},
    "short scopes": {"scope": " ".join(f"s{number}" for number in range(50))},
    "text": {"x": "x" * 2500},
    "lists": {"x": [[1] for _ in range(640)]},
    "objects": {"x": [{"a": {}} for _ in range(300)]},
    "numbers": {"x": list(range(1000, 1500))},
}


@pytest.mark.req("D9")
@pytest.mark.parametrize("more", LARGE.values(), ids=LARGE)
def test_memory_stays_within_its_bytes(more):
    """With claims of each kind, and what a request adds: the client's scopes, its objects."""
    # The signed forms first: they are not part of the memory.
    raws = [sign(claims_with(number, **more)).encode() for number in range(150)]
    bound = 150 * 4000
    ApiToken(raws[0].decode())  # allocates what all tokens share
    memory = TokenMemory[Any](Bounds(1000, bound), Bounds(1000, bound))

    with allocated() as real:
        for raw in raws:
            string = raw.decode()
            token = ApiToken(string)
            value = (token, token.scopes & frozenset(token["scope"].split()), [0] * 10)
            size = entry_size(string, token.payload)
            memory.put(string, token.public_key, value, size=size)
        del string, token, value

    assert len(memory) < 150
    # Python keeps some of the freed lists and dicts to use them again.
    assert bound / 3 <= real() <= bound * 1.1


@pytest.mark.req("D5", "D9")
def test_share_of_bytes_is_small():
    longest = entry_size("x" * 4096, claims_with(1, x="x" * 2500))

    assert 0.01 <= MAX_BYTES_PER_KEY / MAX_BYTES <= 0.05
    assert MAX_BYTES <= 32 * 2**20
    assert 20 * longest <= MAX_BYTES_PER_KEY


@pytest.mark.req("D9")
def test_requests_with_large_tokens_are_bounded(make_key, get_token):
    key = make_key()
    claims = claims_for(key, x=[[1] for _ in range(640)])
    before = len(backend().verified)

    for number in range(MAX_BYTES_PER_KEY // 50_000):
        assert get_token(sign({**claims, "jti": f"{number:032x}"})).status_code == 200

    assert 5 < len(backend().verified) - before <= MAX_BYTES_PER_KEY // 55_000
