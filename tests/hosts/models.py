"""A model that three packages watch, and the models of the documentation."""

import reversion  # type: ignore[import-not-found]
from django.conf import settings
from django.db import models
from django_currentuser.db.models import CurrentUserField  # type: ignore[import-not-found]
from simple_history.models import HistoricalRecords  # type: ignore[import-not-found]

from tests.support.documents import blocks, read

#: The names that the code of the documentation defines.
RECIPES: dict[str, object] = {"__name__": __name__}
for block in blocks(read("docs/hosts.md"), "python"):
    exec(compile(block, "docs/hosts.md", "exec"), RECIPES)  # noqa: S102 - our own text


@reversion.register()
class Order(models.Model):
    name = models.CharField(max_length=20)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="owned")
    changed_by = CurrentUserField(on_update=True, related_name="changed")
    history = HistoricalRecords()

    def __str__(self) -> str:
        return self.name
