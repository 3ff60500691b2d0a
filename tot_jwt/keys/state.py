"""KeyState: what exchange and verification need to know of a key, in one query, cached for seconds.

A cached state can only allow a request. Before a process rejects one, it loads a fresh state, so
new rights take effect immediately in every process. Lost rights end after at most
KEY_STATE_MAX_AGE seconds.

The cache is a dict, and dropping it puts a new dict in its place. A thread that began to load
before the drop writes into the old dict, which no thread reads any more: a state from before a
change cannot outlive the change.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from django.db import InterfaceError, OperationalError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.timezone import is_naive, make_aware

from tot_jwt.conf import settings
from tot_jwt.exceptions import ServiceUnavailable, TotJWTError
from tot_jwt.models import write_alias
from tot_jwt.rules import scopes
from tot_jwt.utils import clock
from tot_jwt.utils.logs import one_line
from tot_jwt.utils.memory import BoundedDict

logger = logging.getLogger("tot_jwt")

T = TypeVar("T")

#: At 1 KB each, at most 20 MB in a process.
MAX_STATES = 20_000

# The ORM needs 150 microseconds and more for this query, which every request runs if
# KEY_STATE_MAX_AGE is 0.
_SQL = """
    SELECT k.public_key, d.domain, k.environment, k.scopes, k.generation, k.can_issue_tokens,
           k.allowed_ips, k.secret_hash, k.previous_secret_hash, k.previous_secret_expires_at,
           k.expires_at, k.disabled_at, k.revoked_at, d.suspended_at
    FROM tot_jwt_apikey k JOIN tot_jwt_appdomain d ON d.id = k.app_domain_id
    WHERE k.public_key = %s
"""
_DATES = 5  # the last columns


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


class _Cached(NamedTuple):
    state: KeyState
    loaded_at: float


_states: BoundedDict[str, _Cached] = BoundedDict(MAX_STATES)


def decide(public_key: str, rule: Callable[[KeyState | None], T]) -> tuple[T, bool]:
    """Decide on the cached state; if that rejects, decide on a fresh one.

    Return the decision and whether it is fresh. The rule returns its decision, or raises a
    TotJWTError to reject; its state is None if the key does not exist. Only a state that allowed a
    request is cached, so unknown keys and failed attempts do not change the cache.
    Raises ServiceUnavailable if the database is unavailable.
    """
    states = _states
    cached = states.get(public_key)
    if cached is not None and clock.monotonic() - cached.loaded_at < settings.KEY_STATE_MAX_AGE:
        try:
            return rule(cached.state), False
        except TotJWTError:
            pass
    loaded_at = clock.monotonic()
    state = load(public_key)
    decision = rule(state)
    if state is not None and settings.KEY_STATE_MAX_AGE:
        states.put(public_key, _Cached(state, loaded_at))
    return decision, True


def load(public_key: str) -> KeyState | None:
    """Return the key's state now, with one query to the primary, or None if it does not exist.

    Raises ServiceUnavailable.
    """
    connection = connections[write_alias()]
    try:
        with connection.cursor() as cursor:
            cursor.execute(_SQL, [public_key])
            row = cursor.fetchone()
    except (OperationalError, InterfaceError) as error:
        raise unavailable(error) from error
    # Some collations also match other cases and trailing spaces.
    if row is None or row[0] != public_key:
        return None
    return _from_row(row, connection)


def unavailable(error: Exception) -> ServiceUnavailable:
    """Log the database's error, and return what the client sees of it."""
    logger.warning("Database unavailable: %s", one_line(str(error)))
    return ServiceUnavailable()


def drop(*, using: str | None = None, **_: Any) -> None:
    """Drop all states now, and again when the transaction commits.

    A receiver of the models' post_save and post_delete.
    """
    reset()
    transaction.on_commit(reset, using=using, robust=True)


def reset() -> None:
    """Drop all states. For tests that roll changes of keys back; see `tot_jwt.keys.usage.reset`."""
    global _states  # noqa: PLW0603 - replacing it is the point
    _states = BoundedDict(MAX_STATES)


def _from_row(row: tuple[Any, ...], connection: BaseDatabaseWrapper) -> KeyState:
    public_key, app_domain, environment, scope, generation, can_issue, *others = row[:-_DATES]
    return KeyState(
        public_key,
        app_domain,
        environment,
        scopes.split(scope),
        generation,
        bool(can_issue),
        *others,
        *[moment and _as_datetime(moment, connection) for moment in row[-_DATES:]],
    )


def _as_datetime(moment: datetime, connection: BaseDatabaseWrapper) -> datetime:
    # As the ORM does: SQLite and MySQL return no time zone.
    if connection.timezone is not None and is_naive(moment):
        return make_aware(moment, connection.timezone)
    return moment
