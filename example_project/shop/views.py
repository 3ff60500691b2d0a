"""Views of the shop. Each client sees only the persons and orders of its own app domain."""

from collections.abc import Sequence
from typing import Any, cast

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    extend_schema_view,
)
from rest_framework import generics, status
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from example_project.shop.models import Order, Person, Product
from example_project.shop.serializers import (
    NewPersonSerializer,
    OrderSerializer,
    PersonQuerySerializer,
    PersonSerializer,
    ProductSerializer,
)
from tot_jwt.authentication import ApiKeyAuthentication, JWTAuthentication
from tot_jwt.permissions import HasScopes
from tot_jwt.principal import ApiClient

#: What the schema of the API says about errors. tot_jwt adds those of its own classes.
NO_SUCH_PAGE = {404: OpenApiResponse(OpenApiTypes.OBJECT, "There is no such page.")}
NO_SUCH_TYPE = {415: OpenApiResponse(OpenApiTypes.OBJECT, "Unsupported media type.")}


def app_domain_of(request: Request) -> str:
    """Return the app domain of the client. All views here require authentication."""
    return cast(ApiClient, request.user).app_domain


@extend_schema_view(
    get=extend_schema(
        summary="List persons",
        parameters=[OpenApiParameter("email", OpenApiTypes.EMAIL)],
        responses={200: PersonSerializer(many=True), **NO_SUCH_PAGE},
    )
)
class PersonList(generics.ListAPIView[Person]):
    """The persons of the client's domain. Clients authenticate by a token or by an API key.

    ``GET`` lists the persons, filtered by ``?email=``. ``POST {"person": {…}}`` adds one.
    """

    authentication_classes: Sequence[type[BaseAuthentication]] = [
        JWTAuthentication,
        ApiKeyAuthentication,
    ]
    permission_classes = [IsAuthenticated]
    serializer_class = PersonSerializer

    def get_queryset(self) -> QuerySet[Person]:
        """Return the persons that match the query parameters."""
        query = PersonQuerySerializer(data=self.request.query_params)
        query.is_valid(raise_exception=True)
        return Person.objects.filter(
            app_domain__domain=app_domain_of(self.request), **query.validated_data
        )

    @extend_schema(
        summary="Add a person",
        request={"application/json": NewPersonSerializer},
        responses={201: PersonSerializer, **NO_SUCH_TYPE},
    )
    def post(self, request: Request) -> Response:
        """Add a person."""
        body = NewPersonSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        person = Person.objects.create(
            app_domain_id=app_domain_of(request), **body.validated_data["person"]
        )
        return Response(PersonSerializer(person).data, status.HTTP_201_CREATED)


class LegacyPersonList(PersonList):
    """The same list for clients that do not support tokens."""

    authentication_classes = [ApiKeyAuthentication]


@extend_schema_view(
    get=extend_schema(
        summary="List orders", responses={200: OrderSerializer(many=True), **NO_SUCH_PAGE}
    ),
    post=extend_schema(summary="Place an order", responses={201: OrderSerializer, **NO_SUCH_TYPE}),
)
class OrderList(generics.ListCreateAPIView[Order]):
    """The orders of the client's domain. ``GET`` lists them, ``POST`` adds one.

    Clients authenticate by a token. Each method requires a scope.
    """

    serializer_class = OrderSerializer
    permission_classes = [HasScopes]
    required_scopes = {"GET": ["orders:read"], "POST": ["orders:write"]}

    def get_queryset(self) -> QuerySet[Order]:
        """Return the orders of the client's domain."""
        own = Order.objects.filter(person__app_domain__domain=app_domain_of(self.request))
        return own.select_related("product")

    def get_serializer_context(self) -> dict[str, Any]:
        """Add the client's domain, to which the person of a new order must belong."""
        return {**super().get_serializer_context(), "app_domain": app_domain_of(self.request)}


@extend_schema_view(
    get=extend_schema(
        summary="List products", responses={200: ProductSerializer(many=True), **NO_SUCH_PAGE}
    )
)
class ProductList(generics.ListAPIView[Product]):
    """The products. Clients authenticate by a token with a scope."""

    serializer_class = ProductSerializer
    queryset = Product.objects.all()
    permission_classes = [HasScopes]
    required_scopes = ["catalog:read"]
