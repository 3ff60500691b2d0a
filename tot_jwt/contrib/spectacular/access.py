"""What a host's view demands of API clients, as its permissions and throttles tell."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

from drf_spectacular.drainage import warn
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import AND, OR, IsAdminUser
from rest_framework.views import APIView, exception_handler

from tot_jwt.authentication import (
    ApiKeyAuthentication,
    JWTAuthentication,
    StrictJWTAuthentication,
)
from tot_jwt.permissions import HasScopes, NotApiClient, required_scopes
from tot_jwt.throttles import ApiKeyThrottle

_Found = TypeVar("_Found")


class Credentials(NamedTuple):
    """Which of our classes authenticate the requests of a view."""

    has_tokens: bool
    #: Whether a class rejects requests without a token itself.
    is_strict: bool
    has_keys: bool


class Access(NamedTuple):
    """The conditions under which a view admits API clients."""

    #: Scopes that each client needs. Those of an alternative (``|``) are not among them.
    scopes: tuple[str, ...]
    is_throttled: bool
    #: Whether errors have the bodies of DRF and tot_jwt.
    has_own_bodies: bool
    credentials: Credentials


def access_of(view: APIView, authentication: BaseAuthentication) -> Access | None:
    """Return the conditions of the view's current method or action, or None: it admits none."""
    permissions = view.get_permissions()
    if any(_implies(each, lambda one: _rejects(one, authentication)) for each in permissions):
        return None
    scopes: Sequence[str] | None = ()
    if any(_implies(each, lambda one: isinstance(one, HasScopes)) for each in permissions):
        scopes = _scopes(view)
    if scopes is None:
        return None
    return Access(
        tuple(scopes),
        _read(view, "throttles", lambda: _is_throttled(view), False),
        _read(view, "exception handler", lambda: _has_own_bodies(view), True),
        _credentials(view),
    )


def _implies(permission: Any, rule: Callable[[Any], bool]) -> bool:
    """Return whether the permission denies each request that one of this rule denies."""
    if isinstance(permission, AND | OR):
        operands: Any = permission
        sides = [_implies(side, rule) for side in (operands.op1, operands.op2)]
        return any(sides) if isinstance(permission, AND) else all(sides)
    return rule(permission)


def _rejects(permission: Any, authentication: Any) -> bool:
    """Return whether the permission denies all clients that the class authenticates."""
    if isinstance(permission, NotApiClient):
        return True
    # A client is not staff. The user that a subclass returns in its place may be.
    returns_client = type(authentication).get_user is JWTAuthentication.get_user
    return returns_client and type(permission) is IsAdminUser


def _scopes(view: APIView) -> Sequence[str] | None:
    none: Sequence[str] | None = ()
    return _read(view, "required scopes", lambda: required_scopes(view.request, view), none)


def _is_throttled(view: APIView) -> bool:
    return any(isinstance(throttle, ApiKeyThrottle) for throttle in view.get_throttles())


def _has_own_bodies(view: APIView) -> bool:
    return view.get_exception_handler() is exception_handler


def _credentials(view: APIView) -> Credentials:
    classes = view.get_authenticators()

    def has(kind: type[BaseAuthentication]) -> bool:
        return any(isinstance(each, kind) for each in classes)

    return Credentials(
        has(JWTAuthentication), has(StrictJWTAuthentication), has(ApiKeyAuthentication)
    )


def _read(view: APIView, what: str, read: Callable[[], _Found], otherwise: _Found) -> _Found:
    """Return what `read` returns. If a method of the host needs a real request, warn."""
    try:
        return read()
    except Exception as error:
        warn(f"could not read the {what} of {type(view).__name__}: {error}")
        return otherwise
