"""DRF permissions for scopes."""

from collections.abc import Mapping, Sequence

from django.core.exceptions import ImproperlyConfigured
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from tot_jwt.exceptions import InsufficientScope, ServiceUnavailable
from tot_jwt.http.errors import ApiError
from tot_jwt.principal import ApiClient

#: Scopes for all methods, or for each.
RequiredScopes = Sequence[str] | Mapping[str, Sequence[str]]


class HasScopes(BasePermission):
    """Lets a client in that holds all of the view's `required_scopes`.

    ``required_scopes = ["orders:read"]``, or by method ``{"GET": ["orders:read"], "POST": ["orders:write"]}``, where
    HEAD is GET and a method not listed is denied. Whoever is no ApiClient is simply not let in, so that
    ``HasScopes | IsAdminUser`` works.
    """

    def has_permission(self, request: Request, view: APIView) -> bool:
        if not isinstance(request.user, ApiClient):
            return False
        required = _required_scopes(request, view)
        if required is None:
            return False
        try:
            holds_all = all(request.user.has_scope(scope) for scope in required)
        except ServiceUnavailable as error:
            raise ApiError(error) from error
        if not holds_all:
            raise ApiError(InsufficientScope(required))
        return True


def _required_scopes(request: Request, view: APIView) -> Sequence[str] | None:
    """The scopes for this request; None where its method is not listed."""
    required: RequiredScopes | None = getattr(view, "required_scopes", None)
    if isinstance(required, Mapping) and all(map(str.isupper, required)):
        method = "GET" if request.method == "HEAD" else str(request.method)
        if method not in required:
            return None
        required = required[method]
    if required is None or isinstance(required, str | Mapping):
        raise ImproperlyConfigured(
            f"{type(view).__name__} uses HasScopes and needs `required_scopes`: a list of scopes, or a dict of such "
            "lists by method, in capitals."
        )
    return required
