"""Views of the host for API clients."""

from typing import Any

from djangorestframework_camel_case.parser import (  # type: ignore[import-not-found]
    CamelCaseFormParser,
    CamelCaseJSONParser,
)
from guardian.shortcuts import assign_perm, get_objects_for_user  # type: ignore[import-not-found]
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from tests.hosts.models import RECIPES, Order
from tot_jwt.authentication import ApiKeyAuthentication, JWTAuthentication
from tot_jwt.permissions import HasScopes

organization_of: Any = RECIPES["organization_of"]


class OrderSerializer(serializers.ModelSerializer):
    owner = serializers.HiddenField(default=serializers.CurrentUserDefault())

    class Meta:
        model = Order
        fields = ["name", "owner"]


class Orders(APIView):
    """Creates an order, which the client's user may change, and lists those that it may change."""

    authentication_classes: Any = [RECIPES["TokensOfUsers"], RECIPES["KeysOfUsers"]]
    permission_classes = [HasScopes]
    required_scopes = ["orders:write"]

    def post(self, request):
        serializer = OrderSerializer(data=request.data, context={"request": request})
        serializer.is_valid(raise_exception=True)
        order = serializer.save()
        assign_perm("hosts.change_order", request.user, order)
        return Response(order.pk, 201)

    def get(self, request):
        orders = get_objects_for_user(request.user, "hosts.change_order", Order)
        organization = organization_of(request)
        return Response({"orders": [order.name for order in orders], "of": str(organization)})


class Plain(APIView):
    """A view of the package's own classes."""

    authentication_classes = [JWTAuthentication, ApiKeyAuthentication]
    permission_classes = [HasScopes]
    required_scopes = ["orders:write"]

    def post(self, request):
        return Response(request.data)

    get = post


class CamelCase(Plain):
    parser_classes = [CamelCaseJSONParser, CamelCaseFormParser]
