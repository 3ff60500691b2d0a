"""The shop's API. Each client sees the persons and orders of its own app domain."""

from collections.abc import Sequence
from typing import Any, cast

from django.db.models import QuerySet
from rest_framework import generics, status
from rest_framework.authentication import BaseAuthentication
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


def app_domain_of(request: Request) -> str:
    """The app domain that the request comes from. Every view here admits authenticated clients only."""
    return cast(ApiClient, request.user).app_domain


class PersonList(generics.ListAPIView[Person]):
    """``GET``: the persons of the client's domain, by ``?email=`` if given. ``POST {"person": {…}}`` adds one.

    For tokens and for API keys sent directly.
    """

    authentication_classes: Sequence[type[BaseAuthentication]] = [
        JWTAuthentication,
        ApiKeyAuthentication,
    ]
    serializer_class = PersonSerializer

    def get_queryset(self) -> QuerySet[Person]:
        asked = PersonQuerySerializer(data=self.request.query_params)
        asked.is_valid(raise_exception=True)
        return Person.objects.filter(
            app_domain__domain=app_domain_of(self.request), **asked.validated_data
        )

    def post(self, request: Request) -> Response:
        asked = NewPersonSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        person = Person.objects.create(
            app_domain_id=app_domain_of(request), **asked.validated_data["person"]
        )
        return Response(PersonSerializer(person).data, status.HTTP_201_CREATED)


class LegacyPersonList(PersonList):
    """The same for clients that know no tokens."""

    authentication_classes = [ApiKeyAuthentication]


class OrderList(generics.ListCreateAPIView[Order]):
    """``GET``: the orders of the client's domain. ``POST`` places one. For tokens, with a scope for each."""

    serializer_class = OrderSerializer
    permission_classes = [HasScopes]
    required_scopes = {"GET": ["orders:read"], "POST": ["orders:write"]}

    def get_queryset(self) -> QuerySet[Order]:
        own = Order.objects.filter(person__app_domain__domain=app_domain_of(self.request))
        return own.select_related("product")

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "app_domain": app_domain_of(self.request)}


class ProductList(generics.ListAPIView[Product]):
    """``GET``: the catalogue. For tokens."""

    serializer_class = ProductSerializer
    queryset = Product.objects.all()
    permission_classes = [HasScopes]
    required_scopes = ["catalog:read"]
