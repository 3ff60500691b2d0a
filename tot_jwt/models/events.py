"""KeyEvent, the record of what happened to keys and domains."""

from datetime import datetime
from typing import Any, NoReturn

from django.conf import settings as host_settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from tot_jwt.exceptions import RecordIsPermanent
from tot_jwt.models.domains import AppDomain
from tot_jwt.models.keys import ApiKey
from tot_jwt.models.managers import PrimaryManager
from tot_jwt.rules import lengths


class KeyEventQuerySet(models.QuerySet["KeyEvent"]):
    """Events are written once. Only `prune` deletes them."""

    def update(self, **kwargs: Any) -> NoReturn:
        """Raise RecordIsPermanent."""
        raise RecordIsPermanent

    def delete(self) -> NoReturn:
        """Raise RecordIsPermanent."""
        raise RecordIsPermanent

    def prune(self, before: datetime) -> int:
        """Delete the events before that moment. Return their number."""
        old = self.filter(at__lt=before)
        return old._raw_delete(old.db)


class KeyEvent(models.Model):
    """An action on a key or a domain, and who performed it."""

    class Action(models.TextChoices):
        """The kinds of action."""

        CREATED = "created", _("created")
        IMPORTED = "imported", _("imported")
        CHANGED = "changed", _("changed")
        ROTATED = "rotated", _("secret rotated")
        PREVIOUS_SECRET_ENDED = "previous_secret_ended", _("previous secret ended")
        TOKENS_ENDED = "tokens_ended", _("tokens ended")
        DISABLED = "disabled", _("disabled")
        ENABLED = "enabled", _("enabled")
        REVOKED = "revoked", _("revoked")
        RELEASED = "released", _("released from its creator")
        SUSPENDED = "suspended", _("domain suspended")
        RESUMED = "resumed", _("domain resumed")

    app_domain = models.ForeignKey(
        AppDomain, on_delete=models.PROTECT, related_name="events", verbose_name=_("app domain")
    )
    key = models.ForeignKey(
        ApiKey,
        on_delete=models.PROTECT,
        null=True,
        related_name="events",
        verbose_name=_("API key"),
    )
    action = models.CharField(_("action"), max_length=32, choices=Action.choices)
    at = models.DateTimeField(_("time"), db_index=True)
    user = models.ForeignKey(
        host_settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=_("user"),
    )
    # The actor's name, which outlives the account.
    actor = models.CharField(_("by"), max_length=lengths.ACTOR)
    jti = models.CharField(_("token ID"), max_length=lengths.TOKEN_ID, blank=True)
    address = models.CharField(_("address"), max_length=lengths.ADDRESS, blank=True)
    # Name → [before, after].
    changes = models.JSONField(_("changes"), default=dict)

    objects = PrimaryManager.from_queryset(KeyEventQuerySet)()

    class Meta:
        verbose_name = _("key event")
        verbose_name_plural = _("key events")
        ordering = ("-at", "-pk")
        default_permissions = ("view",)

    def __str__(self) -> str:
        subject = self.key.public_key if self.key else self.app_domain
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.action} {subject}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Write the event. Raises RecordIsPermanent if it was already written."""
        if self.pk is not None:
            raise RecordIsPermanent
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Raise RecordIsPermanent."""
        raise RecordIsPermanent
