"""Serializers of the shop. They validate what clients send."""

# ruff: noqa: N815 - members of the JSON are in camelCase

from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers

from example_project.shop.models import Order, Person, Product


class PersonSerializer(serializers.ModelSerializer[Person]):
    """Serializer of a person."""

    givenName = serializers.CharField(source="given_name", max_length=100)
    familyName = serializers.CharField(source="family_name", max_length=100)
    createdAt = serializers.DateTimeField(source="created_at", read_only=True)

    class Meta:
        model = Person
        fields = ("id", "givenName", "familyName", "email", "createdAt")


class NewPersonSerializer(serializers.Serializer[Any]):
    """Serializer of ``{"person": {…}}``. The same body may also contain an API key."""

    person = PersonSerializer()


class PersonQuerySerializer(serializers.Serializer[Any]):
    """Serializer of the query parameters that filter persons."""

    email = serializers.EmailField(required=False)


class ProductSerializer(serializers.ModelSerializer[Product]):
    """Serializer of a product."""

    class Meta:
        model = Product
        fields = ("sku", "name", "price")


class OwnPersonField(serializers.PrimaryKeyRelatedField[Person]):
    """Field for a person of the client's own domain. Other persons do not exist for it."""

    def get_queryset(self) -> QuerySet[Person]:
        """Return the persons of the client's domain."""
        return Person.objects.filter(app_domain__domain=self.context["app_domain"])


class ProductField(serializers.SlugRelatedField[Product]):
    """Field for a product, named by its SKU."""

    def to_internal_value(self, data: Any) -> Product:
        """Validate the text, then find the product: PostgreSQL rejects NUL with an error."""
        return super().to_internal_value(serializers.CharField(max_length=40).run_validation(data))


class OrderSerializer(serializers.ModelSerializer[Order]):
    """Serializer of an order."""

    person = OwnPersonField(pk_field=serializers.UUIDField())
    product = ProductField(slug_field="sku", queryset=Product.objects.all())
    unitPrice = serializers.DecimalField(
        source="unit_price", max_digits=8, decimal_places=2, read_only=True
    )
    total = serializers.DecimalField(max_digits=12, decimal_places=2, read_only=True)
    createdAt = serializers.DateTimeField(source="created_at", read_only=True)

    class Meta:
        model = Order
        fields = ("id", "person", "product", "quantity", "unitPrice", "total", "createdAt")

    def create(self, validated_data: dict[str, Any]) -> Order:
        """Create an order at the current price of the product."""
        return Order.objects.create(unit_price=validated_data["product"].price, **validated_data)
