"""DRF permissions for scopes."""

from collections.abc import Mapping, Sequence

from django.core.exceptions import ImproperlyConfigured
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from tot_jwt.exceptions import InsufficientScope, ServiceUnavailable
from tot_jwt.http.errors import ApiError
from tot_jwt.principal import ApiClient

#: Scopes for all methods, or by method.
RequiredScopes = Sequence[str] | Mapping[str, Sequence[str]]


class HasScopes(BasePermission):
    """Permission for clients that have all of the view's `required_scopes`.

    ``required_scopes = ["orders:read"]``, or by method
    ``{"GET": ["orders:read"], "POST": ["orders:write"]}``. HEAD counts as GET; a method that is
    not listed is denied. A user that is not an ApiClient is denied without an error, so that
    ``HasScopes | IsAdminUser`` works.
    """

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Return whether the client is admitted. Raises ApiError if it lacks a scope."""
        if not isinstance(request.user, ApiClient):
            return False
        required = _required_scopes(request, view)
        if required is None:
            return False
        try:
            has_all = all(request.user.has_scope(scope) for scope in required)
        except ServiceUnavailable as error:
            raise ApiError(error) from error
        if not has_all:
            raise ApiError(InsufficientScope(required))
        return True


def _required_scopes(request: Request, view: APIView) -> Sequence[str] | None:
    """Return the scopes for this request, or None if its method is not listed."""
    required: RequiredScopes | None = getattr(view, "required_scopes", None)
    if isinstance(required, Mapping) and all(map(str.isupper, required)):
        method = "GET" if request.method == "HEAD" else str(request.method)
        if method not in required:
            return None
        required = required[method]
    if required is None or isinstance(required, str | Mapping):
        raise ImproperlyConfigured(
            f"{type(view).__name__} uses HasScopes and needs `required_scopes`: a list of scopes, "
            "or a dict such as {'GET': ['orders:read']}."
        )
    return required
