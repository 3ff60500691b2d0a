"""The views that are measured, and their URLs on the servers of `benchmarks.load`."""

from typing import Any

from django.urls import include, path
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tot_jwt.authentication import JWTAuthentication


class EmptyView(APIView):
    """A view that costs only what DRF costs. All figures are multiples of it."""

    permission_classes: Any = ()

    def get(self, request: Request) -> Response:
        """Return a constant."""
        return Response({"ok": True})

    post = get


def protected(authentication: type | None, permission: type = IsAuthenticated) -> Any:
    """Return the empty view behind these classes."""
    return EmptyView.as_view(
        authentication_classes=[authentication] if authentication else [],
        permission_classes=[permission],
    )


urlpatterns = [
    path("empty", EmptyView.as_view()),
    path("protected", protected(JWTAuthentication)),
    path("auth/", include("tot_jwt.urls")),
]
