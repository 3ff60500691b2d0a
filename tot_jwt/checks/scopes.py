"""The check that SCOPES lists the scopes which the host's views require."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.core.checks import CheckMessage, Warning
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.permissions import OperandHolder, SingleOperandHolder

from tot_jwt.checks.defaults import authenticate_clients
from tot_jwt.checks.values import check_settings
from tot_jwt.conf import KEYS_MANAGE, settings
from tot_jwt.permissions import HasScopes


def check_required_scopes(**_: Any) -> list[CheckMessage]:
    """Check that a key can have the scopes of each view with HasScopes."""
    if any(message.is_serious() for message in check_settings()):
        return []
    missing = {
        (_name(view), scope)
        for view, options in _views()
        if _uses_scopes(view, options)
        for scope in _scopes(_option(view, options, "required_scopes"))
        if not _exists(scope)
    }
    return [_warning(*each) for each in sorted(missing)]


def _name(view: Any) -> str:
    """Return the path of a class, or of the function from which DRF made it."""
    # DRF sets the __name__ of such a class only.
    is_class = view.__qualname__.rpartition(".")[2] == view.__name__
    return f"{view.__module__}.{view.__qualname__ if is_class else view.__name__}"


def _exists(scope: str) -> bool:
    if scope == KEYS_MANAGE:
        return bool(settings.TOKENS_MANAGE_KEYS)
    return not settings.SCOPES or scope in settings.SCOPES


def _warning(view: str, scope: str) -> Warning:
    if scope == KEYS_MANAGE:
        return Warning(
            f"{view} requires the scope {scope!r}, but TOT_JWT['TOKENS_MANAGE_KEYS'] is False: no "
            "token has it, so every client is rejected.",
            hint="Set TOKENS_MANAGE_KEYS to True, or correct required_scopes.",
            id="tot_jwt.W017",
        )
    return Warning(
        f"{view} requires the scope {scope!r}, which TOT_JWT['SCOPES'] does not list: no key can "
        "have it, so every client is rejected.",
        hint="Add the scope to SCOPES, or correct required_scopes.",
        id="tot_jwt.W017",
    )


def _views() -> Iterator[tuple[Any, Mapping[str, Any]]]:
    """Yield the class of each DRF view in the URLconf, and the arguments of its `as_view`."""
    try:
        callbacks = list(_callbacks(get_resolver().url_patterns))
    except Exception:  # Django's own checks report a URLconf that cannot be imported
        return
    for callback in callbacks:
        view = getattr(callback, "cls", None)
        if isinstance(view, type):
            yield view, getattr(callback, "initkwargs", {})


def _callbacks(patterns: Iterable[URLPattern | URLResolver]) -> Iterator[Any]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from _callbacks(pattern.url_patterns)
        else:
            yield pattern.callback


def _option(view: Any, options: Mapping[str, Any], name: str) -> Any:
    return options.get(name, getattr(view, name, None))


def _uses_scopes(view: Any, options: Mapping[str, Any]) -> bool:
    from rest_framework.views import APIView  # It imports the host's default classes.

    if getattr(view, "get_permissions", None) is not APIView.get_permissions:
        # It can return any permission. Other packages read `required_scopes` too.
        return authenticate_clients(_option(view, options, "authentication_classes") or ())
    permissions = _option(view, options, "permission_classes")
    return isinstance(permissions, list | tuple) and any(map(_has_scopes, permissions))


def _has_scopes(permission: Any) -> bool:
    """Return whether the permission is HasScopes, or composed with it."""
    match permission:
        case OperandHolder():
            return _has_scopes(permission.op1_class) or _has_scopes(permission.op2_class)
        case SingleOperandHolder():
            return _has_scopes(permission.op1_class)
    return isinstance(permission, type) and issubclass(permission, HasScopes)


def _scopes(required: Any) -> set[str]:
    """Return all scopes of a view, whatever the action and the method."""
    lists = required.values() if isinstance(required, Mapping) else [required]
    return {
        scope
        for scopes in lists
        if isinstance(scopes, list | tuple | set | frozenset)
        for scope in scopes
        if isinstance(scope, str)
    }
