"""The database that the package reads and writes."""

from typing import TypeVar

from django.apps import apps
from django.db import connections, models, router

M = TypeVar("M", bound=models.Model)

#: A database alias and, if its connection has one, the schema (django-tenants).
Tenant = tuple[str, str | None]


def write_alias() -> str:
    """Return the alias of the database that the package writes to."""
    # Hosts may build querysets while models load, when `get_model` still raises.
    return router.db_for_write(apps.get_registered_model("tot_jwt", "apikey"))


def current_tenant() -> Tenant:
    """Return the database, and its schema if it has several, on which every answer depends.

    What a process caches or counts belongs to one tenant.
    """
    alias = write_alias()
    return alias, getattr(connections[alias], "schema_name", None)


class PrimaryManager(models.Manager[M]):
    """Manager that reads from the primary: a lagging replica must not decide anything."""

    def get_queryset(self) -> models.QuerySet[M]:
        """Return all rows, from the primary unless the manager was given a database."""
        return super().get_queryset().using(self._db or write_alias())
