"""Strict reading of requests: nothing coerced, trimmed or guessed, and no input that ends in an exception of Python's.

Our own, since DRF's parsers and serializers accept members given twice, turn numbers into strings and let the deep
nesting of an attacker through to the recursion limit.
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

JSON = "application/json"


FORM = "application/x-www-form-urlencoded"


MAX_BODY = 8 * 1024


MAX_DEPTH = 32


REQUIRED = "This field is required."


NULL = "This field may not be null."


NOT_A_STRING = "Not a valid string."


BLANK = "This field may not be blank."


TOO_LONG = "Ensure this field has no more than {} characters."


NUL_CHARACTER = "Null characters are not allowed."


SURROGATE = "Surrogate characters are not allowed."


Pairs = Iterable[tuple[str, Any]]


_NO_QUERY = QueryDict(encoding="utf-8")


class _JSONObject(list[tuple[str, Any]]):
    """A JSON object as it was written: every member, in order, also those given twice."""


def read_query(request: HttpRequest) -> QueryDict:
    """The URL's query in UTF-8; in `request.GET` the charset of the body could hide a name. Raises InvalidRequest."""
    query = request.META.get("QUERY_STRING")
    try:
        return QueryDict(query, encoding="utf-8") if query else _NO_QUERY
    except TooManyFieldsSent as error:
        raise InvalidRequest("not_parsed") from error


def read_body(request: HttpRequest, limit: int = MAX_BODY) -> bytes:
    """The body, if it is not longer than `limit` bytes. Raises RequestTooLarge, InvalidRequest."""
    try:
        if int(request.META.get("CONTENT_LENGTH") or 0) > limit:
            raise RequestTooLarge
        body = request.body
    except RequestDataTooBig as error:
        raise RequestTooLarge from error
    except (ValueError, UnreadablePostError, RawPostDataException) as error:
        raise InvalidRequest("unreadable_body") from error
    if len(body) > limit:
        raise RequestTooLarge
    return body


@sensitive_variables()
def read_object(request: HttpRequest) -> Mapping[str, Any]:
    """The members of a JSON body, each given once; objects within are left as they were written."""
    if _media_type(request) != JSON:
        raise UnsupportedContentType
    pairs = _pairs(JSON, read_body(request))
    return _once(pairs, {name for name, _ in pairs})


def _media_type(request: HttpRequest) -> str:
    """The body's media type, `""` where it is not in UTF-8."""
    charset = (request.content_params or {}).get("charset", "utf-8").lower()
    return (request.content_type or "") if charset in ("utf-8", "utf8") else ""


def _pairs(media_type: str, body: bytes) -> list[tuple[str, Any]]:
    pairs = _parsed(media_type, body)
    _check_depth(body, pairs)
    return pairs


def _parsed(media_type: str, body: bytes) -> list[tuple[str, Any]]:
    try:
        text = body.decode()
        if media_type == FORM:
            return parse_qsl(
                text,
                keep_blank_values=True,
                errors="strict",
                max_num_fields=host_settings.DATA_UPLOAD_MAX_NUMBER_FIELDS,
            )
        value = _DECODER.decode(text)
    except (ValueError, RecursionError):
        # Without its cause, which carries the whole body.
        raise InvalidRequest("not_parsed") from None
    if not isinstance(value, _JSONObject):
        raise InvalidRequest("not_an_object")
    return value


def _number(digits: str) -> float:
    """An integer; int() refuses those of thousands of digits, which are JSON all the same."""
    return int(digits) if len(digits) < 20 else float(digits)


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


#: One for all: `json.loads` with hooks makes one at each call.
_DECODER = json.JSONDecoder(
    object_pairs_hook=_JSONObject, parse_int=_number, parse_constant=_refuse
)


def _check_depth(body: bytes, members: list[Any]) -> None:
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return
    level = [members]
    for _ in range(MAX_DEPTH):
        level = [child for container in level for child in _containers(container)]
        if not level:
            return
    raise InvalidRequest("too_deep")


def _containers(container: list[Any]) -> Iterable[list[Any]]:
    values = (value for _, value in container) if isinstance(container, _JSONObject) else container
    return (value for value in values if isinstance(value, list))


def _once(pairs: Pairs, names: Iterable[str]) -> Mapping[str, Any]:
    """The members of these names, each given once; others are ignored."""
    ours = [(name, value) for name, value in pairs if name in names]
    members = dict(ours)
    if len(members) < len(ours):
        raise InvalidRequest("given_twice")
    return members


def text_fault(value: Any, limit: int) -> str | None:
    """What is wrong with a value that must be a text of at most `limit` characters."""
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


def _has_surrogates(text: str) -> bool:
    return not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text)
