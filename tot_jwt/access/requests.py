"""The token of a plain HttpRequest, for views outside Django REST framework."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from tot_jwt.access.asynchronous import averify_token
from tot_jwt.access.verification import verify_token
from tot_jwt.conf import settings
from tot_jwt.exceptions import CredentialsRequired, InsufficientScope
from tot_jwt.http.addresses import client_address
from tot_jwt.http.headers import bearer
from tot_jwt.http.hiding import hide_secret
from tot_jwt.principal import ApiClient, refuse
from tot_jwt.tokens.token import TOKEN_TYPE, ApiToken, unverified_token_type
from tot_jwt.utils.formats import is_scope_token


@sensitive_variables()
def verify_request(request: HttpRequest, scopes: Sequence[str] = ()) -> tuple[ApiClient, ApiToken]:
    """Return the client of the request and its token, and set `request.user` and `request.auth`.

    Raises InvalidRequest, CredentialsRequired, MalformedToken, InvalidToken, ExpiredToken,
    RevokedToken, InsufficientPermissions, InsufficientScope, ServiceUnavailable.
    """
    raw, address = _required_bearer(request), client_address(request.META)
    client, token = _enter(request, *verify_token(raw, address=address))
    for scope in scopes:
        if not client.has_scope(scope):
            raise _refusal(client, scopes)
    return client, token


@sensitive_variables()
async def averify_request(
    request: HttpRequest, scopes: Sequence[str] = ()
) -> tuple[ApiClient, ApiToken]:
    """Return what `verify_request` returns, without a query in the event loop. Raises the same."""
    raw, address = _required_bearer(request), client_address(request.META)
    client, token = _enter(request, *await averify_token(raw, address=address))
    for scope in scopes:
        if not await client.ahas_scope(scope):
            raise _refusal(client, scopes)
    return client, token


@sensitive_variables()
def presents_own_token(request: HttpRequest) -> bool:
    """Return whether the request has a JWT of our type, which is not verified yet.

    Raises InvalidRequest.
    """
    raw = _bearer(request)
    return raw is not None and unverified_token_type(raw) == TOKEN_TYPE


def checked_scopes(scopes: Iterable[str] | None) -> tuple[str, ...]:
    """Return the scopes that a view requires. Raises ImproperlyConfigured."""
    required = () if scopes is None or isinstance(scopes, str) else tuple(scopes)
    if isinstance(scopes, str) or not all(map(_is_scope, required)):
        raise ImproperlyConfigured(
            f"Invalid scopes {scopes!r}. Use a list of scopes, for example ['orders:read']."
        )
    return required


def _is_scope(value: Any) -> bool:
    return isinstance(value, str) and is_scope_token(value)


@sensitive_variables()
def _bearer(request: HttpRequest) -> str | None:
    hide_secret(request)
    return bearer(request.META, settings.TOKEN_HEADER)


@sensitive_variables()
def _required_bearer(request: HttpRequest) -> str:
    raw = _bearer(request)
    if raw is None:
        raise CredentialsRequired
    return raw


def _enter(request: Any, client: ApiClient, token: ApiToken) -> tuple[ApiClient, ApiToken]:
    """Set the attributes of the request that Django's and a host's code read."""

    async def auser() -> ApiClient:
        return client

    token = token.presented_by(client)
    request.user, request.auser, request.auth = client, auser, token
    return client, token


def _refusal(client: ApiClient, scopes: Sequence[str]) -> InsufficientScope:
    refuse(client)
    return InsufficientScope(scopes)
