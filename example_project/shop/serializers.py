"""The shapes of the shop's JSON, and the checks of what clients send."""

# ruff: noqa: N815 - JSON is in camel case

from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers

from example_project.shop.models import Order, Person, Product


class PersonSerializer(serializers.ModelSerializer[Person]):
    """A person."""

    givenName = serializers.CharField(source="given_name", max_length=100)
    familyName = serializers.CharField(source="family_name", max_length=100)
    createdAt = serializers.DateTimeField(source="created_at", read_only=True)

    class Meta:
        model = Person
        fields = ("id", "givenName", "familyName", "email", "createdAt")


class NewPersonSerializer(serializers.Serializer[Any]):
    """``{"person": {…}}``, which leaves room for API keys beside the person."""

    person = PersonSerializer()


class PersonQuerySerializer(serializers.Serializer[Any]):
    """What persons may be searched by."""

    email = serializers.EmailField(required=False)


class ProductSerializer(serializers.ModelSerializer[Product]):
    """A product of the catalogue."""

    class Meta:
        model = Product
        fields = ("sku", "name", "price")


class OwnPersonField(serializers.PrimaryKeyRelatedField[Person]):
    """A person of the client's own domain; to anybody else's it says that there is none."""

    def get_queryset(self) -> QuerySet[Person]:
        return Person.objects.filter(app_domain__domain=self.context["app_domain"])


class ProductField(serializers.SlugRelatedField[Product]):
    """A product by its SKU. The text is checked first: PostgreSQL raises for NUL where others just find nothing."""

    def to_internal_value(self, data: Any) -> Product:
        return super().to_internal_value(serializers.CharField(max_length=40).run_validation(data))


class OrderSerializer(serializers.ModelSerializer[Order]):
    """An order; a new one takes today's price."""

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
        return Order.objects.create(unit_price=validated_data["product"].price, **validated_data)
