"""Checks of DRF's default classes in the host's REST_FRAMEWORK."""

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from django.conf import settings as host_settings
from django.core.checks import CheckMessage, Warning
from django.utils.module_loading import import_string
from rest_framework.permissions import OR, IsAdminUser, OperandHolder

from tot_jwt.permissions import HasScopes, NotApiClient

# By name: this room may not import the first three, and a host need not install the last.
_TOKENS = "tot_jwt.authentication.JWTAuthentication"
_KEYS = "tot_jwt.authentication.ApiKeyAuthentication"
_THROTTLE = "tot_jwt.throttles.ApiKeyThrottle"
_SIMPLEJWT = "rest_framework_simplejwt.authentication.JWTAuthentication"


def check_authentication_order(**_: Any) -> list[CheckMessage]:
    """Check that tot-jwt's class comes before simplejwt's, which rejects every other Bearer."""
    classes = _default_classes("DEFAULT_AUTHENTICATION_CLASSES")
    ours = [i for i, each in enumerate(classes) if _is_subclass(each, _TOKENS)]
    theirs = [i for i, each in enumerate(classes) if _is_subclass(each, _SIMPLEJWT)]
    if not ours or not theirs or ours[0] < theirs[0]:
        return []
    return [
        Warning(
            "In DEFAULT_AUTHENTICATION_CLASSES simplejwt's class, or a subclass, comes before "
            "tot_jwt's and rejects its tokens.",
            hint="Put tot_jwt.authentication.JWTAuthentication first: it leaves other tokens to "
            "the next class.",
            id="tot_jwt.W002",
        )
    ]


def check_default_permissions(**_: Any) -> list[CheckMessage]:
    """Check that a default permission keeps API clients out where they are not expected."""
    classes = _default_classes("DEFAULT_AUTHENTICATION_CLASSES")
    if not authenticate_clients(classes):
        return []
    if any(map(_keeps_clients_out, _default_classes("DEFAULT_PERMISSION_CLASSES"))):
        return []
    return [
        Warning(
            "tot_jwt's class is in DEFAULT_AUTHENTICATION_CLASSES: every API key, also one "
            "without scopes, is let into each view that only requires a login.",
            hint="Add tot_jwt.permissions.NotApiClient or tot_jwt.permissions.HasScopes to "
            "DEFAULT_PERMISSION_CLASSES, or name the class in the views for API clients instead.",
            id="tot_jwt.W016",
        )
    ]


def authenticate_clients(authentication_classes: Iterable[Any]) -> bool:
    """Return whether one of these is tot-jwt's class, or a subclass."""
    return any(_is_subclass(each, _TOKENS, _KEYS) for each in authentication_classes)


def throttle_clients() -> bool:
    """Return whether the host's views apply the limits of API keys by default."""
    classes = _default_classes("DEFAULT_THROTTLE_CLASSES")
    return any(_is_subclass(each, _THROTTLE) for each in classes)


def _default_classes(name: str) -> list[Any]:
    """Return the classes of a setting, without those that DRF will fail to import."""
    classes = []
    rest_framework = getattr(host_settings, "REST_FRAMEWORK", {})
    for each in rest_framework.get(name) or ():
        with suppress(ImportError):
            classes.append(import_string(each) if isinstance(each, str) else each)
    return classes


def _is_subclass(default_class: Any, *paths: str) -> bool:
    ancestors = getattr(default_class, "__mro__", ())
    return any(f"{each.__module__}.{each.__qualname__}" in paths for each in ancestors)


#: Permissions that keep an ApiClient out.
_SAFE = (HasScopes, NotApiClient, IsAdminUser)


def _keeps_clients_out(permission: Any) -> bool:
    if isinstance(permission, OperandHolder):
        both = [_keeps_clients_out(each) for each in (permission.op1_class, permission.op2_class)]
        operator: Any = permission.operator_class
        return all(both) if operator is OR else any(both)
    return isinstance(permission, type) and issubclass(permission, _SAFE)
