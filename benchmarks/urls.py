"""The views that everything is measured on, and where the servers of `benchmarks.load` have them."""

from typing import Any

from django.urls import include, path
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tot_jwt.authentication import JWTAuthentication


class EmptyView(APIView):
    """What DRF costs before anybody is authenticated: the measure of everything else."""

    permission_classes: Any = ()

    def get(self, request: Request) -> Response:
        return Response({"ok": True})

    post = get


def protected(authentication: type | None, permission: type = IsAuthenticated) -> Any:
    """The same view for those only whom the classes let pass."""
    return EmptyView.as_view(
        authentication_classes=[authentication] if authentication else [],
        permission_classes=[permission],
    )


urlpatterns = [
    path("empty", EmptyView.as_view()),
    path("protected", protected(JWTAuthentication)),
    path("auth/", include("tot_jwt.urls")),
]
