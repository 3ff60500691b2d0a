"""TODO"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, UnreadablePostError
from django.http.request import RawPostDataException
from django.views.decorators.debug import sensitive_variables

from tot_jwt.conf import settings
from tot_jwt.exceptions import (
    InvalidFields,
    InvalidRequest,
    RequestTooLarge,
    UnsupportedContentType,
)
from tot_jwt.http.reading import (
    FORM,
    JSON,
    REQUIRED,
    _check_depth,
    _media_type,
    _once,
    _pairs,
    _parsed,
    read_body,
    read_query,
    text_fault,
)
from tot_jwt.rules.credentials import Credentials, PresentedSecret
from tot_jwt.rules.scopes import is_scope_token

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


NOT_SCOPES = "Not a list of scopes (RFC 6749 section 3.3)."


class ExchangeRequest(NamedTuple):
    """What a client asks for: credentials, and the scopes that it wants, or None for all."""

    credentials: Credentials
    scopes: frozenset[str] | None


class DirectCredentials(NamedTuple):
    """API keys sent with a request for something else."""

    credentials: Credentials
    in_body: bool


@sensitive_variables()
def read_exchange(request: HttpRequest) -> ExchangeRequest:
    """The credentials and scopes in the body. Raises InvalidRequest, InvalidFields and their kin."""
    query = read_query(request)
    if query and any(name in query for name in KEYS):
        raise InvalidRequest("keys_in_query")
    media_type = _media_type(request)
    if media_type not in (JSON, FORM):
        raise UnsupportedContentType
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
    headers = {
        name: request.META[header] for name, header in HEADERS.items() if header in request.META
    }
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
        raise UnsupportedContentType
    _check_depth(body, pairs)
    return _once(pairs, CREDENTIALS)


def _has_names(body: bytes) -> bool:
    """Whether one of our names may stand in the body as it is, also in UTF-16."""
    text = body.replace(b"\0", b"")
    return any(name in text for name in _KEYS_AS_BYTES)


def _errors(members: Mapping[str, Any]) -> dict[str, list[str]]:
    checked = ((name, _fault(members, name, limit)) for name, limit in CREDENTIALS.items())
    return {name: [fault] for name, fault in checked if fault}


def _fault(members: Mapping[str, Any], name: str, limit: int) -> str | None:
    return text_fault(members[name], limit) if name in members else REQUIRED


def _scopes(value: Any, errors: dict[str, list[str]]) -> frozenset[str]:
    scopes = value.split(" ") if isinstance(value, str) else value
    if (
        isinstance(scopes, list)
        and scopes
        and all(isinstance(s, str) and is_scope_token(s) for s in scopes)
    ):
        return frozenset(scopes)
    errors["scopes"] = [NOT_SCOPES]
    return frozenset()


def _credentials(members: Mapping[str, Any], errors: dict[str, list[str]]) -> Credentials:
    if errors:
        raise InvalidFields(errors)
    return Credentials(
        members["appDomain"], members["totApiKey"], PresentedSecret(members["totSecretKey"])
    )
