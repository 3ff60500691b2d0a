"""DRF permissions for API clients."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ImproperlyConfigured
from rest_framework.permissions import AND, BasePermission
from rest_framework.request import Request

from tot_jwt.conf import KNOWN_ENVIRONMENTS
from tot_jwt.exceptions import InsufficientPermissions, InsufficientScope, ServiceUnavailable
from tot_jwt.http.caching import http_request
from tot_jwt.http.errors import ApiError
from tot_jwt.principal import ApiClient, client_of, refuse
from tot_jwt.utils.predicates import are_choices

if TYPE_CHECKING:
    # Importing it would make a circle if one of these classes is a default of the host: DRF's
    # module of views imports the defaults.
    from rest_framework.views import APIView

#: Scopes for all requests, or by the action of a ViewSet and by method.
RequiredScopes = Sequence[str] | Mapping[str, Sequence[str]]


class HasScopes(BasePermission):
    """Permission for clients that have all of the view's `required_scopes`.

    ``required_scopes = ["orders:read"]``, or by method
    ``{"GET": ["orders:read"], "POST": ["orders:write"]}``, or on a ViewSet by action
    ``{"list": ["orders:read"], "create": ["orders:write"]}``. An action comes before its method.
    HEAD counts as GET; what is not listed is denied. ``allowed_environments = ["live"]`` on the
    view admits only clients of those environments. A request of another user is denied without an
    error.

    A view that lists the class, also within ``&``, answers 403 with the reason. Combined with ``|``
    or ``~``, the class only returns True or False.
    """

    def has_permission(self, request: Request, view: "APIView") -> bool:
        """Return whether the client is admitted. Raises ApiError."""
        client = client_of(request)
        if client is None:
            return False
        try:
            _check_environment(client, view)
            return _has_required_scopes(client, request, view)
        except (InsufficientPermissions, InsufficientScope) as error:
            _deny(self, request, view, client, error)
            return False
        except ServiceUnavailable as error:
            raise ApiError(error) from error

    def has_object_permission(self, request: Request, view: "APIView", obj: Any) -> bool:
        """Return the same as for the view, so that ``~HasScopes`` is its opposite here too."""
        return self.has_permission(request, view)


class NotApiClient(BasePermission):
    """Permission for everyone but API clients.

    Use it in DEFAULT_PERMISSION_CLASSES if one of our classes is in DEFAULT_AUTHENTICATION_CLASSES.
    A view then admits clients only if it says so, for example with HasScopes.
    """

    def has_permission(self, request: Request, view: "APIView") -> bool:
        """Return whether the request is not from an API client. Raises ApiError."""
        client = client_of(request)
        if client is not None:
            _deny(self, request, view, client, InsufficientPermissions("not_for_clients"))
        return client is None

    def has_object_permission(self, request: Request, view: "APIView", obj: Any) -> bool:
        """Return the same as for the view, so that ``~NotApiClient`` is its opposite here too."""
        return self.has_permission(request, view)


def _deny(
    permission: BasePermission,
    request: Request,
    view: "APIView",
    client: ApiClient,
    error: InsufficientPermissions | InsufficientScope,
) -> None:
    """Raise ApiError if the view rejects every request that this permission denies."""
    if not _is_mandatory(permission, view):
        return
    # DRF also asks about other methods, for the forms of its pages: with a clone of the request.
    if request.method == http_request(request).method:
        refuse(client)
    raise ApiError(error) from error


def _is_mandatory(permission: BasePermission, view: "APIView") -> bool:
    """Return whether the view rejects every request that this permission denies."""
    get_permissions = getattr(view, "get_permissions", list)
    return any(_implies(each, type(permission)) for each in get_permissions())


def _implies(permission: Any, kind: type[BasePermission]) -> bool:
    if isinstance(permission, AND):
        operands = (permission.op1, permission.op2)  # type: ignore[attr-defined]
        return any(_implies(each, kind) for each in operands)
    return type(permission) is kind


def _check_environment(client: ApiClient, view: "APIView") -> None:
    allowed = getattr(view, "allowed_environments", None)
    if allowed is None:
        return
    if not are_choices(allowed, KNOWN_ENVIRONMENTS):
        raise ImproperlyConfigured(
            f"{type(view).__name__}.allowed_environments must be a list such as ['live']. The "
            f"environments are {' and '.join(KNOWN_ENVIRONMENTS)}."
        )
    if client.environment not in allowed:
        raise InsufficientPermissions("environment_not_allowed")


def _has_required_scopes(client: ApiClient, request: Request, view: "APIView") -> bool:
    required = required_scopes(request, view)
    if required is None:
        raise InsufficientPermissions("not_listed")
    if not all(client.has_scope(scope) for scope in required):
        raise InsufficientScope(required)
    return True


def required_scopes(request: Request, view: "APIView") -> Sequence[str] | None:
    """Return the scopes for this request, or None if its action and method are not listed."""
    required: RequiredScopes | None = getattr(view, "required_scopes", None)
    if isinstance(required, Mapping) and _are_names(required, view):
        method = "GET" if request.method == "HEAD" else str(request.method)
        action = str(getattr(view, "action", ""))
        name = action if action in required else method
        if name not in required:
            return None
        required = required[name]
    if required is None or isinstance(required, str | Mapping):
        raise ImproperlyConfigured(
            f"{type(view).__name__} uses HasScopes and needs `required_scopes`: a list of scopes, "
            "or a dict such as {'GET': ['orders:read']}, or on a ViewSet {'list': ['orders:read']}."
        )
    return required


def _are_names(names: Iterable[str], view: "APIView") -> bool:
    """Return whether these are methods in upper case or, on a ViewSet, names of actions."""
    has_actions = hasattr(view, "action_map")
    return all(
        name.isupper() or (has_actions and name not in view.http_method_names) for name in names
    )
