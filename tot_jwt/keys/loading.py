"""The one query that loads a KeyState: a key with its creator and its domain, at one moment.

A created key lives inside its creator, so a KeyState holds what both have.
"""

from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple, cast

from django.db import InterfaceError, OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.timezone import is_naive, make_aware

from tot_jwt.exceptions import ServiceUnavailable
from tot_jwt.models import ApiKey, write_alias
from tot_jwt.rules import credentials, scopes
from tot_jwt.rules.status import Endings, endings
from tot_jwt.signals import database_unavailable
from tot_jwt.utils import clock
from tot_jwt.utils.logs import one_line, warn

# The ORM needs 150 microseconds and more for this query, which every request runs if
# KEY_STATE_MAX_AGE is 0.
_SQL = """
    SELECT k.public_key, k.environment, k.scopes, k.can_issue_tokens, k.allowed_ips,
           k.generation, k.secret_hash, k.previous_secret_hash, k.rate_limit,
           d.id, d.domain, d.aliases, d.rate_limit,
           c.id, c.scopes, c.can_issue_tokens, c.allowed_ips, c.rate_limit,
           {isolation}, k.tokens_revoked_until, k.previous_secret_expires_at, d.suspended_at,
           k.revoked_at, k.disabled_at, k.expires_at, c.revoked_at, c.disabled_at, c.expires_at
    FROM tot_jwt_apikey k
    JOIN tot_jwt_appdomain d ON d.id = k.app_domain_id
    LEFT JOIN tot_jwt_apikey c ON c.id = k.created_by_key_id AND k.released_at IS NULL
    WHERE k.public_key = %s
"""
_DATES = 8  # the last columns

# Transactions of these levels see the database as it was when they began.
_SNAPSHOTS = ("repeatable read", "serializable")


@dataclass(frozen=True, slots=True, weakref_slot=True)
class KeyState:
    """A key with its creator and domain at one moment. Its repr shows no hash.

    Rights and endings are the effective ones: those that both the key and its creator have.
    """

    public_key: str
    app_domain: str
    app_domain_id: int
    aliases: str
    environment: str
    scopes: frozenset[str]
    generation: int
    can_issue_tokens: bool
    #: Lists of networks: an address must lie within each list.
    allowed_ips: tuple[str, ...]
    #: `""` for none: of the key or its creator, and of the domain.
    rate_limit: str
    domain_rate_limit: str
    secret_hash: str = field(repr=False)
    previous_secret_hash: str = field(repr=False)
    previous_secret_expires_at: datetime | None
    #: A NumericDate.
    tokens_revoked_until: int | None
    revoked_at: datetime | None
    disabled_at: datetime | None
    expires_at: datetime | None
    suspended_at: datetime | None

    def is_called(self, domain: str | None) -> bool:
        """Return whether the canonical domain is that of the key, or one of its aliases."""
        return domain == self.app_domain or (bool(self.aliases) and domain in self.aliases.split())

    @property
    def has_revoked_tokens(self) -> bool:
        """Whether a token that was revoked by itself has not expired yet."""
        until = self.tokens_revoked_until
        return until is not None and until > clock.epoch()


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
    rate_limit: str
    app_domain_id: int
    app_domain: str
    aliases: str
    domain_rate_limit: str
    creator_id: int | None
    creator_scopes: str
    creator_can_issue_tokens: bool
    creator_allowed_ips: str
    creator_rate_limit: str | None
    isolation: str
    tokens_revoked_until: int | None


class _OwnEndings(NamedTuple):
    """The endings of one key."""

    revoked_at: datetime | None
    disabled_at: datetime | None
    expires_at: datetime | None


def load(public_key: str) -> KeyState | None:
    """Return the key's state now, with one query to the primary, or None if it does not exist.

    Raises ServiceUnavailable.
    """
    return load_state(public_key)[0]


def load_state(public_key: str) -> tuple[KeyState | None, bool]:
    """Return the key's state now, and whether it may be cached: not if it is from a snapshot.

    Raises ServiceUnavailable.
    """
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
    warn("Database unavailable: %s", one_line(str(error)))
    database_unavailable.send_robust(ApiKey)
    return ServiceUnavailable()


@lru_cache
def _sql(vendor: str) -> str:
    is_postgresql = vendor == "postgresql"
    return _SQL.format(
        isolation="current_setting('transaction_isolation')" if is_postgresql else "''"
    )


def _is_snapshot(connection: BaseDatabaseWrapper, isolation: str) -> bool:
    """Return whether an open transaction hides later changes of others."""
    match connection.vendor:
        case "sqlite":
            # With a write-ahead log. No other process changes a database in memory.
            hides_changes = not cast(Any, connection).is_in_memory_db()
        case "mysql":  # pragma: no cover: not on SQLite
            # None leaves the level to the server, whose default is REPEATABLE READ.
            level = getattr(connection, "isolation_level", None)
            hides_changes = level is None or level in _SNAPSHOTS
        case _:  # pragma: no cover: not on SQLite
            hides_changes = isolation in _SNAPSHOTS
    return connection.in_atomic_block and hides_changes


def _from_row(row: _Row, dates: list[datetime | None]) -> KeyState:
    grace_ends, suspended_at, *moments = dates
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
        row.aliases,
        row.environment,
        scope,
        row.generation,
        can_issue_tokens,
        tuple([networks for networks in allowed_ips if networks]),
        row.rate_limit or row.creator_rate_limit or "",
        row.domain_rate_limit,
        row.secret_hash,
        row.previous_secret_hash,
        grace_ends,
        row.tokens_revoked_until,
        *ends,
    )


def _as_datetime(moment: datetime, connection: BaseDatabaseWrapper) -> datetime:
    # As the ORM does: SQLite and MySQL return no time zone.
    if connection.timezone is not None and is_naive(moment):
        return make_aware(moment, connection.timezone)
    return moment
