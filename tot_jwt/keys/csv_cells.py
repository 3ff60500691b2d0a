"""Parse the optional cells of an import: text without space around it → values of ApiKey's fields.

Each parser raises InvalidValue with a text that repeats nothing of the cell.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

from tot_jwt.exceptions import InvalidValue
from tot_jwt.models import Environment
from tot_jwt.rules import expiry, networks, rates
from tot_jwt.rules import scopes as scope_rules
from tot_jwt.utils import clock

Values = dict[str, Any]

_NOT_A_MOMENT = _("Use a date and time with its zone, for example: 2030-01-31T12:00:00Z.")
#: Some tables write the year 1 or the year 9999 for a key that does not expire.
_OUTSIDE_CALENDAR = _(
    "Use a year from 1970 to 9998. Leave the field empty if the key does not expire."
)
_FIRST_YEAR = 1970

#: The field that becomes the present.
_STATUSES = {"": None, "active": None, "disabled": "disabled_at", "revoked": "revoked_at"}
_BOOLEANS = {"": True, "true": True, "false": False}


def _environment(text: str) -> Values:
    environment = text.lower() or Environment.LIVE
    if environment not in Environment.values:
        raise InvalidValue(_("Use live or test."))
    return {"environment": environment}


def _scopes(text: str) -> Values:
    names = text.split()
    for number, name in enumerate(names, 1):
        try:
            scope_rules.validate([name])
        except InvalidValue:
            message = _("entry %(number)d is not an allowed scope.")
            raise InvalidValue(message % {"number": number}) from None
    return {"scopes": scope_rules.join(scope_rules.validate(names))}


def _expires_at(text: str) -> Values:
    return {"expires_at": _moment(text) if text else None}


def _moment(text: str) -> datetime:
    """Return the moment in whole seconds, as responses show it."""
    try:
        moment = parse_datetime(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise InvalidValue(_NOT_A_MOMENT)
    try:
        expires_at = clock.stored(moment.replace(microsecond=0).astimezone(UTC))
    except (ValueError, OverflowError):
        raise InvalidValue(_OUTSIDE_CALENDAR) from None
    if expires_at.year < _FIRST_YEAR or expiry.is_beyond_calendar(expires_at):
        raise InvalidValue(_OUTSIDE_CALENDAR)
    return expires_at


def _allowed_ips(text: str) -> Values:
    for number, network in enumerate(text.split(), 1):
        try:
            networks.validate([network])
        except InvalidValue:
            message = _(
                "entry %(number)d is not an IP address or network. Use CIDR notation, such as "
                "192.0.2.0/24."
            )
            raise InvalidValue(message % {"number": number}) from None
    return {"allowed_ips": networks.validate(text.split())}


def _can_issue_tokens(text: str) -> Values:
    if text.lower() not in _BOOLEANS:
        raise InvalidValue(_("Use true or false."))
    return {"can_issue_tokens": _BOOLEANS[text.lower()]}


def _status(text: str) -> Values:
    if text.lower() not in _STATUSES:
        raise InvalidValue(_("Use active, disabled or revoked."))
    field = _STATUSES[text.lower()]
    return {field: clock.now()} if field else {}


def _rate_limit(text: str) -> Values:
    return {"rate_limit": rates.check_rate(text)}


#: By column.
PARSERS: dict[str, Callable[[str], Values]] = {
    "environment": _environment,
    "scopes": _scopes,
    "expires_at": _expires_at,
    "allowed_ips": _allowed_ips,
    "can_issue_tokens": _can_issue_tokens,
    "status": _status,
    "rate_limit": _rate_limit,
}
