"""RevokedToken."""

from django.db import models

from tot_jwt.models.keys import ApiKey
from tot_jwt.models.managers import PrimaryManager


class RevokedToken(models.Model):
    """A token that was revoked by itself. Its row is needed only until the token expires."""

    # SHA-256 in hexadecimal: another issuer with the same key may write a `jti` of any length.
    jti_hash = models.CharField(max_length=64, primary_key=True)
    key = models.ForeignKey(ApiKey, on_delete=models.CASCADE, related_name="revoked_tokens")
    # A NumericDate: naive datetimes are ambiguous in the hour when clocks are set back.
    expires_at = models.BigIntegerField(db_index=True)

    objects = PrimaryManager["RevokedToken"]()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.jti_hash
