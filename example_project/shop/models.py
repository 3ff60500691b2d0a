"""What the API is about. Persons and orders belong to an app domain, whose clients see no others."""

from decimal import Decimal
from uuid import uuid4

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from tot_jwt.models import AppDomain


class Person(models.Model):
    """A customer of the application that added them."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    # The domain itself is the key, so that a client's `app_domain` can be stored and compared as it stands.
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
    """Something to order, the same for all applications."""

    sku = models.SlugField("SKU", max_length=40, unique=True)
    name = models.CharField(max_length=200)
    price = models.DecimalField(max_digits=8, decimal_places=2)

    class Meta:
        ordering = ("sku",)

    def __str__(self) -> str:
        return self.name


class Order(models.Model):
    """A person's order of one product, at the price of that day."""

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
        """What the order costs."""
        return self.quantity * self.unit_price
