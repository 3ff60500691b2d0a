"""Requests to the OAuth endpoints: a form, and the authentication of the client (RFC 6749 §2.3).

As in `tot_jwt.http.credentials`, no generator expression runs over secrets.
"""

import binascii
from base64 import b64decode
from collections.abc import Mapping
from urllib.parse import unquote_plus

from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from tot_jwt.exceptions import (
    InvalidCredentials,
    InvalidFields,
    InvalidRequest,
    UnsupportedContentType,
)
from tot_jwt.http.credentials import has_keys_in_query
from tot_jwt.http.headers import reads_authorization
from tot_jwt.http.json_as_form import object_in_form, reject_json
from tot_jwt.http.reading import (
    FORM,
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

GRANT_TYPE = "client_credentials"

CLIENT_SECRET = "client_secret"  # noqa: S105 - a name
#: All parameters that an endpoint reads. It ignores others, repeated or not.
_PARAMETERS = {"grant_type", "scope", "client_id", CLIENT_SECRET, "token", "token_type_hint"}
#: Parameters that a URL must not have: logs and error reports keep URLs.
_SECRETS = {CLIENT_SECRET, "token", "access_token"}

#: The parameters of a form that have a value.
Parameters = Mapping[str, str]


class UnsupportedGrantType(InvalidRequest):
    """The client requests a token by another grant than its credentials."""

    code = "unsupported_grant_type"
    detail = f"The only grant type is {GRANT_TYPE}"


class MalformedScope(InvalidRequest):
    """The requested scope is not a space-separated list of scope-tokens (RFC 6749 §3.3)."""

    code, detail = "invalid_scope", "The requested scope is malformed"


@sensitive_variables()
def read_parameters(request: HttpRequest) -> Parameters:
    """Return the parameters of the form. Those without a value count as omitted (§3.1).

    Raises InvalidRequest, LengthRequired, RequestTooLarge, UnsupportedContentType.
    """
    if not _SECRETS.isdisjoint(read_query(request)) or has_keys_in_query(request):
        raise InvalidRequest("keys_in_query")
    if media_type(request) != FORM:
        raise UnsupportedContentType
    body = read_body(request)
    if object_in_form(body) is not None:
        raise reject_json(request)
    members = unrepeated(read_pairs(FORM, body), _PARAMETERS)
    return {name: value for name, value in members.items() if value}


def read_grant(parameters: Parameters) -> frozenset[str] | None:
    """Return the scopes that the client requests, or None for all.

    Raises InvalidFields, UnsupportedGrantType, MalformedScope.
    """
    if required(parameters, "grant_type") != GRANT_TYPE:
        raise UnsupportedGrantType
    if "scope" not in parameters:
        return None
    scopes = parameters["scope"].split(" ")
    if not all(map(is_scope_token, scopes)):
        raise MalformedScope
    return frozenset(scopes)


def required(parameters: Parameters, name: str) -> str:
    """Return a parameter. Raises InvalidFields if it is missing."""
    if name not in parameters:
        raise InvalidFields({name: [REQUIRED]})
    return parameters[name]


@sensitive_variables()
def read_client(request: HttpRequest, parameters: Parameters) -> Credentials:
    """Return the credentials of the client, from HTTP Basic or the form, without a domain.

    Raises InvalidCredentials if there are none; InvalidRequest if there are two.
    """
    header = request.META.get("HTTP_AUTHORIZATION") if reads_authorization() else None
    if not header:
        if CLIENT_SECRET not in parameters:
            raise InvalidCredentials("no_authentication")
        return _credentials(parameters.get("client_id", ""), parameters[CLIENT_SECRET])
    if CLIENT_SECRET in parameters:
        raise InvalidRequest("two_methods")
    client_id, secret = _read_basic(header)
    # Some clients repeat their id, which is not a second authentication.
    if parameters.get("client_id", client_id) != client_id:
        raise InvalidRequest("two_methods")
    return _credentials(client_id, secret)


@sensitive_variables()
def _read_basic(header: str) -> tuple[str, str]:
    """Return id and secret, each form-urlencoded within HTTP Basic (§2.3.1)."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        raise InvalidCredentials("unsupported_authentication")
    try:
        client_id, _, secret = b64decode(encoded, validate=True).decode().partition(":")
        return unquote_plus(client_id, errors="strict"), unquote_plus(secret, errors="strict")
    except (binascii.Error, ValueError):
        raise InvalidCredentials("malformed_authentication") from None


@sensitive_variables()
def _credentials(client_id: str, secret: str) -> Credentials:
    errors = text_error(client_id, lengths.PUBLIC_KEY), text_error(secret, lengths.SECRET_KEY)
    if any(errors):
        raise InvalidCredentials("malformed_authentication")
    return Credentials(None, client_id, PresentedSecret(secret))
