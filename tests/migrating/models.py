"""A table of keys of the host's own, as docs/migrating.md describes it."""

from django.db import models


class PartnerKey(models.Model):
    """A key of a partner."""

    partner = models.SlugField()
    purpose = models.CharField(max_length=50)
    key_id = models.CharField(max_length=20, unique=True)
    secret_digest = models.CharField(max_length=64)
    last_day = models.DateField(null=True)
    networks = models.JSONField(default=list)
    is_active = models.BooleanField(default=True)

    class Meta:
        app_label = "partners"

    def __str__(self) -> str:
        return self.key_id
