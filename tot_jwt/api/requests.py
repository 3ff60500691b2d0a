"""Strict reading of requests to the keys endpoints: JSON, each member known and of its type.

An error names the member in constant words, and repeats nothing of what the client sent.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, cast

from django.http import HttpRequest, QueryDict
from django.views.decorators.debug import sensitive_variables

from tot_jwt.access.delegation import KeyFields, NewKeyFields
from tot_jwt.api.moments import Period, parse_moment
from tot_jwt.api.pages import Cursor
from tot_jwt.exceptions import InvalidFields, InvalidValue
from tot_jwt.http.names import to_wire
from tot_jwt.http.reading import (
    REQUIRED,
    as_object,
    read_body,
    read_object,
    read_query,
    text_error,
)
from tot_jwt.keys.lifecycle import DEFAULT_GRACE, MAX_GRACE
from tot_jwt.rules import expiry, lengths, networks, scopes
from tot_jwt.rules.credentials import PresentedSecret
from tot_jwt.rules.metadata import NOT_METADATA, is_metadata
from tot_jwt.rules.names import name_error
from tot_jwt.rules.status import KeyStatus
from tot_jwt.utils import clock

UNKNOWN_MEMBER = "Unknown member. Use only: {}."
NOT_KEY_SCOPES = "Not a list of scopes that an API key may have."
NOT_NETWORKS = "Not a list of networks in CIDR notation."
NOT_A_MOMENT = "Not a date and time with its time zone (RFC 3339), or null."
NOT_A_QUERY_MOMENT = "Not a date and time with its time zone (RFC 3339). Write + as %2B."
AFTER_END = "Must not be after `to`."
NOT_IN_FUTURE = "Must be in the future."
TOO_LATE = "Must be before the last days of the year 9999."
NOT_A_BOOLEAN = "Must be true or false."
NOT_A_GRACE = "Must be a whole number of seconds from 0 to {}."
NOT_A_STATUS = "Must be one of {}."
NOT_A_CURSOR = "Not a cursor from the `next` or `previous` of a response."


class Rotation(NamedTuple):
    """How to rotate a key, and the current secret if the client sent it."""

    secret: PresentedSecret | None = None
    grace: timedelta = DEFAULT_GRACE
    #: None: if the grace period is 0.
    revoke_created_keys: bool | None = None


#: The name of a member in Python → the function that reads its value.
_Readers = Mapping[str, Callable[[Any], Any]]


class _MemberError(Exception):
    """What is wrong with a member."""


def read_new_key(request: HttpRequest) -> NewKeyFields:
    """Return the body of ``POST keys``. Raises InvalidRequest, InvalidFields."""
    readers = {**_CHANGEABLE, "can_issue_tokens": _boolean}
    return cast(NewKeyFields, _read(request, readers, required=("name", "scopes")))


def read_changes(request: HttpRequest) -> KeyFields:
    """Return the body of ``PATCH keys/…``. Raises InvalidRequest, InvalidFields."""
    return cast(KeyFields, _read(request, {**_CHANGEABLE, "disabled": _boolean}))


@sensitive_variables()
def read_rotation(request: HttpRequest) -> Rotation:
    """Return the body of ``POST keys/…/rotate``; it may be empty.

    Raises InvalidRequest, InvalidFields.
    """
    readers = {"secret": _secret, "grace": _grace, "revoke_created_keys": _boolean}
    return Rotation(**(_read(request, readers) if read_body(request) else {}))


def read_flag(request: HttpRequest, name: str) -> bool:
    """Return a flag of the query: false by default, given at most once. Raises InvalidFields."""
    values = [value.lower() for value in read_query(request).getlist(name, ["false"])]
    if values not in (["true"], ["false"]):
        raise InvalidFields({name: [NOT_A_BOOLEAN]})
    return values == ["true"]


def read_status(request: HttpRequest) -> KeyStatus | None:
    """Return the status in the query, or None. Raises InvalidFields."""
    status = read_query(request).get("status")
    if status is not None and status not in KeyStatus.values:
        raise InvalidFields({"status": [NOT_A_STATUS.format(", ".join(KeyStatus.values))]})
    return None if status is None else KeyStatus(status)


def read_cursor(request: HttpRequest) -> Cursor | None:
    """Return the position in the query, or None for the first page. Raises InvalidFields."""
    text = read_query(request).get("cursor")
    cursor = None if text is None else Cursor.decode(text)
    if text is not None and cursor is None:
        raise invalid_cursor()
    return cursor


def read_period(request: HttpRequest) -> Period:
    """Return the period from `from` to `to` in the query. Raises InvalidFields."""
    query = read_query(request)
    start, end = _query_moment(query, "from"), _query_moment(query, "to")
    if start and end and start > end:
        raise InvalidFields({"from": [AFTER_END]})
    return Period.between(start, end)


def invalid_cursor() -> InvalidFields:
    """Return the error for a cursor that no response of the list contained."""
    return InvalidFields({"cursor": [NOT_A_CURSOR]})


def _query_moment(query: QueryDict, name: str) -> datetime | None:
    """Return a moment of the query, which gives it at most once. Raises InvalidFields."""
    moments = [parse_moment(text) for text in query.getlist(name)]
    if len(moments) > 1 or None in moments:
        raise InvalidFields({name: [NOT_A_QUERY_MOMENT]})
    return moments[0] if moments else None


@sensitive_variables()
def _read(
    request: HttpRequest, readers: _Readers, required: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Return the values of the body's members by their names in Python. Raises InvalidFields."""
    sent = read_object(request)
    wire_names = {to_wire(name): name for name in readers}
    errors = {name: [REQUIRED] for name in map(to_wire, required) if name not in sent}
    if sent.keys() - wire_names.keys():
        errors["non_field_errors"] = [UNKNOWN_MEMBER.format(", ".join(sorted(wire_names)))]
    values = {}
    for wire_name in sent.keys() & wire_names.keys():
        name = wire_names[wire_name]
        try:
            values[name] = readers[name](sent[wire_name])
        except _MemberError as error:
            errors[wire_name] = [str(error)]
    if errors:
        raise InvalidFields(errors)
    return values


@sensitive_variables()
def _text(value: Any, limit: int) -> str:
    error = text_error(value, limit)
    if error:
        raise _MemberError(error)
    return str(value)


def _name(value: Any) -> str:
    name = _text(value, lengths.NAME)
    if error := name_error(name):
        raise _MemberError(error)
    return name


def _metadata(value: Any) -> dict[str, str]:
    """Return the object, which the parser read as a list of its members."""
    members = as_object(value)
    if members is None or not is_metadata(members):
        raise _MemberError(NOT_METADATA)
    return members


@sensitive_variables()
def _secret(value: Any) -> PresentedSecret:
    return PresentedSecret(_text(value, lengths.SECRET_KEY))


def _scopes(value: Any) -> frozenset[str]:
    names = _texts(value, NOT_KEY_SCOPES)
    try:
        # Only their form is checked here: a key may keep a scope that SCOPES no longer lists.
        return scopes.validate(names, known=names)
    except InvalidValue as error:
        raise _MemberError(NOT_KEY_SCOPES) from error


def _allowed_ips(value: Any) -> str:
    try:
        return networks.validate(_texts(value, NOT_NETWORKS))
    except InvalidValue as error:
        raise _MemberError(NOT_NETWORKS) from error


def _texts(value: Any, error: str) -> list[str]:
    if type(value) is not list or not all(isinstance(item, str) for item in value):
        raise _MemberError(error)
    return value


def _expires_at(value: Any) -> datetime | None:
    """Return the moment in whole seconds, as responses show it."""
    if value is None:
        return None
    moment = parse_moment(value) if isinstance(value, str) else None
    if moment is None:
        raise _MemberError(NOT_A_MOMENT)
    try:
        expires_at = clock.stored(moment.replace(microsecond=0).astimezone(UTC))
    except (ValueError, OverflowError) as error:
        raise _MemberError(NOT_A_MOMENT) from error
    if expiry.is_beyond_calendar(expires_at):
        raise _MemberError(TOO_LATE)
    if expiry.is_past(expires_at):
        raise _MemberError(NOT_IN_FUTURE)
    return expires_at


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _MemberError(NOT_A_BOOLEAN)
    return value


def _grace(value: Any) -> timedelta:
    longest = int(MAX_GRACE.total_seconds())
    if type(value) is not int or not 0 <= value <= longest:
        raise _MemberError(NOT_A_GRACE.format(longest))
    return timedelta(seconds=value)


#: The members of a new key that can also be changed.
_CHANGEABLE: _Readers = {
    "name": _name,
    "scopes": _scopes,
    "expires_at": _expires_at,
    "allowed_ips": _allowed_ips,
    "metadata": _metadata,
}
