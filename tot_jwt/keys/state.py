"""KeyState: all that exchange and verification need to know of a key, in one query, remembered for seconds.

Memory may only grant. A refusal that rests on what is remembered is confirmed by a fresh query first, so whatever
is granted anew works at once everywhere, and whatever is taken away ends after KEY_STATE_MAX_AGE at the latest.

The memory is a dict, and a drop puts a new dict in its place. Whoever began to load before the drop writes into the
old one, which nobody reads any more: a snapshot from before a change cannot outlive it.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import Any, NamedTuple, TypeVar

from django.db import InterfaceError, OperationalError, connections, router, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.timezone import is_naive, make_aware

from tot_jwt.conf import settings
from tot_jwt.exceptions import ServiceUnavailable, TotJWTError
from tot_jwt.models import ApiKey
from tot_jwt.rules import scopes
from tot_jwt.utils import clock
from tot_jwt.utils.logs import one_line

logger = logging.getLogger("tot_jwt")

T = TypeVar("T")

#: At 1 KB each, 20 MB in a process at the most. The oldest go first.
MAX_STATES = 20_000

# The ORM needs 150 microseconds and more to build this; it is asked at every request where KEY_STATE_MAX_AGE is 0.
_SQL = """
    SELECT k.public_key, d.domain, k.environment, k.scopes, k.generation, k.can_issue_tokens, k.allowed_ips,
           k.secret_hash, k.previous_secret_hash, k.previous_secret_expires_at,
           k.expires_at, k.disabled_at, k.revoked_at, d.suspended_at
    FROM tot_jwt_apikey k JOIN tot_jwt_appdomain d ON d.id = k.app_domain_id
    WHERE k.public_key = %s
"""


@dataclass(frozen=True, slots=True)
class KeyState:
    """A key and its domain at one moment. Its repr shows no hash."""

    public_key: str
    app_domain: str
    environment: str
    scopes: frozenset[str]
    generation: int
    can_issue_tokens: bool
    allowed_ips: str
    secret_hash: str = field(repr=False)
    previous_secret_hash: str = field(repr=False)
    previous_secret_expires_at: datetime | None
    expires_at: datetime | None
    disabled_at: datetime | None
    revoked_at: datetime | None
    domain_suspended_at: datetime | None


class _Remembered(NamedTuple):
    state: KeyState
    loaded_at: float


_states: dict[str, _Remembered] = {}
_lock = Lock()


def decide(public_key: str, verdict: Callable[[KeyState | None], T]) -> tuple[T, bool]:
    """What `verdict(state)` returns of what is remembered or, where that refuses, of the key as it is now: then True.

    To refuse, the verdict raises a TotJWTError. The state is None where there is no such key. Only a state that was
    granted on is remembered, so neither unknown keys nor wrong guesses change the memory.
    Raises ServiceUnavailable where the database does not answer.
    """
    states = _states
    remembered = states.get(public_key)
    if (
        remembered is not None
        and clock.monotonic() - remembered.loaded_at < settings.KEY_STATE_MAX_AGE
    ):
        try:
            return verdict(remembered.state), False
        except TotJWTError:
            pass
    loaded_at = clock.monotonic()
    state = load(public_key)
    result = verdict(state)
    if state is not None and settings.KEY_STATE_MAX_AGE:
        _remember(states, _Remembered(state, loaded_at))
    return result, True


def load(public_key: str) -> KeyState | None:
    """The key as it is now: one query, to the database that is written to. None where there is no such key."""
    connection = connections[router.db_for_write(ApiKey)]
    try:
        with connection.cursor() as cursor:
            cursor.execute(_SQL, [public_key])
            row = cursor.fetchone()
    except (OperationalError, InterfaceError) as error:
        raise unavailable(error) from error
    # Some collations compare without case and trailing spaces; a key is its exact characters.
    if row is None or row[0] != public_key:
        return None
    return _from_row(row, connection)


def unavailable(error: Exception) -> ServiceUnavailable:
    """What a failure of the database is to a client. The log gets its words: the response has none of them."""
    logger.warning("The database does not answer: %s", one_line(str(error)))
    return ServiceUnavailable()


def drop(*, using: str | None = None, **_: Any) -> None:
    """Forget all states, and those that are just being loaded: at once, and again when the transaction commits.

    A receiver of the models' post_save and post_delete.
    """
    reset()
    transaction.on_commit(reset, using=using, robust=True)


def reset() -> None:
    """Forget all states. For tests that change keys, or roll them back, behind the package's back.

    What such tests see of times of use, `tot_jwt.usage.reset` forgets.
    """
    global _states  # noqa: PLW0603 - to swap it is the point
    _states = {}


def _remember(states: dict[str, _Remembered], remembered: _Remembered) -> None:
    with _lock:
        states.pop(remembered.state.public_key, None)
        if len(states) >= MAX_STATES:
            del states[next(iter(states))]
        states[remembered.state.public_key] = remembered


def _from_row(row: tuple[Any, ...], connection: BaseDatabaseWrapper) -> KeyState:
    public_key, app_domain, environment, scope, generation, can_issue_tokens, *as_they_are = row[
        :-5
    ]
    return KeyState(
        public_key,
        app_domain,
        environment,
        scopes.split(scope),
        generation,
        bool(can_issue_tokens),
        *as_they_are,
        *[moment and _as_datetime(moment, connection) for moment in row[-5:]],
    )


def _as_datetime(moment: datetime, connection: BaseDatabaseWrapper) -> datetime:
    """What the ORM makes of a column: SQLite and MySQL give no time zone."""
    if connection.timezone is not None and is_naive(moment):
        return make_aware(moment, connection.timezone)
    return moment
