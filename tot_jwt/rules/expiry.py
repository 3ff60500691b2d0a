"""The bounds of a key's expiry, and which of two expiries is later."""

from datetime import datetime

from django.utils.translation import gettext_lazy as _

from tot_jwt.exceptions import InvalidValue
from tot_jwt.utils import clock

# The calendar ends with the year 9999: later moments have no date in some time zone.
_END_OF_CALENDAR = datetime(9999, 12, 30)  # noqa: DTZ001 - compared without zones


def validate(expires_at: datetime | None) -> datetime | None:
    """Return the expiry if a key may have it. Raises InvalidValue."""
    if expires_at is not None and is_past(expires_at):
        raise InvalidValue(_("The expiry must be in the future."))
    if expires_at is not None and is_beyond_calendar(expires_at):
        raise InvalidValue(_("The expiry must be before the last days of the year 9999."))
    return expires_at


def is_past(expires_at: datetime) -> bool:
    """Return whether the moment has come."""
    return expires_at <= clock.now()


def is_beyond_calendar(expires_at: datetime) -> bool:
    """Return whether some time zone cannot express the moment."""
    return expires_at.replace(tzinfo=None) >= _END_OF_CALENDAR


def ends_later(expires_at: datetime | None, other: datetime | None) -> bool:
    """Return whether the first expiry is later than the other. None never expires."""
    return other is not None and (expires_at is None or expires_at > other)


def earliest(*expiries: datetime | None) -> datetime | None:
    """Return the earliest expiry. None never expires."""
    return min([expiry for expiry in expiries if expiry is not None], default=None)


def same_second(one: datetime | None, other: datetime | None) -> bool:
    """Return whether both expiries look alike on the wire, which shows whole seconds."""
    return (one and one.replace(microsecond=0)) == (other and other.replace(microsecond=0))
