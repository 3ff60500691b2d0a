"""The API that docs/client.md calls."""

from typing import Any

from django.urls import include, path
from rest_framework.response import Response
from rest_framework.views import APIView

from tot_jwt.authentication import JWTAuthentication
from tot_jwt.permissions import HasScopes


class Orders(APIView):
    """A view for tokens with a scope."""

    authentication_classes: Any = [JWTAuthentication]
    permission_classes: Any = [HasScopes]
    required_scopes = ["orders:read"]

    def get(self, request: Any) -> Response:
        """Return the orders of the client."""
        return Response([request.user.app_domain])


urlpatterns = [
    path("api/internal/auth/", include("tot_jwt.urls")),
    path("orders", Orders.as_view()),
]
