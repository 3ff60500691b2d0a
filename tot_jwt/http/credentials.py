"""API keys in the body of an exchange, and the rules for the values of all API keys.

The functions use no generator expressions over secrets: on Python 3.11 `sensitive_variables` does
not hide what runs inside one, because a generator's frame does not lead back to its caller.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from tot_jwt.exceptions import InvalidFields, InvalidRequest, UnsupportedContentType
from tot_jwt.http.json_as_form import object_in_form, reject_json
from tot_jwt.http.names import API_KEY, APP_DOMAIN, SECRET_KEY
from tot_jwt.http.reading import (
    FORM,
    JSON,
    REQUIRED,
    media_type,
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

#: The most characters of each credential.
LIMITS = {
    APP_DOMAIN: lengths.SENT_DOMAIN,
    API_KEY: lengths.PUBLIC_KEY,
    SECRET_KEY: lengths.SECRET_KEY,
}


class ExchangeRequest(NamedTuple):
    """The credentials, and the scopes that the client requests; None means all."""

    credentials: Credentials
    scopes: frozenset[str] | None


@sensitive_variables()
def read_exchange(request: HttpRequest) -> ExchangeRequest:
    """Return the credentials and scopes in the body of an exchange.

    Raises InvalidRequest, InvalidFields, LengthRequired, RequestTooLarge, UnsupportedContentType.
    """
    if has_keys_in_query(request):
        raise InvalidRequest("keys_in_query")
    kind = media_type(request)
    if kind not in (JSON, FORM):
        raise UnsupportedContentType
    members = _read_members(request, kind, read_body(request))
    errors = _errors(members)
    scopes = _scopes(members["scopes"], errors) if "scopes" in members else None
    return ExchangeRequest(_credentials(members, errors), scopes)


def has_keys_in_query(request: HttpRequest) -> bool:
    """Return whether the URL's query has keys. Raises InvalidRequest."""
    query = read_query(request)
    if not query:
        return False
    keys = {API_KEY, SECRET_KEY}
    # Django reads the query in the charset of the body.
    if request.encoding and keys.isdisjoint(query) and not keys.isdisjoint(request.GET):
        raise InvalidRequest("keys_in_query")
    return not keys.isdisjoint(query)


@sensitive_variables()
def read_credentials(members: Mapping[str, Any]) -> Credentials:
    """Return the credentials among these members. Raises InvalidFields."""
    return _credentials(members, _errors(members))


@sensitive_variables()
def _read_members(request: HttpRequest, kind: str, body: bytes) -> Mapping[str, Any]:
    is_json = kind == FORM and object_in_form(body) is not None
    try:
        members = unrepeated(read_pairs(kind, body), (*LIMITS, "scopes"))
    except InvalidRequest:
        if is_json:
            raise reject_json(request) from None
        raise
    if is_json and not members.keys() >= LIMITS.keys():
        raise reject_json(request)
    return members


def _errors(members: Mapping[str, Any]) -> dict[str, list[str]]:
    checked = [(name, _error(members, name, limit)) for name, limit in LIMITS.items()]
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
