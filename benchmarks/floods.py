"""Floods of keys and tokens, and what is left of this process's memory after each."""

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

#: Twice as many as a process remembers.
KEYS = 2 * key_state.MAX_STATES
#: As many as use a process at a time; together they have more tokens than it remembers.
CLIENTS = 1_000
SAMPLES = 10
ADDRESS = "127.0.0.1"
#: Under six bytes a token, from the first tenth of a million to the last: less than anything kept of each would take.
MAX_GROWTH_MB = 5.0

MB = 1024 * 1024


def open_file(path: Path) -> None:
    """Have all keys in this file."""
    tables.fill(path, KEYS)
    tables.use(path)


def of_keys() -> Iterator[Finding]:
    """Every key is used once."""
    for row in range(KEYS):
        _accept(token(row, KEYS))
    yield Finding(
        "Keys remembered of twice as many", len(key_state._states), at_most=key_state.MAX_STATES
    )
    yield Finding(
        "Times of use remembered of twice as many", len(usage._recorded), at_most=usage.MAX_USES
    )


def of_tokens(count: int) -> Iterator[Finding]:
    """The clients take turns, each with a new token every time."""
    growth = _growth(count, lambda number: _accept(_new(number)))
    yield Finding("Growth with good tokens, MB", growth, at_most=MAX_GROWTH_MB)
    yield Finding("Tokens remembered", len(backend().verified), at_most=MAX_TOKENS)


def of_bad_tokens(count: int) -> Iterator[Finding]:
    """An attack while the memory is full of good ones."""
    good = _remembered_of_everybody()
    accepted = 0

    def attack(number: int) -> None:
        nonlocal accepted
        accepted += _accepts(_bad(number))

    yield Finding("Growth with bad tokens, MB", _growth(count, attack), at_most=MAX_GROWTH_MB)
    yield Finding("Bad tokens accepted", accepted, at_most=0)
    yield Finding("Good tokens that they displaced", _forgotten(good), at_most=0)


def of_one_client() -> Iterator[Finding]:
    """As many good tokens of one client as there is room for."""
    good = _remembered_of_everybody()
    for _ in range(MAX_TOKENS):
        _accept(token(CLIENTS, KEYS))
    yield Finding(
        "Others' tokens that one client's displaced", _forgotten(good), at_most=MAX_TOKENS_PER_KEY
    )


def _new(number: int) -> str:
    return token(number % CLIENTS, KEYS)


def _bad(number: int) -> str:
    """Altered, of mixed parts, of a key that is gone, or no token at all; never the same twice."""
    good, other = _new(number), _new(number + 1)
    kinds = (
        altered(good),
        ".".join([*good.split(".")[:2], other.split(".")[2]]),
        token(KEYS + number, KEYS),
        f"{number:04000}",
    )
    return kinds[number % len(kinds)]


def _remembered_of_everybody() -> list[str]:
    """The memory is full of these, which are of all clients."""
    tokens = [_new(number) for number in range(MAX_TOKENS)]
    for raw in tokens:
        _accept(raw)
    return tokens


def _forgotten(tokens: list[str]) -> int:
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
    """By how many MB the process was larger at any time than after the first tenth of the acts."""
    samples = []
    for number in range(count):
        act(number)
        if (number + 1) % (count // SAMPLES) == 0:
            samples.append(_resident())
    return (max(samples) - samples[0]) / MB


def _resident() -> int:
    """The bytes of this process that are in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
