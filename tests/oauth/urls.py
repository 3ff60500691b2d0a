"""The URLs of the server: the endpoints where the documentation mounts them, and two views."""

from django.urls import include, path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tot_jwt.authentication import JWTAuthentication
from tot_jwt.permissions import HasScopes
from tot_jwt.principal import client_of


class Orders(APIView):
    """A view that requires a scope."""

    authentication_classes = [JWTAuthentication]
    permission_classes = [HasScopes]
    required_scopes = ["orders:read"]

    def get(self, request: Request) -> Response:
        """Return the client."""
        client = client_of(request)
        assert client is not None
        return Response({"client": client.pk, "scopes": sorted(client.scopes)})


urlpatterns = [
    path("api/internal/auth/", include("tot_jwt.urls")),
    path("oauth/", include("tot_jwt.oauth_urls")),
    path(".well-known/", include("tot_jwt.well_known_urls")),
    path("orders", Orders.as_view()),
]
