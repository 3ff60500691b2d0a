"""KeyUsage."""

from django.db import models

from tot_jwt.models.keys import ApiKey
from tot_jwt.models.managers import PrimaryManager


class KeyUsage(models.Model):
    """How often a key and its tokens were used in an hour. All processes add to one row."""

    # Without a constraint: its check would wait for a transaction that has locked the key.
    key = models.ForeignKey(
        ApiKey,
        on_delete=models.CASCADE,
        db_constraint=False,
        db_index=False,
        related_name="usage",
        editable=False,
    )
    # The NumericDate at which the hour begins: naive datetimes are ambiguous when clocks are set
    # back.
    at = models.BigIntegerField(db_index=True)
    accepted = models.BigIntegerField(default=0)
    refused = models.BigIntegerField(default=0)

    objects = PrimaryManager["KeyUsage"]()

    class Meta:
        default_permissions = ()
        constraints = (
            models.UniqueConstraint(fields=("key", "at"), name="tot_jwt_usage_of_an_hour"),
        )

    def __str__(self) -> str:
        return f"{self.key_id} {self.at}"
