"""KeyEvent, the record of what happened to keys and domains."""

from datetime import datetime
from typing import Any, NoReturn, Self

from django.conf import settings as host_settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from tot_jwt.exceptions import RecordIsPermanent
from tot_jwt.models.domains import AppDomain
from tot_jwt.models.keys import ApiKey
from tot_jwt.models.managers import PrimaryManager
from tot_jwt.rules import lengths
from tot_jwt.utils import clock


class KeyEventQuerySet(models.QuerySet["KeyEvent"]):
    """Events are written once. Only `erase` deletes them."""

    def update(self, **kwargs: Any) -> NoReturn:
        """Raise RecordIsPermanent."""
        raise RecordIsPermanent

    def delete(self) -> NoReturn:
        """Raise RecordIsPermanent."""
        raise RecordIsPermanent

    def bulk_update(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Raise RecordIsPermanent."""
        raise RecordIsPermanent

    def bulk_create(self, objs: Any, *args: Any, **kwargs: Any) -> Any:
        """Write new events. Raises RecordIsPermanent if the call could replace events."""
        if kwargs.get("update_conflicts") or len(args) > 2:
            raise RecordIsPermanent
        return super().bulk_create(objs, *args, **kwargs)

    def prunable(self, before: datetime) -> Self:
        """Select the events before that moment, without the notices of expiries still ahead.

        Without its notice, `notify_expiring` would tell an owner again.
        """
        now = clock.now()
        ahead = Q(expires_at__gt=now) | Q(released_at=None, created_by_key__expires_at__gt=now)
        keys = ApiKey.objects.using(self.db).filter(ahead).order_by()
        notices = Q(action=KeyEvent.Action.EXPIRY_NOTIFIED, key__in=keys)
        return self.filter(~notices, at__lt=before)

    def erase(self) -> int:
        """Delete these events. Return their number. Only `tot_jwt.keys` may call this."""
        return self._raw_delete(self.db)


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
        DOMAIN_CREATED = "domain_created", _("domain created")
        DOMAIN_CHANGED = "domain_changed", _("domain changed")
        DOMAIN_RENAMED = "domain_renamed", _("domain renamed")
        EXPIRY_NOTIFIED = "expiry_notified", _("owner told of the expiry")
        DOMAIN_ERASED = "domain_erased", _("domain erased")
        EVENTS_PRUNED = "events_pruned", _("old events deleted")

    # None: the event is about the record itself, or about a domain that was erased.
    app_domain = models.ForeignKey(
        AppDomain,
        on_delete=models.RESTRICT,
        null=True,
        related_name="events",
        verbose_name=_("app domain"),
    )
    key = models.ForeignKey(
        ApiKey,
        on_delete=models.RESTRICT,
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
        subject = self.key.public_key if self.key else self.app_domain or ""
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.action} {subject}".rstrip()

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Write the event. Raises RecordIsPermanent if it was already written."""
        if self.pk is not None:
            raise RecordIsPermanent
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Raise RecordIsPermanent."""
        raise RecordIsPermanent
