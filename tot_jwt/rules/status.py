"""What has become of a key: the one definition of usable, for rows, for instances and for snapshots."""

from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from django.db.models import Q, TextChoices
from django.utils.translation import gettext_lazy as _

from tot_jwt.utils import clock

#: How long before its end a key is shown as expiring.
EXPIRES_SOON = timedelta(days=14)


class KeyStatus(TextChoices):
    """What has become of a key. Active and expiring keys are usable."""

    ACTIVE = "active", _("active")
    EXPIRING = "expiring", _("expiring soon")
    EXPIRED = "expired", _("expired")
    DISABLED = "disabled", _("disabled")
    REVOKED = "revoked", _("revoked")

    @property
    def is_usable(self) -> bool:
        return self in USABLE


USABLE = (KeyStatus.ACTIVE, KeyStatus.EXPIRING)


class _Ending(NamedTuple):
    """A status holds when its column is set and, for a date to come, that is less than `ahead` away."""

    status: KeyStatus
    column: str
    ahead: timedelta | None


#: The first that holds is the key's status; where none does it is active.
_ENDINGS = (
    _Ending(KeyStatus.REVOKED, "revoked_at", None),
    _Ending(KeyStatus.DISABLED, "disabled_at", None),
    _Ending(KeyStatus.EXPIRED, "expires_at", timedelta(0)),
    _Ending(KeyStatus.EXPIRING, "expires_at", EXPIRES_SOON),
)


class HasEndings(Protocol):
    """A row of ApiKey, or a snapshot of one."""

    @property
    def revoked_at(self) -> datetime | None: ...
    @property
    def disabled_at(self) -> datetime | None: ...
    @property
    def expires_at(self) -> datetime | None: ...


def status_of(key: HasEndings) -> KeyStatus:
    """The status of the key now."""
    for status, column, ahead in _ENDINGS:
        at = getattr(key, column)
        if at is not None and (ahead is None or at <= clock.now() + ahead):
            return status
    return KeyStatus.ACTIVE


class HasPreviousSecret(Protocol):
    """A row of ApiKey, or a snapshot of one."""

    @property
    def previous_secret_expires_at(self) -> datetime | None: ...


def previous_secret_is_live(key: HasPreviousSecret) -> bool:
    """Whether the secret before the last rotation is as good as the current one."""
    ends = key.previous_secret_expires_at
    return ends is not None and ends > clock.now()


def status_q(status: KeyStatus) -> Q:
    """The same definition as a condition on rows."""
    now, earlier = clock.now(), Q()
    for ending in _ENDINGS:
        suffix, value = ("isnull", False) if ending.ahead is None else ("lte", now + ending.ahead)
        holds = Q((f"{ending.column}__{suffix}", value))
        if ending.ahead is not None:
            holds &= Q((f"{ending.column}__isnull", False))
        if ending.status is status:
            return earlier & holds
        earlier &= ~holds
    return earlier
