"""The tenants of django-tenants."""

from django.db import models
from django_tenants.models import DomainMixin, TenantMixin


class Tenant(TenantMixin):
    """A tenant. Saving it creates its schema."""

    name = models.CharField(max_length=10)

    def __str__(self) -> str:
        return self.name


class Domain(DomainMixin):
    """A host name of a tenant."""
