"""API keys that clients send directly to a host's view, beside other data.

The functions read a body as the host's own parsers would. They find the same names, whatever
charset, escape or content type hides them.
"""

import codecs
import json
from collections.abc import Mapping
from io import BytesIO
from typing import Any, NamedTuple
from urllib.parse import unquote_plus

from django.conf import settings as host_settings
from django.http import HttpRequest
from django.http.request import RawPostDataException
from django.views.decorators.debug import sensitive_variables
from rest_framework import parsers
from rest_framework.request import Request

from tot_jwt.conf import settings
from tot_jwt.exceptions import InvalidRequest, UnsupportedContentType
from tot_jwt.http.caching import http_request
from tot_jwt.http.chunked import read_chunked
from tot_jwt.http.credentials import LIMITS, has_keys_in_query, read_credentials
from tot_jwt.http.headers import CREDENTIAL_HEADERS
from tot_jwt.http.json_as_form import object_in_form, reject_json
from tot_jwt.http.names import SECRET_KEY
from tot_jwt.http.reading import (
    FORM,
    JSON,
    MAX_BODY,
    Pairs,
    check_depth,
    parse,
    raw_body,
    read_query,
    unrepeated,
)
from tot_jwt.http.search import (
    TRIGGERS,
    find_in_form,
    find_in_large_json,
    has_trigger,
    may_have_keys,
)
from tot_jwt.rules.credentials import Credentials, Redacted

#: A body that neither a form nor a JSON parser reads.
OTHER = "other"

#: Codecs of Python that no client needs, and that read long text slowly or warn about it.
_UNREADABLE = {"idna", "punycode", "unicode-escape"}
#: Prefixes of the codecs in which each byte of ASCII stands for itself.
_LIKE_ASCII = ("ascii", "utf-8", "iso8859-", "cp125")


class DirectCredentials(NamedTuple):
    """API keys that came with a request for something else."""

    credentials: Credentials
    #: The secret, if it was in the body.
    secret_in_body: Redacted | None


@sensitive_variables()
def find_credentials(request: Request | HttpRequest) -> DirectCredentials | None:
    """Return the API keys in a request's headers, query or body, or None if there is no trace.

    Raises InvalidRequest if they are incomplete, in two places, or in the query without
    API_KEYS_IN_QUERY.
    """
    own = http_request(request)
    meta = own.META
    headers = {n: meta[header] for n, header in CREDENTIAL_HEADERS.items() if header in meta}
    in_query = _find_in_query(own)
    in_body = unrepeated(_find_in_body(request, own), LIMITS)
    places = [members for members in (headers, in_query, in_body) if members]
    if not places:
        return None
    if len(places) > 1:
        raise InvalidRequest("keys_in_two_places")
    credentials = read_credentials(places[0])
    return DirectCredentials(credentials, Redacted(in_body[SECRET_KEY]) if in_body else None)


def _find_in_query(request: HttpRequest) -> Mapping[str, Any]:
    if not has_keys_in_query(request):
        return {}
    if not settings.API_KEYS_IN_QUERY:
        raise InvalidRequest("keys_in_query")
    query = read_query(request)
    return unrepeated([(name, v) for name, values in query.lists() for v in values], LIMITS)


@sensitive_variables()
def _find_in_body(request: Request | HttpRequest, own: HttpRequest) -> Pairs:
    """Search the body as its declared type says and, without a find, as the view's parser reads."""
    declared = _declared_kind(own.content_type or "")
    if declared is not None:
        read_chunked(own, host_settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
    pairs = _find_as(declared, request, own)
    if not pairs and isinstance(request, Request) and _has_body(own):
        kind = _parsers_kind(request)
        # A parser of another make reads a declared form or JSON as such.
        pairs = _find_as(kind, request, own) if declared is None or kind != OTHER else []
    if not pairs and declared == FORM:
        _reject_json(own)
    return pairs


@sensitive_variables()
def _reject_json(request: HttpRequest) -> None:
    """Raise JSONSentAsForm if a declared form is JSON with keys."""
    text = object_in_form(raw_body(request) or b"")
    if text is not None and may_have_keys(text):
        raise reject_json(request)


@sensitive_variables()
def _find_as(kind: str | None, request: Request | HttpRequest, own: HttpRequest) -> Pairs:
    if kind is None:
        return []
    body = raw_body(own)
    if body is None or kind == OTHER:
        _reject_parsed_keys(request)
        return []
    charset = _charset(own)
    return _find_in_form(body, charset) if kind == FORM else _find_in_json(body, charset)


def _declared_kind(content_type: str) -> str | None:
    """Return how the declared type is read: FORM, JSON, or None if that depends on the parser."""
    if content_type in (FORM, JSON):
        return content_type
    return JSON if content_type.endswith("+json") else None


def _parsers_kind(request: Request) -> str | None:
    """Return what the view's parser reads: FORM, JSON, OTHER, or None if it reads no members."""
    negotiator: Any = request.negotiator
    match negotiator.select_parser(request, request.parsers):
        case None | parsers.MultiPartParser() | parsers.FileUploadParser():
            return None
        case parsers.FormParser():
            return FORM
        case parsers.JSONParser():
            return JSON
    return OTHER


def _has_body(request: HttpRequest) -> bool:
    """Return whether Django REST framework reads a body."""
    meta = request.META
    return meta.get("CONTENT_LENGTH", meta.get("HTTP_CONTENT_LENGTH")) not in (None, "", "0", 0)


def _reject_parsed_keys(request: Request | HttpRequest) -> None:
    """Raise InvalidRequest if the view's own parser finds keys in a body that is not searched."""
    try:
        data = getattr(request, "data", None)
    except RawPostDataException:
        return  # A middleware has read the body, and the view cannot.
    if isinstance(data, Mapping) and not data.keys().isdisjoint(TRIGGERS):
        raise InvalidRequest("keys_in_other_format")


def _charset(request: HttpRequest) -> str:
    """Return the name of Python's codec for the body. Raises UnsupportedContentType."""
    try:
        charset = codecs.lookup(request.encoding or host_settings.DEFAULT_CHARSET).name
        "".encode(charset)  # rejects codecs that do not read text
    except (LookupError, ValueError):
        raise UnsupportedContentType from None
    if charset in _UNREADABLE:
        raise UnsupportedContentType
    return charset


@sensitive_variables()
def _find_in_form(body: bytes, charset: str) -> Pairs:
    if not _is_like_ascii(charset):
        fields = (_decode(body, charset) or body.decode("latin-1")).split("&")
        limit = host_settings.DATA_UPLOAD_MAX_NUMBER_FIELDS
        if limit is not None and len(fields) > limit:
            return []  # Django parses no form with so many fields.
        names = [unquote_plus(field.partition("=")[0], charset) for field in fields]
        if not set(names).isdisjoint(TRIGGERS):
            raise InvalidRequest("charset")
    return find_in_form(body)


@sensitive_variables()
def _find_in_json(body: bytes, charset: str) -> Pairs:
    # Parsers decode by the declared charset, always in UTF-8, or as `json.loads` detects.
    body = body.removeprefix(codecs.BOM_UTF8)
    pairs = _find_in_json_text(body, charset if _is_like_ascii(charset) else "utf-8")
    for other in {charset, json.detect_encoding(body)}:
        if not pairs and not _is_like_ascii(other) and (text := _read(body, other)):
            pairs = _find_in_json_text(text.encode(errors="surrogatepass"), "utf-8")
    return pairs


@sensitive_variables()
def _find_in_json_text(body: bytes, charset: str) -> Pairs:
    if not may_have_keys(body):
        return []
    is_large = len(body) > MAX_BODY
    pairs = find_in_large_json(body, charset) if is_large else parse(JSON, body, charset)
    if not has_trigger(pairs):
        return []
    if not is_large:
        check_depth(body, pairs)
    return pairs


def _is_like_ascii(charset: str) -> bool:
    return charset.startswith(_LIKE_ASCII) and charset != "utf-8-sig"


@sensitive_variables()
def _decode(body: bytes, charset: str) -> str:
    """Return the text, or `""` if the body is not in this charset."""
    try:
        return body.decode(charset)
    except (LookupError, ValueError):
        return ""


@sensitive_variables()
def _read(body: bytes, charset: str) -> str:
    """Return the text as JSON parsers read it, or `""` if the body is not in this charset.

    A stream ignores an incomplete character at the end. `json.loads` accepts lone surrogates.
    """
    errors = "surrogatepass" if charset.startswith(("utf-16", "utf-32")) else "strict"
    try:
        return codecs.getreader(charset)(BytesIO(body), errors).read()
    except (LookupError, ValueError):
        return ""
