"""API keys in a request: the body of an exchange, or direct keys beside other data.

The functions use no generator expressions over secrets: on Python 3.11 `sensitive_variables` does
not hide what runs inside one, because a generator's frame does not lead back to its caller.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from tot_jwt.conf import settings
from tot_jwt.exceptions import InvalidFields, InvalidRequest, UnsupportedContentType
from tot_jwt.http.headers import CREDENTIAL_HEADERS
from tot_jwt.http.names import API_KEY, APP_DOMAIN, SECRET_KEY
from tot_jwt.http.reading import (
    FORM,
    JSON,
    REQUIRED,
    check_depth,
    media_type,
    parse,
    raw_body,
    read_body,
    read_pairs,
    read_query,
    text_error,
    unrepeated,
)
from tot_jwt.rules import lengths
from tot_jwt.rules.credentials import Credentials, PresentedSecret
from tot_jwt.utils.formats import is_scope_token

NOT_SCOPES = "Not a list of scopes (RFC 6749 section 3.3)."

_LIMITS = {
    APP_DOMAIN: lengths.DOMAIN,
    API_KEY: lengths.PUBLIC_KEY,
    SECRET_KEY: lengths.SECRET_KEY,
}
#: A request with one of these members has direct keys.
_KEYS = (API_KEY, SECRET_KEY)
_KEYS_AS_BYTES = tuple(name.encode() for name in _KEYS)


class ExchangeRequest(NamedTuple):
    """The credentials, and the scopes that the client requests; None means all."""

    credentials: Credentials
    scopes: frozenset[str] | None


class DirectCredentials(NamedTuple):
    """API keys that came with a request for something else."""

    credentials: Credentials
    in_body: bool


@sensitive_variables()
def read_exchange(request: HttpRequest) -> ExchangeRequest:
    """Return the credentials and scopes in the body of an exchange.

    Raises InvalidRequest, InvalidFields, RequestTooLarge, UnsupportedContentType.
    """
    if _keys_in_query(request):
        raise InvalidRequest("keys_in_query")
    kind = media_type(request)
    if kind not in (JSON, FORM):
        raise UnsupportedContentType
    members = unrepeated(read_pairs(kind, read_body(request)), (*_LIMITS, "scopes"))
    errors = _errors(members)
    scopes = _scopes(members["scopes"], errors) if "scopes" in members else None
    return ExchangeRequest(_credentials(members, errors), scopes)


@sensitive_variables()
def find_credentials(request: HttpRequest) -> DirectCredentials | None:
    """Return the API keys in a request's headers, query or body, or None if there is no trace.

    Raises InvalidRequest if they are incomplete, in two places, or in the query without
    API_KEYS_IN_QUERY.
    """
    meta = request.META
    headers = {n: meta[header] for n, header in CREDENTIAL_HEADERS.items() if header in meta}
    in_query = _find_in_query(request)
    in_body = _find_in_body(request)
    places = [members for members in (headers, in_query, in_body) if members]
    if not places:
        return None
    if len(places) > 1:
        raise InvalidRequest("keys_in_two_places")
    return DirectCredentials(_credentials(places[0], _errors(places[0])), bool(in_body))


def _keys_in_query(request: HttpRequest) -> bool:
    query = read_query(request)
    return bool(query) and any(name in query for name in _KEYS)


def _find_in_query(request: HttpRequest) -> Mapping[str, Any]:
    if not _keys_in_query(request):
        return {}
    if not settings.API_KEYS_IN_QUERY:
        raise InvalidRequest("keys_in_query")
    query = read_query(request)
    return unrepeated([(name, v) for name, values in query.lists() for v in values], _LIMITS)


def _find_in_body(request: HttpRequest) -> Mapping[str, Any]:
    declared = request.content_type or ""
    # DRF's parsers also match a declared pattern (application/*), and other charsets than UTF-8.
    if declared not in (JSON, FORM) and "*" not in declared:
        return {}
    body = raw_body(request) or b""
    has_names = _has_names(body)
    if not has_names and b"\\" not in body and b"%" not in body:
        return {}
    try:
        pairs = parse(FORM if declared == FORM else JSON, body)
    except InvalidRequest:
        if has_names:
            raise
        return {}  # The view's own parser decides what this is.
    if not {name for name, _ in pairs}.intersection(_KEYS):
        return {}
    if media_type(request) != declared:
        raise UnsupportedContentType
    check_depth(body, pairs)
    return unrepeated(pairs, _LIMITS)


def _has_names(body: bytes) -> bool:
    """Return whether one of the names may stand in the body unescaped, also in UTF-16."""
    text = body.replace(b"\0", b"")
    return bool([name for name in _KEYS_AS_BYTES if name in text])


def _errors(members: Mapping[str, Any]) -> dict[str, list[str]]:
    checked = [(name, _error(members, name, limit)) for name, limit in _LIMITS.items()]
    return {name: [error] for name, error in checked if error}


def _error(members: Mapping[str, Any], name: str, limit: int) -> str | None:
    return text_error(members[name], limit) if name in members else REQUIRED


def _scopes(value: Any, errors: dict[str, list[str]]) -> frozenset[str]:
    scopes = value.split(" ") if isinstance(value, str) else value
    is_list = isinstance(scopes, list) and bool(scopes)
    if is_list and all(isinstance(scope, str) and is_scope_token(scope) for scope in scopes):
        return frozenset(scopes)
    errors["scopes"] = [NOT_SCOPES]
    return frozenset()


def _credentials(members: Mapping[str, Any], errors: dict[str, list[str]]) -> Credentials:
    if errors:
        raise InvalidFields(errors)
    secret = PresentedSecret(members[SECRET_KEY])
    return Credentials(members[APP_DOMAIN], members[API_KEY], secret)
