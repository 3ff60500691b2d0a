"""Views of a host that apply the limits of API keys, and the parts of their responses."""

from typing import Any

from django.urls import include, path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tot_jwt.authentication import ApiKeyAuthentication, JWTAuthentication
from tot_jwt.throttles import ApiKeyThrottle

NAMES = ("RateLimit-Policy", "RateLimit", "Retry-After")


class Limited(APIView):
    """A view for clients with tokens or API keys, and for anyone else."""

    authentication_classes: Any = [JWTAuthentication, ApiKeyAuthentication]
    permission_classes: Any = []
    throttle_classes: Any = [ApiKeyThrottle]

    def get(self, request: Request) -> Response:
        """Return the user."""
        return Response({"pk": request.user.pk})

    def post(self, request: Request) -> Response:
        """Return what was sent; 400 if it is malformed."""
        return Response(request.data)


class Other(Limited):
    """Another view with the same limits."""


def limits_of(answer: Any) -> list[str]:
    """Return the headers about limits, and of a rejected request when to try again."""
    return [answer.headers[name] for name in NAMES if name in answer.headers]


urlpatterns = [
    path("api/internal/auth/", include("tot_jwt.urls")),
    path("limited", Limited.as_view()),
    path("other", Other.as_view()),
]
