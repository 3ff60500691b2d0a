"""Models of the shop. Each person and order belongs to one app domain; only its clients see it."""

from decimal import Decimal
from uuid import uuid4

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from tot_jwt.models import AppDomain


class Person(models.Model):
    """A customer of the application that added the person."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    # The column holds the domain itself, so `ApiClient.app_domain` is stored and compared as it is.
    app_domain = models.ForeignKey(
        AppDomain, to_field="domain", on_delete=models.PROTECT, related_name="persons"
    )
    given_name = models.CharField(max_length=100)
    family_name = models.CharField(max_length=100)
    email = models.EmailField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("family_name", "given_name", "id")

    def __str__(self) -> str:
        return f"{self.given_name} {self.family_name}"


class Product(models.Model):
    """A product, which clients of all app domains can order."""

    sku = models.SlugField("SKU", max_length=40, unique=True)
    name = models.CharField(max_length=200)
    price = models.DecimalField(max_digits=8, decimal_places=2)

    class Meta:
        ordering = ("sku",)

    def __str__(self) -> str:
        return self.name


class Order(models.Model):
    """A person's order of one product, at the price at that time."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="orders")
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="orders")
    quantity = models.PositiveSmallIntegerField(
        validators=[MinValueValidator(1), MaxValueValidator(1000)]
    )
    unit_price = models.DecimalField(max_digits=8, decimal_places=2, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-created_at", "id")

    def __str__(self) -> str:
        return f"{self.quantity} × {self.product}"

    @property
    def total(self) -> Decimal:
        """The price of all units."""
        return self.quantity * self.unit_price
