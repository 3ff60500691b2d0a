"""The cache that shares a token between processes, and the form in which it stores one."""

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from tot_jwt.client.answers import grant_of, members_of
from tot_jwt.client.exchange import RENEW_BEFORE
from tot_jwt.client.redacted import Redacted
from tot_jwt.client.steps import Call, Steps

logger = logging.getLogger("tot_jwt.client")

#: In seconds: later than any date of a valid entry.
_MAX = 10.0**12
#: A process asks the cache again after a day, for how long an entry may say that it is good.
MAX_GOOD_FOR = 86_400


class Cache(Protocol):
    """A cache of Django, a client of redis-py, or another object with these two methods."""

    def get(self, key: str, /) -> Any:
        """Return the value, or None."""

    def set(self, key: str, value: str, timeout: int, /) -> Any:
        """Store the value for a time in seconds."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A token, the seconds until its renewal, and those from there to its end."""

    token: Redacted
    good_for: float
    spare: float


class SharedToken:
    """The token of one API key in a cache. Without a cache there is never one."""

    def __init__(self, cache: Cache | None, key: str) -> None:
        self._cache, self._key = cache, key

    def read(self, now: float) -> Steps[Entry | None]:
        """Return the entry, or None if there is no good one."""
        if self._cache is None:
            return None
        return _parse((yield Call(_tolerate, _get, self._cache, self._key)), now)

    def drop(self, rejected: Redacted, now: float) -> Steps[None]:
        """Drop a token that the API rejected, so that no other process uses it."""
        entry = yield from self.read(now)
        if self._cache is not None and entry is not None and entry.token.equals(rejected):
            # Not each cache has a method to delete.
            yield Call(_tolerate, _set, self._cache, self._key, Redacted(""), 1)

    def write(self, entry: Entry, now: float) -> Steps[None]:
        """Store the token, if it is good for a second or longer."""
        if self._cache is not None and entry.good_for >= 1:
            value = Redacted(_dump(entry, now))
            yield Call(_tolerate, _set, self._cache, self._key, value, int(entry.good_for))


# The methods are looked up in the thread that calls them: Django's `cache` is another there.
def _get(cache: Cache, key: str) -> Any:
    return cache.get(key)


def _set(cache: Cache, key: str, value: Redacted, timeout: int) -> None:
    cache.set(key, value.reveal(), timeout)


def _dump(entry: Entry, now: float) -> str:
    return json.dumps(
        {
            "token": entry.token.reveal(),
            "goodFor": entry.good_for,
            "until": now + entry.good_for,
            "spare": entry.spare,
        }
    )


def _tolerate(function: Callable[..., Any], *arguments: Any) -> Any:
    """Return what the cache returns, or None if it fails: the client works without it."""
    try:
        return function(*arguments)
    except Exception as error:
        # Not its text: it may quote the value, which holds a token.
        logger.warning("The token cache failed: %s", type(error).__name__)
        return None


def _parse(value: object, now: float) -> Entry | None:
    """Return the entry, or None if it is damaged or has ended."""
    entry = members_of(value) if isinstance(value, str | bytes) else {}
    grant = grant_of(entry.get("token"), 1)
    good_for, until = _number(entry.get("goodFor")), _number(entry.get("until"))
    # A process whose clock is late must not use the token for longer than it was good for.
    left = min(until - now, good_for, MAX_GOOD_FOR)
    if grant is None or left <= 0:
        return None
    return Entry(grant.token, left, min(_number(entry.get("spare")), RENEW_BEFORE))


def _number(value: object) -> float:
    """Return a number of seconds, or 0 for any other value."""
    return float(value) if isinstance(value, int | float) and 0 < value < _MAX else 0
