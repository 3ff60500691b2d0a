"""KeyState: what exchange and verification need to know of a key, in one query, cached for seconds.

A created key lives inside its creator. The query joins both, and a KeyState holds what both have.

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
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

from django.db import InterfaceError, OperationalError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.timezone import is_naive, make_aware

from tot_jwt.conf import settings
from tot_jwt.exceptions import ServiceUnavailable, TotJWTError
from tot_jwt.models import Tenant, current_tenant, write_alias
from tot_jwt.rules import credentials, scopes
from tot_jwt.rules.status import Endings, endings
from tot_jwt.utils import clock
from tot_jwt.utils.logs import one_line
from tot_jwt.utils.memory import BoundedDict

logger = logging.getLogger("tot_jwt")

T = TypeVar("T")

#: In a process. A usual state takes 1 KB.
MAX_STATES = 20_000
MAX_BYTES = 32 * 1024 * 1024

# The ORM needs 150 microseconds and more for this query, which every request runs if
# KEY_STATE_MAX_AGE is 0.
_SQL = """
    SELECT k.public_key, k.environment, k.scopes, k.can_issue_tokens, k.allowed_ips,
           k.generation, k.secret_hash, k.previous_secret_hash,
           d.id, d.domain, c.id, c.scopes, c.can_issue_tokens, c.allowed_ips, {isolation},
           k.previous_secret_expires_at, k.tokens_revoked_until, d.suspended_at,
           k.revoked_at, k.disabled_at, k.expires_at, c.revoked_at, c.disabled_at, c.expires_at
    FROM tot_jwt_apikey k
    JOIN tot_jwt_appdomain d ON d.id = k.app_domain_id
    LEFT JOIN tot_jwt_apikey c ON c.id = k.created_by_key_id AND k.released_at IS NULL
    WHERE k.public_key = %s
"""
_DATES = 9  # the last columns

# Transactions of these levels see the database as it was when they began.
_SNAPSHOTS = ("repeatable read", "serializable")


@dataclass(frozen=True, slots=True)
class KeyState:
    """A key with its creator and domain at one moment. Its repr shows no hash.

    Rights and endings are the effective ones: those that both the key and its creator have.
    """

    public_key: str
    app_domain: str
    app_domain_id: int
    environment: str
    scopes: frozenset[str]
    generation: int
    can_issue_tokens: bool
    #: Lists of networks: an address must lie within each list.
    allowed_ips: tuple[str, ...]
    secret_hash: str = field(repr=False)
    previous_secret_hash: str = field(repr=False)
    previous_secret_expires_at: datetime | None
    tokens_revoked_until: datetime | None
    revoked_at: datetime | None
    disabled_at: datetime | None
    expires_at: datetime | None
    suspended_at: datetime | None

    @property
    def has_revoked_tokens(self) -> bool:
        """Whether a token that was revoked by itself has not expired yet."""
        until = self.tokens_revoked_until
        return until is not None and until > clock.now()


class _Cached(NamedTuple):
    state: KeyState
    loaded_at: float


class _Row(NamedTuple):
    """The columns of the query that need no conversion."""

    public_key: str
    environment: str
    scopes: str
    can_issue_tokens: bool
    allowed_ips: str
    generation: int
    secret_hash: str
    previous_secret_hash: str
    app_domain_id: int
    app_domain: str
    creator_id: int | None
    creator_scopes: str
    creator_can_issue_tokens: bool
    creator_allowed_ips: str
    isolation: str


class _OwnEndings(NamedTuple):
    """The endings of one key."""

    revoked_at: datetime | None
    disabled_at: datetime | None
    expires_at: datetime | None


def _size(key: tuple[Tenant, str], cached: _Cached) -> int:
    state = cached.state
    lists = sum(map(len, state.allowed_ips))
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
        except TotJWTError:
            pass
    loaded_at = clock.monotonic()
    state, is_lasting = _load(public_key)
    decision = rule(state)
    if state is not None and is_lasting and settings.KEY_STATE_MAX_AGE:
        states.put((current_tenant(), public_key), _Cached(state, loaded_at))
    return decision, True


def cached(public_key: str) -> KeyState | None:
    """Return the cached state of the key if it is young enough, or None."""
    entry = _states.get((current_tenant(), public_key))
    if entry is None or clock.monotonic() - entry.loaded_at >= settings.KEY_STATE_MAX_AGE:
        return None
    return entry.state


def load(public_key: str) -> KeyState | None:
    """Return the key's state now, with one query to the primary, or None if it does not exist.

    Raises ServiceUnavailable.
    """
    return _load(public_key)[0]


def _load(public_key: str) -> tuple[KeyState | None, bool]:
    """Return the key's state, and whether it may be cached: not if it is from a snapshot."""
    if not credentials.is_possible_key(public_key):
        return None, False
    connection = connections[write_alias()]
    try:
        with connection.cursor() as cursor:
            cursor.execute(_sql(connection.vendor), [public_key])
            row = cursor.fetchone()
    except (OperationalError, InterfaceError) as error:
        raise unavailable(error) from error
    # Some collations also match other cases and trailing spaces.
    if row is None or row[0] != public_key:
        return None, False
    columns = _Row(*row[:-_DATES])
    dates = [moment and _as_datetime(moment, connection) for moment in row[-_DATES:]]
    return _from_row(columns, dates), not _is_snapshot(connection, columns.isolation)


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
    _states = _new_cache()


@lru_cache
def _sql(vendor: str) -> str:
    is_postgresql = vendor == "postgresql"
    return _SQL.format(
        isolation="current_setting('transaction_isolation')" if is_postgresql else "''"
    )


def _is_snapshot(connection: BaseDatabaseWrapper, isolation: str) -> bool:
    """Return whether an open transaction hides later changes of others."""
    if connection.vendor == "mysql":
        # None leaves the level to the server, whose default is REPEATABLE READ.
        isolation = getattr(connection, "isolation_level", None) or "repeatable read"
    return connection.in_atomic_block and isolation in _SNAPSHOTS


def _from_row(row: _Row, dates: list[datetime | None]) -> KeyState:
    grace_ends, tokens_revoked_until, suspended_at, *moments = dates
    own, creators = _OwnEndings(*moments[:3]), _OwnEndings(*moments[3:])
    scope, allowed_ips = scopes.split(row.scopes), [row.allowed_ips]
    can_issue_tokens = bool(row.can_issue_tokens)
    if row.creator_id is not None:
        scope &= scopes.split(row.creator_scopes)
        allowed_ips.append(row.creator_allowed_ips)
        can_issue_tokens = can_issue_tokens and bool(row.creator_can_issue_tokens)
    ends: Endings = endings(own, creators if row.creator_id is not None else None, suspended_at)
    return KeyState(
        row.public_key,
        row.app_domain,
        row.app_domain_id,
        row.environment,
        scope,
        row.generation,
        can_issue_tokens,
        tuple([networks for networks in allowed_ips if networks]),
        row.secret_hash,
        row.previous_secret_hash,
        grace_ends,
        tokens_revoked_until,
        *ends,
    )


def _as_datetime(moment: datetime, connection: BaseDatabaseWrapper) -> datetime:
    # As the ORM does: SQLite and MySQL return no time zone.
    if connection.timezone is not None and is_naive(moment):
        return make_aware(moment, connection.timezone)
    return moment
