"""The status of a key: one definition for rows, queries and cached states.

A created key lives inside its creator, and every key inside its domain: what ends the creator or
the domain also ends the key.
"""

from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from django.db.models import Q, TextChoices
from django.utils.translation import gettext_lazy as _

from tot_jwt.rules import expiry
from tot_jwt.utils import clock

#: The time before its expiry in which a key is shown as expiring.
EXPIRES_SOON = timedelta(days=14)


class KeyStatus(TextChoices):
    """What a key can be. Active and expiring keys are usable."""

    ACTIVE = "active", _("active")
    EXPIRING = "expiring", _("expiring soon")
    EXPIRED = "expired", _("expired")
    DISABLED = "disabled", _("disabled")
    SUSPENDED = "suspended", _("suspended")
    REVOKED = "revoked", _("revoked")

    @property
    def is_usable(self) -> bool:
        """Whether a key of this status works."""
        return self in USABLE


#: The statuses of a key that works.
USABLE = (KeyStatus.ACTIVE, KeyStatus.EXPIRING)


class _Ending(NamedTuple):
    """A status that holds if its moment is set and, for a date, at most `ahead` away."""

    status: KeyStatus
    moment: str
    ahead: timedelta | None


#: The first ending that holds gives the status. If none holds, the key is active.
_ENDINGS = (
    _Ending(KeyStatus.REVOKED, "revoked_at", None),
    _Ending(KeyStatus.DISABLED, "disabled_at", None),
    _Ending(KeyStatus.EXPIRED, "expires_at", timedelta(0)),
    _Ending(KeyStatus.SUSPENDED, "suspended_at", None),
    _Ending(KeyStatus.EXPIRING, "expires_at", EXPIRES_SOON),
)


class HasOwnEndings(Protocol):
    """A row of ApiKey."""

    @property
    def revoked_at(self) -> datetime | None:
        """When the key was revoked."""

    @property
    def disabled_at(self) -> datetime | None:
        """When the key was disabled."""

    @property
    def expires_at(self) -> datetime | None:
        """When the key expires."""


class HasEndings(HasOwnEndings, Protocol):
    """A KeyState, or Endings: with what its creator and its domain add."""

    @property
    def suspended_at(self) -> datetime | None:
        """When the key's domain was suspended."""


class HasPreviousSecret(Protocol):
    """A row of ApiKey, or a KeyState."""

    @property
    def previous_secret_expires_at(self) -> datetime | None:
        """When the grace period of the last rotation ends."""


class Endings(NamedTuple):
    """The moments at which a key ends, whether by itself, its creator or its domain."""

    revoked_at: datetime | None
    disabled_at: datetime | None
    expires_at: datetime | None
    suspended_at: datetime | None


def endings(
    key: HasOwnEndings, creator: HasOwnEndings | None, suspended_at: datetime | None
) -> Endings:
    """Return the endings of a key inside its creator and a domain suspended at that moment."""
    if creator is None:
        return Endings(key.revoked_at, key.disabled_at, key.expires_at, suspended_at)
    return Endings(
        key.revoked_at or creator.revoked_at,
        key.disabled_at or creator.disabled_at,
        expiry.earliest(key.expires_at, creator.expires_at),
        suspended_at,
    )


def status_of(key: HasEndings) -> KeyStatus:
    """Return the status of the key now."""
    for status, moment, ahead in _ENDINGS:
        at = getattr(key, moment)
        if at is not None and (ahead is None or at <= clock.now() + ahead):
            return status
    return KeyStatus.ACTIVE


def status_q(status: KeyStatus) -> Q:
    """Return the condition that selects the rows with this status now."""
    now, earlier = clock.now(), Q()
    for ending in _ENDINGS:
        holds = _holds_q(ending, now)
        if ending.status is status:
            return earlier & holds
        earlier &= ~holds
    return earlier


def is_in_grace(key: HasPreviousSecret) -> bool:
    """Return whether the grace period of the last rotation is running."""
    ends = key.previous_secret_expires_at
    return ends is not None and ends > clock.now()


def _holds_q(ending: _Ending, now: datetime) -> Q:
    if ending.moment == "suspended_at":
        return Q(app_domain__suspended_at__isnull=False)
    by_creator = _is_set_q(f"created_by_key__{ending.moment}", ending, now)
    return _is_set_q(ending.moment, ending, now) | (Q(released_at=None) & by_creator)


def _is_set_q(column: str, ending: _Ending, now: datetime) -> Q:
    is_set = Q((f"{column}__isnull", False))
    if ending.ahead is None:
        return is_set
    return is_set & Q((f"{column}__lte", now + ending.ahead))
