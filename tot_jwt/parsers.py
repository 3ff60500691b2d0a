"""Strict reading of requests: nothing coerced, trimmed or guessed, and no input that ends in an exception of Python's.

Our own, since DRF's parsers and serializers accept members given twice, turn numbers into strings and let the deep
nesting of an attacker through to the recursion limit.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from django.conf import settings as host_settings
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent
from django.http import HttpRequest, QueryDict, UnreadablePostError
from django.http.request import RawPostDataException
from django.views.decorators.debug import sensitive_variables

from tot_jwt.conf import settings
from tot_jwt.credentials import Credentials, PresentedSecret
from tot_jwt.exceptions import InvalidFields, InvalidRequest, RequestTooLarge, UnsupportedMediaType
from tot_jwt.scopes import is_scope_token

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"

MAX_BODY = 8 * 1024
MAX_DEPTH = 32

#: The credentials' fields and their greatest lengths.
CREDENTIALS = {"appDomain": 253, "totApiKey": 128, "totSecretKey": 512}
#: Those of them that make a request one with API keys.
KEYS = ("totApiKey", "totSecretKey")
_KEYS_AS_BYTES = tuple(name.encode() for name in KEYS)
#: Where they stand when they are sent as headers.
HEADERS = {
    "appDomain": "HTTP_TOT_APP_DOMAIN",
    "totApiKey": "HTTP_TOT_API_KEY",
    "totSecretKey": "HTTP_TOT_SECRET_KEY",
}

REQUIRED = "This field is required."
NULL = "This field may not be null."
NOT_A_STRING = "Not a valid string."
BLANK = "This field may not be blank."
TOO_LONG = "Ensure this field has no more than {} characters."
NUL_CHARACTER = "Null characters are not allowed."
SURROGATE = "Surrogate characters are not allowed."
NOT_SCOPES = "Not a list of scopes (RFC 6749 section 3.3)."


class ExchangeRequest(NamedTuple):
    """What a client asks for: credentials, and the scopes that it wants, or None for all."""

    credentials: Credentials
    scopes: frozenset[str] | None


class DirectCredentials(NamedTuple):
    """API keys sent with a request for something else."""

    credentials: Credentials
    in_body: bool


Pairs = Iterable[tuple[str, Any]]


_NO_QUERY = QueryDict(encoding="utf-8")


class _JSONObject(list[tuple[str, Any]]):
    """A JSON object as it was written: every member, in order, also those given twice."""


@sensitive_variables()
def read_exchange(request: HttpRequest) -> ExchangeRequest:
    """The credentials and scopes in the body. Raises InvalidRequest, InvalidFields and their kin."""
    query = read_query(request)
    if query and any(name in query for name in KEYS):
        raise InvalidRequest("keys_in_query")
    media_type = _media_type(request)
    if media_type not in (JSON, FORM):
        raise UnsupportedMediaType
    members = _once(_pairs(media_type, read_body(request)), (*CREDENTIALS, "scopes"))
    errors = _errors(members)
    scopes = _scopes(members["scopes"], errors) if "scopes" in members else None
    return ExchangeRequest(_credentials(members, errors), scopes)


@sensitive_variables()
def find_credentials(request: HttpRequest) -> DirectCredentials | None:
    """The API keys in a request's headers, query or body; None where there is no trace of any.

    Raises InvalidRequest where they stand in the query against API_KEYS_IN_QUERY, in two places, or incomplete.
    """
    places: list[tuple[Mapping[str, Any], bool]] = []
    headers = {name: request.META[header] for name, header in HEADERS.items() if header in request.META}
    if headers:
        places.append((headers, False))
    query = read_query(request)
    if query and any(name in query for name in KEYS):
        if not settings.API_KEYS_IN_QUERY:
            raise InvalidRequest("keys_in_query")
        pairs = ((name, value) for name, values in query.lists() for value in values)
        places.append((_once(pairs, CREDENTIALS), False))
    in_body = _find_in_body(request)
    if in_body:
        places.append((in_body, True))
    if not places:
        return None
    if len(places) > 1:
        raise InvalidRequest("keys_in_two_places")
    members, is_body = places[0]
    return DirectCredentials(_credentials(members, _errors(members)), is_body)


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
        raise UnsupportedMediaType
    pairs = _pairs(JSON, read_body(request))
    return _once(pairs, {name for name, _ in pairs})


def _find_in_body(request: HttpRequest) -> Mapping[str, Any] | None:
    declared = request.content_type or ""
    # DRF's parsers take what is declared as a pattern (application/*), and other charsets than UTF-8.
    if declared not in (JSON, FORM) and "*" not in declared:
        return None
    try:
        body = request.body
    except RawPostDataException:
        return None  # A middleware has read it away.
    except RequestDataTooBig as error:
        raise RequestTooLarge from error
    except (ValueError, UnreadablePostError) as error:
        raise InvalidRequest("unreadable_body") from error
    has_names = _has_names(body)
    if not has_names and not any(escape in body for escape in (b"\\", b"%")):
        return None
    try:
        pairs = _parsed(FORM if declared == FORM else JSON, body)
    except InvalidRequest:
        if has_names:
            raise
        return None  # Whatever it is, it is for the view's own parser.
    if not any(name in KEYS for name, _ in pairs):
        return None
    if _media_type(request) != declared:
        raise UnsupportedMediaType
    _check_depth(body, pairs)
    return _once(pairs, CREDENTIALS)


def _has_names(body: bytes) -> bool:
    """Whether one of our names may stand in the body as it is, also in UTF-16."""
    text = body.replace(b"\0", b"")
    return any(name in text for name in _KEYS_AS_BYTES)


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
_DECODER = json.JSONDecoder(object_pairs_hook=_JSONObject, parse_int=_number, parse_constant=_refuse)


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


def _errors(members: Mapping[str, Any]) -> dict[str, list[str]]:
    checked = ((name, _fault(members, name, limit)) for name, limit in CREDENTIALS.items())
    return {name: [fault] for name, fault in checked if fault}


def _fault(members: Mapping[str, Any], name: str, limit: int) -> str | None:
    return text_fault(members[name], limit) if name in members else REQUIRED


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


def _scopes(value: Any, errors: dict[str, list[str]]) -> frozenset[str]:
    scopes = value.split(" ") if isinstance(value, str) else value
    if isinstance(scopes, list) and scopes and all(isinstance(s, str) and is_scope_token(s) for s in scopes):
        return frozenset(scopes)
    errors["scopes"] = [NOT_SCOPES]
    return frozenset()


def _credentials(members: Mapping[str, Any], errors: dict[str, list[str]]) -> Credentials:
    if errors:
        raise InvalidFields(errors)
    return Credentials(members["appDomain"], members["totApiKey"], PresentedSecret(members["totSecretKey"]))
