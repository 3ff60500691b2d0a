"""Strict reading of requests: no value is coerced, trimmed or guessed, and no input crashes.

DRF's parsers and serializers do not fit: they accept repeated members, turn numbers into strings,
and pass an attacker's deep nesting on to Python's recursion limit.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from django.conf import settings as host_settings
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent
from django.http import HttpRequest, QueryDict, UnreadablePostError
from django.http.request import RawPostDataException
from django.views.decorators.debug import sensitive_variables

from tot_jwt.exceptions import InvalidRequest, RequestTooLarge, UnsupportedContentType
from tot_jwt.http.chunked import read_chunked

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"

#: In bytes.
MAX_BODY = 8 * 1024
MAX_DEPTH = 32

# DRF's own words for the same errors.
REQUIRED = "This field is required."
NULL = "This field may not be null."
NOT_A_STRING = "Not a valid string."
BLANK = "This field may not be blank."
TOO_LONG = "Ensure this field has no more than {} characters."
NUL_CHARACTER = "Null characters are not allowed."
SURROGATE = "Surrogate characters are not allowed."

#: Members in the order in which the client wrote them; a name can occur more than once.
Pairs = list[tuple[str, Any]]

_NO_QUERY = QueryDict(encoding="utf-8")


class _JSONObject(Pairs):
    """A JSON object with every member, in order, also the repeated ones."""


def read_query(request: HttpRequest) -> QueryDict:
    """Return the URL's query in UTF-8. Raises InvalidRequest.

    `request.GET` would use the charset of the body, which could hide a name.
    """
    query = request.META.get("QUERY_STRING")
    try:
        return QueryDict(query, encoding="utf-8") if query else _NO_QUERY
    except TooManyFieldsSent as error:
        raise InvalidRequest("not_parsed") from error


def read_body(request: HttpRequest) -> bytes:
    """Return the body if it has at most MAX_BODY bytes.

    Raises LengthRequired, RequestTooLarge, InvalidRequest.
    """
    read_chunked(request, MAX_BODY)
    try:
        declared = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError as error:
        raise InvalidRequest("unreadable_body") from error
    if declared > MAX_BODY:
        raise RequestTooLarge
    body = raw_body(request)
    if body is None:
        raise InvalidRequest("unreadable_body")
    if len(body) > MAX_BODY:
        raise RequestTooLarge
    return body


def raw_body(request: HttpRequest) -> bytes | None:
    """Return the body, up to Django's own limit, or None if a middleware has consumed it.

    Raises RequestTooLarge, InvalidRequest.
    """
    try:
        return request.body
    except RawPostDataException:
        return None
    except RequestDataTooBig as error:
        raise RequestTooLarge from error
    except (ValueError, UnreadablePostError) as error:
        raise InvalidRequest("unreadable_body") from error


@sensitive_variables()
def read_object(request: HttpRequest) -> Mapping[str, Any]:
    """Return the members of a JSON body. Nested objects stay lists of pairs.

    Raises InvalidRequest, RequestTooLarge, UnsupportedContentType.
    """
    if media_type(request) != JSON:
        raise UnsupportedContentType
    pairs = read_pairs(JSON, read_body(request))
    return unrepeated(pairs, {name for name, _ in pairs})


def media_type(request: HttpRequest) -> str:
    """Return the body's media type, or `""` if its charset is not UTF-8 or a part of it."""
    charset = (request.content_params or {}).get("charset", "utf-8").lower()
    return (request.content_type or "") if charset in ("utf-8", "utf8", "us-ascii") else ""


def read_pairs(kind: str, body: bytes) -> Pairs:
    """Return the members of a JSON or form body. Raises InvalidRequest, also for deep nesting."""
    pairs = parse(kind, body)
    check_depth(body, pairs)
    return pairs


def parse(kind: str, body: bytes, charset: str = "utf-8") -> Pairs:
    """Return the members of a JSON or form body. Raises InvalidRequest."""
    try:
        text = body.decode(charset)
        value = _parse_form(text) if kind == FORM else _DECODER.decode(text)
    except (ValueError, RecursionError):
        # Without the cause, which carries the whole body.
        raise InvalidRequest("not_parsed") from None
    if kind != FORM and not isinstance(value, _JSONObject):
        raise InvalidRequest("not_an_object")
    pairs: Pairs = value
    return pairs


def check_depth(body: bytes, pairs: Pairs) -> None:
    """Raise InvalidRequest if the members are nested more than MAX_DEPTH deep."""
    # Few brackets cannot nest deeply: counting them spares the walk.
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return
    level: list[list[Any]] = [pairs]
    for _ in range(MAX_DEPTH):
        level = [child for container in level for child in _containers(container)]
        if not level:
            return
    raise InvalidRequest("too_deep")


def unrepeated(pairs: Iterable[tuple[str, Any]], names: Iterable[str]) -> Mapping[str, Any]:
    """Return the members with these names. Raises InvalidRequest if one of them is repeated."""
    known = [(name, value) for name, value in pairs if name in names]
    members = dict(known)
    if len(members) < len(known):
        raise InvalidRequest("given_twice")
    return members


def as_object(value: Any) -> dict[str, Any] | None:
    """Return a member that is a JSON object as a dict. None if it is not, or repeats a name."""
    members = dict(value) if isinstance(value, _JSONObject) else None
    return members if members is not None and len(members) == len(value) else None


def text_error(value: Any, limit: int) -> str | None:
    """Return what is wrong with a value that must be text of at most `limit` characters."""
    if value is None:
        return NULL
    if not isinstance(value, str):
        return NOT_A_STRING
    if not value.strip():
        return BLANK
    if len(value) > limit:
        return TOO_LONG.format(limit)
    if "\0" in value:
        return NUL_CHARACTER
    return SURROGATE if _has_surrogates(value) else None


def _parse_form(text: str) -> Pairs:
    return parse_qsl(
        text,
        keep_blank_values=True,
        errors="strict",
        max_num_fields=host_settings.DATA_UPLOAD_MAX_NUMBER_FIELDS,
    )


def _containers(container: list[Any]) -> Iterable[list[Any]]:
    values = (v for _, v in container) if isinstance(container, _JSONObject) else container
    return (value for value in values if isinstance(value, list))


def _has_surrogates(text: str) -> bool:
    return not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text)


def _number(digits: str) -> float:
    # int() rejects integers of thousands of digits, which are valid JSON.
    return int(digits) if len(digits) < 20 else float(digits)


def _reject_constant(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


# Built once: `json.loads` with hooks builds a decoder at each call.
_DECODER = json.JSONDecoder(
    object_pairs_hook=_JSONObject, parse_int=_number, parse_constant=_reject_constant
)
