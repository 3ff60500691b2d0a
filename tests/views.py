"""Views of a host, one for each way to use the package."""

from typing import Any

from rest_framework.authentication import SessionAuthentication
from rest_framework.permissions import DjangoModelPermissions, IsAdminUser, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import UserRateThrottle
from rest_framework.views import APIView
from rest_framework_simplejwt.authentication import JWTAuthentication as SimpleJWTAuthentication
from rest_framework_simplejwt.authentication import JWTStatelessUserAuthentication

from tot_jwt.authentication import ApiKeyAuthentication, JWTAuthentication
from tot_jwt.models import AppDomain
from tot_jwt.permissions import HasScopes


class WhoAmI(APIView):
    """A view that returns the client of the request and the data that the view sees."""

    authentication_classes: Any = [JWTAuthentication, ApiKeyAuthentication]
    permission_classes: Any = [IsAuthenticated]

    def get(self, request: Request) -> Response:
        user = request.user
        who = {"pk": user.pk, "auth": type(request.auth).__name__, "kind": type(user).__name__}
        scopes = sorted(getattr(user, "scopes", []))
        return Response({**who, "scopes": scopes, "data": request.data, "post": request.POST})

    post = get


class Anyone(WhoAmI):
    permission_classes = []

    def get(self, request: Request) -> Response:
        return Response({"pk": request.user.pk})

    post = get


class SessionFirst(WhoAmI):
    authentication_classes = [SessionAuthentication, JWTAuthentication, ApiKeyAuthentication]


class KeysOnly(WhoAmI):
    authentication_classes = [ApiKeyAuthentication]


class BesideSimpleJWT(WhoAmI):
    authentication_classes = [JWTAuthentication, SimpleJWTAuthentication]


class SimpleJWTOnly(WhoAmI):
    authentication_classes = [SimpleJWTAuthentication]


class StatelessSimpleJWTOnly(WhoAmI):
    authentication_classes = [JWTStatelessUserAuthentication]


class Scoped(WhoAmI):
    permission_classes = [HasScopes]
    required_scopes = ["orders:read"]


class ScopedByMethod(WhoAmI):
    permission_classes = [HasScopes]
    required_scopes = {"GET": ["orders:read"], "POST": ["orders:read", "orders:write"]}

    def put(self, request: Request) -> Response:
        return Response("never")  # pragma: no cover: the method is not listed


class ScopedOrStaff(WhoAmI):
    authentication_classes = [JWTAuthentication, SessionAuthentication]
    permission_classes = [HasScopes | IsAdminUser]
    required_scopes = ["orders:read"]


class Unconfigured(WhoAmI):
    permission_classes = [HasScopes]


class ModelPermissions(WhoAmI):
    permission_classes = [DjangoModelPermissions]
    queryset = AppDomain.objects.all()


class TwoADay(UserRateThrottle):
    rate = "2/day"


class Throttled(WhoAmI):
    throttle_classes = [TwoADay]
