"""What a host's view demands of API clients, as its permissions and throttles tell."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from drf_spectacular.drainage import warn
from rest_framework.permissions import AND, OR, BasePermission
from rest_framework.views import APIView, exception_handler

from tot_jwt.permissions import HasScopes, NotApiClient, required_scopes
from tot_jwt.throttles import ApiKeyThrottle


class Access(NamedTuple):
    """The conditions under which a view admits API clients."""

    #: Scopes that each client needs. Those of an alternative (``|``) are not among them.
    scopes: tuple[str, ...]
    is_throttled: bool
    #: Whether errors have the bodies of DRF and tot_jwt.
    has_own_bodies: bool


def access_of(view: APIView) -> Access | None:
    """Return the conditions of the view's current method or action, or None: it admits none."""
    permissions = view.get_permissions()
    if any(_implies(permission, NotApiClient) for permission in permissions):
        return None
    scopes: Sequence[str] | None = ()
    if any(_implies(permission, HasScopes) for permission in permissions):
        scopes = _scopes(view)
    if scopes is None:
        return None
    return Access(
        tuple(scopes),
        any(isinstance(throttle, ApiKeyThrottle) for throttle in view.get_throttles()),
        view.get_exception_handler() is exception_handler,
    )


def _implies(permission: Any, kind: type[BasePermission]) -> bool:
    """Return whether the permission denies each request that one of this kind denies."""
    if isinstance(permission, AND | OR):
        operands: Any = permission
        sides = [_implies(side, kind) for side in (operands.op1, operands.op2)]
        return any(sides) if isinstance(permission, AND) else all(sides)
    return isinstance(permission, kind)


def _scopes(view: APIView) -> Sequence[str] | None:
    try:
        return required_scopes(view.request, view)
    except Exception as error:  # a host's property may need a real request
        warn(f"could not read the required scopes of {type(view).__name__}: {error}")
        return ()
