"""The database that the package reads and writes."""

from typing import TypeVar

from django.apps import apps
from django.db import models, router

M = TypeVar("M", bound=models.Model)


def write_alias() -> str:
    """Return the alias of the database that the package writes to."""
    # Hosts may build querysets while models load, when `get_model` still raises.
    return router.db_for_write(apps.get_registered_model("tot_jwt", "apikey"))


class PrimaryManager(models.Manager[M]):
    """Manager that reads from the primary: a lagging replica must not decide anything."""

    def get_queryset(self) -> models.QuerySet[M]:
        """Return all rows, from the primary unless the manager was given a database."""
        return super().get_queryset().using(self._db or write_alias())
