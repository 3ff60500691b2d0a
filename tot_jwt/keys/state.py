"""The cache of key states: what exchange and verification know of a key, for some seconds.

A cached state can only allow a request. Before a process rejects one, it loads a fresh state, so
new rights take effect immediately in every process. Lost rights end after at most
KEY_STATE_MAX_AGE seconds.

The cache is a dict, and dropping it puts a new dict in its place. A thread that began to load
before the drop writes into the old dict, which no thread reads any more: a state from before a
change cannot outlive the change.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from django.db import transaction

from tot_jwt.conf import settings
from tot_jwt.exceptions import ServiceUnavailable, TotJWTError
from tot_jwt.keys import usage
from tot_jwt.keys.loading import KeyState, load_state
from tot_jwt.models import Tenant, current_tenant
from tot_jwt.utils import clock
from tot_jwt.utils.memory import BoundedDict

T = TypeVar("T")

#: In a process. A usual state takes 1 KB.
MAX_STATES = 20_000
MAX_BYTES = 32 * 1024 * 1024


class _Cached(NamedTuple):
    state: KeyState
    loaded_at: float


def _size(key: tuple[Tenant, str], cached: _Cached) -> int:
    state = cached.state
    lists = len(state.aliases) + sum(map(len, state.allowed_ips))
    return 900 + lists + sum(60 + len(scope) for scope in state.scopes)


def _new_cache() -> BoundedDict[tuple[Tenant, str], _Cached]:
    return BoundedDict(MAX_STATES, max_bytes=MAX_BYTES, size_of=_size)


_states = _new_cache()


def decide(public_key: str, rule: Callable[[KeyState | None], T]) -> tuple[T, bool]:
    """Decide on the cached state; if that rejects, decide on a fresh one.

    Return the decision and whether it is fresh. The rule returns its decision, or raises a
    TotJWTError to reject; its state is None if the key does not exist. Only a state that allowed a
    request is cached, so unknown keys and failed attempts do not change the cache.
    Raises ServiceUnavailable if the database is unavailable.
    """
    states = _states
    state = cached(public_key)
    if state is not None:
        try:
            return rule(state), False
        except ServiceUnavailable:  # the same database has the fresh state
            raise
        except TotJWTError:
            pass
    loaded_at = clock.monotonic()
    state, is_lasting = load_state(public_key)
    try:
        decision = rule(state)
    except TotJWTError as refusal:
        if not isinstance(refusal, ServiceUnavailable):
            usage.use_refused(None if state is None else public_key)
        raise
    if state is not None and is_lasting and settings.KEY_STATE_MAX_AGE:
        states.put((current_tenant(), public_key), _Cached(state, loaded_at))
    return decision, True


def cached(public_key: str) -> KeyState | None:
    """Return the cached state of the key if it is young enough, or None."""
    entry = _states.get((current_tenant(), public_key))
    if entry is None or clock.monotonic() - entry.loaded_at >= settings.KEY_STATE_MAX_AGE:
        return None
    return entry.state


def drop(*, using: str | None = None, **_: Any) -> None:
    """Drop all states now, and again when the transaction commits.

    A receiver of the models' post_save and post_delete.
    """
    reset()
    transaction.on_commit(reset, using=using, robust=True)


def reset() -> None:
    """Drop all states. For tests that roll changes of keys back; see `tot_jwt.keys.usage.reset`."""
    global _states  # noqa: PLW0603 - replacing it is the point
    _states = _new_cache()
