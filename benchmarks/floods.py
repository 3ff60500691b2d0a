"""Floods of keys and tokens, and the memory of this process after each."""

import resource
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks import tables
from benchmarks.own import altered, token
from benchmarks.report import Finding
from tot_jwt.access.verification import verify_token
from tot_jwt.exceptions import TotJWTError
from tot_jwt.keys import state as key_state
from tot_jwt.keys import usage
from tot_jwt.tokens.backend import backend
from tot_jwt.tokens.memory import MAX_TOKENS, MAX_TOKENS_PER_KEY

#: Twice as many keys as a process caches.
KEYS = 2 * key_state.MAX_STATES
#: Clients that use the process at a time. Together they have more tokens than it caches.
CLIENTS = 1_000
#: Measurements of the memory during a flood.
SAMPLES = 10
ADDRESS = "127.0.0.1"
#: Less than six bytes for each of a million tokens: too little to store anything about each.
MAX_GROWTH_MB = 5.0

MB = 1024 * 1024


def open_file(path: Path) -> None:
    """Create the keys in this file and use it as the database."""
    tables.fill(path, KEYS)
    tables.use(path)


def of_keys() -> Iterator[Finding]:
    """Use every key once."""
    for row in range(KEYS):
        _accept(token(row, KEYS))
    yield Finding(
        "Cached keys of twice as many", len(key_state._states), at_most=key_state.MAX_STATES
    )
    yield Finding(
        "Cached times of use of twice as many", len(usage._recorded), at_most=usage.MAX_TIMES
    )


def of_tokens(count: int) -> Iterator[Finding]:
    """Use each token once; the clients take turns."""
    growth = _growth(count, lambda number: _accept(_new(number)))
    yield Finding("Growth with valid tokens, MB", growth, at_most=MAX_GROWTH_MB)
    yield Finding("Cached tokens", len(backend().verified), at_most=MAX_TOKENS)


def of_bad_tokens(count: int) -> Iterator[Finding]:
    """Send invalid tokens while the cache is full of valid ones."""
    valid = _fill_cache()
    accepted = 0

    def attack(number: int) -> None:
        nonlocal accepted
        accepted += _accepts(_bad(number))

    yield Finding("Growth with invalid tokens, MB", _growth(count, attack), at_most=MAX_GROWTH_MB)
    yield Finding("Invalid tokens accepted", accepted, at_most=0)
    yield Finding("Valid tokens that they evicted", _evicted(valid), at_most=0)


def of_one_client() -> Iterator[Finding]:
    """Fill the cache with valid tokens of one client."""
    valid = _fill_cache()
    for _ in range(MAX_TOKENS):
        _accept(token(CLIENTS, KEYS))
    yield Finding(
        "Tokens of others that one client evicted", _evicted(valid), at_most=MAX_TOKENS_PER_KEY
    )


def _new(number: int) -> str:
    return token(number % CLIENTS, KEYS)


def _bad(number: int) -> str:
    """Return another invalid token for each number, of four kinds in turn.

    One character is altered, the signature is another token's, the key does not exist, or the text
    is not a token.
    """
    valid, other = _new(number), _new(number + 1)
    kinds = (
        altered(valid),
        ".".join([*valid.split(".")[:2], other.split(".")[2]]),
        token(KEYS + number, KEYS),
        f"{number:04000}",
    )
    return kinds[number % len(kinds)]


def _fill_cache() -> list[str]:
    """Fill the cache with tokens of all clients and return them."""
    tokens = [_new(number) for number in range(MAX_TOKENS)]
    for raw in tokens:
        _accept(raw)
    return tokens


def _evicted(tokens: list[str]) -> int:
    return sum(backend().verified.get(raw) is None for raw in tokens)


def _accept(raw: str) -> None:
    verify_token(raw, address=ADDRESS)


def _accepts(raw: str) -> bool:
    try:
        _accept(raw)
    except TotJWTError:
        return False
    return True


def _growth(count: int, act: Callable[[int], None]) -> float:
    """Return by how many MB the process grew after the first tenth of the acts."""
    samples = []
    for number in range(count):
        act(number)
        if (number + 1) % (count // SAMPLES) == 0:
            samples.append(_resident())
    return (max(samples) - samples[0]) / MB


def _resident() -> int:
    """Return the resident memory of this process in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
