"""The views of a host that does not mount the endpoints of tot-jwt."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tot_jwt.authentication import JWTAuthentication
from tot_jwt.permissions import HasScopes
from tot_jwt.throttles import ApiKeyThrottle


class OrderList(APIView):
    authentication_classes: Any = [JWTAuthentication]
    permission_classes: Any = [HasScopes]
    required_scopes = {"GET": ["orders:read"], "POST": ["orders:write"]}

    def get(self, request: Request) -> Response:
        user: Any = request.user
        return Response({"key": user.pk, "domain": user.app_domain, "env": user.environment})

    def post(self, request: Request) -> Response:
        return Response(request.data, status=201)


class LimitedOrderList(OrderList):
    throttle_classes = [ApiKeyThrottle]


def headers(request: HttpRequest) -> HttpResponse:
    """Return the headers that carry tokens, as the host got them."""
    names = ("Authorization", "X-Api-Token")
    return HttpResponse(" ".join(request.headers.get(name, "-") for name in names))


urlpatterns = [
    path("api/orders", OrderList.as_view()),
    path("api/limited", LimitedOrderList.as_view()),
    path("headers", headers),
]
