"""Tokens in django-ninja: ``TokenAuth(scopes=[…])`` for operations, ``install(api)`` for errors."""

from collections.abc import Callable, Sequence
from functools import wraps
from inspect import unwrap
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError
from ninja.operation import Operation
from ninja.security.base import SecuritySchema

from tot_jwt.access.requests import (
    averify_request,
    checked_scopes,
    presents_own_token,
    verify_request,
)
from tot_jwt.conf import settings
from tot_jwt.exceptions import CredentialsRequired, TotJWTError
from tot_jwt.http.caching import keep_private
from tot_jwt.http.headers import reads_authorization
from tot_jwt.http.responses import error_response, protect, response_to, undo_writes
from tot_jwt.tokens.token import ApiToken
from tot_jwt.utils.event_loop import is_in_event_loop

_DESCRIPTION = "A token that the client got for its API keys."


class TokenError(HttpError):
    """One of our exceptions as ninja's. Without `install`, ninja sends its status and detail."""

    def __init__(self, error: TotJWTError) -> None:
        self.error = error
        super().__init__(error.status, error.detail)


class TokenAuth:
    """The `auth` of operations that need a token with these scopes, synchronous or asynchronous.

    `request.user` is the ApiClient, and `request.auth` the ApiToken. A request without a Bearer, or
    with one that is not a JWT of our type, is left to the next `auth` of the operation.
    """

    #: ninja awaits the result if it is awaitable.
    is_async = True

    def __init__(self, scopes: Sequence[str] | None = None) -> None:
        self.scopes = checked_scopes(scopes)

    def __call__(self, request: HttpRequest) -> Any:
        """Return the token, None, or in an event loop a coroutine of one. Raises TokenError."""
        return self._averify(request) if is_in_event_loop() else self._verify(request)

    @property
    def openapi_security_schema(self) -> SecuritySchema:
        """The security scheme in ninja's OpenAPI document."""
        if reads_authorization():
            options = {"scheme": "bearer", "bearerFormat": "JWT"}
            return SecuritySchema("http", **options, description=_DESCRIPTION)
        options = {"in": "header", "name": settings.TOKEN_HEADER}
        description = f"{_DESCRIPTION} Write Bearer before it."
        return SecuritySchema("apiKey", **options, description=description)

    def _verify(self, request: HttpRequest) -> ApiToken | None:
        try:
            return verify_request(request, self.scopes)[1] if _is_ours(request) else None
        except TotJWTError as error:
            raise TokenError(error) from error

    async def _averify(self, request: HttpRequest) -> ApiToken | None:
        try:
            return (await averify_request(request, self.scopes))[1] if _is_ours(request) else None
        except TotJWTError as error:
            raise TokenError(error) from error


def install(api: NinjaAPI) -> None:
    """Give the API's responses our bodies, challenges and headers.

    Call it before ``api.add_router(…)`` and ``api.urls``. Raises ImproperlyConfigured.
    """
    if _is_built(api):
        raise ImproperlyConfigured(
            "Call install(api) right after api = NinjaAPI(…): ninja has already built operations."
        )
    api.add_decorator(_decorated, mode="view")

    def on_authentication_error(request: HttpRequest, error: Any) -> HttpResponse:
        if _asks_for_token(request):
            return error_response(CredentialsRequired())
        return api.on_exception(request, HttpError(error.status_code, str(error)))

    api.add_exception_handler(AuthenticationError, on_authentication_error)
    api.add_exception_handler(TokenError, _on_token_error)
    api.add_exception_handler(TotJWTError, _on_error)


def _is_built(api: Any) -> bool:
    """Return whether operations exist that a decorator of the API no longer reaches."""
    # ninja 1.5 decorates a router in add_router. Later versions freeze all routers in api.urls.
    return getattr(api.default_router, "_frozen", False) or any(
        hasattr(operation, "_applied_decorators")
        for _, router in api._routers
        for view in router.path_operations.values()
        for operation in view.operations
    )


def _on_token_error(request: HttpRequest, error: Any) -> HttpResponse:
    return error_response(error.error)


def _on_error(request: HttpRequest, error: Any) -> HttpResponse:
    undo_writes()
    return response_to(error)


def _is_ours(request: Any) -> bool:
    """Return whether the request has a token of our type. Note that the operation asks for one."""
    request._tot_jwt_asks = True
    is_ours = presents_own_token(request)
    if is_ours:
        # `cache_page` may surround ninja's authentication: it must not store the response.
        keep_private(request)
    return is_ours


def _asks_for_token(request: HttpRequest) -> bool:
    return getattr(request, "_tot_jwt_asks", False)


def _decorated(run: Callable[..., Any]) -> Callable[..., Any]:
    """Document the scopes of the operation, and let its responses vary by the token's header."""
    _document(getattr(unwrap(run), "__self__", None))
    if iscoroutinefunction(run):

        @wraps(run)
        async def arun(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            return _protect(request, await run(request, *args, **kwargs))

        return arun

    @wraps(run)
    def srun(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return _protect(request, run(request, *args, **kwargs))

    return srun


def _document(operation: object) -> None:
    """Add the scopes that a token needs to the operation's OpenAPI, which has no place for them."""
    if not isinstance(operation, Operation):  # a decorator of the host hides it
        return
    for auth in operation.auth_callbacks:
        if isinstance(auth, TokenAuth) and auth.scopes:
            names = ", ".join(f"`{scope}`" for scope in auth.scopes)
            sentence = f"Required scopes: {names}."
            operation.description = "\n\n".join(filter(None, [operation.description, sentence]))
            extra = operation.openapi_extra or {}
            operation.openapi_extra = {**extra, "x-required-scopes": list(auth.scopes)}


def _protect(request: HttpRequest, response: Any) -> Any:
    if _asks_for_token(request) and isinstance(response, HttpResponseBase):
        protect(response)
    return response
