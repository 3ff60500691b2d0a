"""The status of a key: one definition for rows, instances and cached states."""

from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from django.db.models import Q, TextChoices
from django.utils.translation import gettext_lazy as _

from tot_jwt.utils import clock

#: The time before its expiry in which a key is shown as expiring.
EXPIRES_SOON = timedelta(days=14)


class KeyStatus(TextChoices):
    """What a key can be. Active and expiring keys are usable."""

    ACTIVE = "active", _("active")
    EXPIRING = "expiring", _("expiring soon")
    EXPIRED = "expired", _("expired")
    DISABLED = "disabled", _("disabled")
    REVOKED = "revoked", _("revoked")

    @property
    def is_usable(self) -> bool:
        """Whether a key of this status works."""
        return self in USABLE


#: The statuses of a key that works.
USABLE = (KeyStatus.ACTIVE, KeyStatus.EXPIRING)


class _Ending(NamedTuple):
    """A status that holds if its column is set and, for a date, at most `ahead` away."""

    status: KeyStatus
    column: str
    ahead: timedelta | None


#: The first ending that holds gives the status. If none holds, the key is active.
_ENDINGS = (
    _Ending(KeyStatus.REVOKED, "revoked_at", None),
    _Ending(KeyStatus.DISABLED, "disabled_at", None),
    _Ending(KeyStatus.EXPIRED, "expires_at", timedelta(0)),
    _Ending(KeyStatus.EXPIRING, "expires_at", EXPIRES_SOON),
)


class HasEndings(Protocol):
    """A row of ApiKey, or a KeyState."""

    @property
    def revoked_at(self) -> datetime | None:
        """When the key was revoked."""

    @property
    def disabled_at(self) -> datetime | None:
        """When the key was disabled."""

    @property
    def expires_at(self) -> datetime | None:
        """When the key expires."""


class HasPreviousSecret(Protocol):
    """A row of ApiKey, or a KeyState."""

    @property
    def previous_secret_expires_at(self) -> datetime | None:
        """When the grace period of the last rotation ends."""


def status_of(key: HasEndings) -> KeyStatus:
    """Return the status of the key now."""
    for status, column, ahead in _ENDINGS:
        at = getattr(key, column)
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
    is_set = Q((f"{ending.column}__isnull", False))
    if ending.ahead is None:
        return is_set
    return is_set & Q((f"{ending.column}__lte", now + ending.ahead))
