"""Strict reading of what the keys endpoints are asked: JSON, every member known and of its type.

What is wrong is told by member, in constant words that repeat nothing of what was sent.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from django.conf import settings as host_settings
from django.http import HttpRequest
from django.utils.timezone import get_default_timezone, make_naive
from django.views.decorators.debug import sensitive_variables

from tot_jwt.access.delegation import KeyChanges, NewKey
from tot_jwt.exceptions import InvalidFields, InvalidValue
from tot_jwt.http.credentials import CREDENTIALS
from tot_jwt.http.reading import REQUIRED, read_body, read_object, read_query, text_fault
from tot_jwt.keys.lifecycle import MAX_GRACE
from tot_jwt.rules import networks, scopes
from tot_jwt.rules.credentials import PresentedSecret
from tot_jwt.rules.status import KeyStatus
from tot_jwt.utils import clock

MAX_NAME = 200

#: `fromisoformat` takes more: weeks, dates without a time, any character after the Z.
_RFC3339 = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)\Z", re.ASCII | re.IGNORECASE
)

UNKNOWN_MEMBER = "Unknown member. Known are: {}."
NOT_SCOPES = "Not a list of scopes that an API key may be given."
NOT_NETWORKS = "Not a list of networks in CIDR notation."
NOT_A_MOMENT = "Not a date and time with its time zone (RFC 3339), or null."
NOT_IN_FUTURE = "Must be in the future."
TOO_LATE = "Must be before the last days of the year 9999."
NOT_A_BOOLEAN = "Must be true or false."
NOT_A_GRACE = "Must be a whole number of seconds from 0 to {}."
NOT_A_STATUS = "Must be one of {}."


class Rotation(NamedTuple):
    """How a key shall be rotated, and the current secret if it was sent."""

    secret: PresentedSecret | None = None
    grace: timedelta = timedelta(days=1)
    cascade: bool = False


#: Name on the wire → name in Python, and what makes the value of it.
_Members = Mapping[str, tuple[str, Callable[[Any], Any]]]


class _Fault(Exception):
    """What is wrong with a member."""


def read_new_key(request: HttpRequest) -> NewKey:
    """The body of ``POST keys``. Raises InvalidRequest, InvalidFields."""
    members = {**_CHANGEABLE, "canIssueTokens": ("can_issue_tokens", _boolean)}
    return NewKey(**_read(request, members, required=("name", "scopes")))


def read_changes(request: HttpRequest) -> KeyChanges:
    """The body of ``PATCH keys/…``. Raises InvalidRequest, InvalidFields."""
    return KeyChanges(**_read(request, {**_CHANGEABLE, "disabled": ("disabled", _boolean)}))


@sensitive_variables()
def read_rotation(request: HttpRequest) -> Rotation:
    """The body of ``POST keys/…/rotate``, which may be missing. Raises InvalidRequest, InvalidFields."""
    members = {
        "totSecretKey": ("secret", _secret),
        "graceSeconds": ("grace", _grace),
        "cascade": ("cascade", _boolean),
    }
    return Rotation(**(_read(request, members) if read_body(request) else {}))


def read_flags(request: HttpRequest, *names: str) -> list[bool]:
    """Flags of the query, each given once; false where they are not given. Raises InvalidFields."""
    query = read_query(request)
    flags = {name: [value.lower() for value in query.getlist(name, ["false"])] for name in names}
    wrong = {
        name: [NOT_A_BOOLEAN]
        for name, values in flags.items()
        if values not in (["true"], ["false"])
    }
    if wrong:
        raise InvalidFields(wrong)
    return [values == ["true"] for values in flags.values()]


def read_status(request: HttpRequest) -> KeyStatus | None:
    """The status that is asked for in the query. Raises InvalidFields."""
    status = read_query(request).get("status")
    if status is not None and status not in KeyStatus.values:
        raise InvalidFields({"status": [NOT_A_STATUS.format(", ".join(KeyStatus.values))]})
    return None if status is None else KeyStatus(status)


def read_page_number(request: HttpRequest) -> int:
    """The page that is asked for in the query, 0 where it is no number."""
    number = read_query(request).get("page", "1")
    return int(number) if number.isascii() and number.isdecimal() and len(number) < 10 else 0


@sensitive_variables()
def _read(
    request: HttpRequest, members: _Members, required: tuple[str, ...] = ()
) -> dict[str, Any]:
    """The values of the body's members by their names in Python. Raises InvalidFields."""
    sent = read_object(request)
    errors = {name: [REQUIRED] for name in required if name not in sent}
    if sent.keys() - members.keys():
        errors["non_field_errors"] = [UNKNOWN_MEMBER.format(", ".join(sorted(members)))]
    values = {}
    for name in sent.keys() & members.keys():
        python_name, read = members[name]
        try:
            values[python_name] = read(sent[name])
        except _Fault as fault:
            errors[name] = [str(fault)]
    if errors:
        raise InvalidFields(errors)
    return values


@sensitive_variables()
def _text(value: Any, limit: int) -> str:
    fault = text_fault(value, limit)
    if fault:
        raise _Fault(fault)
    return str(value)


def _name(value: Any) -> str:
    return _text(value, MAX_NAME)


@sensitive_variables()
def _secret(value: Any) -> PresentedSecret:
    return PresentedSecret(_text(value, CREDENTIALS["totSecretKey"]))


def _scopes(value: Any) -> frozenset[str]:
    try:
        # Whether they exist is asked later: a scope that the catalogue has lost may stay with a key that has it.
        return scopes.validate(_texts(value, NOT_SCOPES), known=_texts(value, NOT_SCOPES))
    except InvalidValue as error:
        raise _Fault(NOT_SCOPES) from error


def _allowed_ips(value: Any) -> str:
    try:
        return networks.validate(_texts(value, NOT_NETWORKS))
    except InvalidValue as error:
        raise _Fault(NOT_NETWORKS) from error


def _texts(value: Any, fault: str) -> list[str]:
    if type(value) is not list or not all(isinstance(item, str) for item in value):
        raise _Fault(fault)
    return value


def _expires_at(value: Any) -> datetime | None:
    """To the second, as it will be shown."""
    if value is None:
        return None
    if not isinstance(value, str) or not _RFC3339.match(value):
        raise _Fault(NOT_A_MOMENT)
    try:
        moment = datetime.fromisoformat(value.upper()).replace(microsecond=0)
        stored = (
            moment.astimezone(UTC)
            if host_settings.USE_TZ
            else make_naive(moment, get_default_timezone())
        )
    except (ValueError, OverflowError) as error:
        raise _Fault(NOT_A_MOMENT) from error
    if stored.replace(tzinfo=None) >= clock.END_OF_CALENDAR:
        raise _Fault(TOO_LATE)
    if stored <= clock.now():
        raise _Fault(NOT_IN_FUTURE)
    return stored


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _Fault(NOT_A_BOOLEAN)
    return value


def _grace(value: Any) -> timedelta:
    longest = int(MAX_GRACE.total_seconds())
    if type(value) is not int or not 0 <= value <= longest:
        raise _Fault(NOT_A_GRACE.format(longest))
    return timedelta(seconds=value)


#: The members that a key is made with and can be changed in.
_CHANGEABLE: _Members = {
    "name": ("name", _name),
    "scopes": ("scopes", _scopes),
    "expiresAt": ("expires_at", _expires_at),
    "allowedIps": ("allowed_ips", _allowed_ips),
}
