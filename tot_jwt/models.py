"""AppDomain, ApiKey, and KeyEvent, the record of what happened to them.

Rows change through `tot_jwt.lifecycle` only.
"""

from datetime import datetime
from typing import Any, NoReturn, Self, TypeVar

from django.conf import settings as host_settings
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models, router
from django.utils.translation import gettext_lazy as _

from tot_jwt.exceptions import InvalidValue, RecordIsPermanent
from tot_jwt.rules import domains, networks, scopes
from tot_jwt.rules.status import KeyStatus as KeyStatus
from tot_jwt.rules.status import previous_secret_is_live, status_of, status_q

M = TypeVar("M", bound=models.Model)


def write_alias() -> str:
    """The alias of the database that our tables are written to."""
    return router.db_for_write(ApiKey)


class Environment(models.TextChoices):
    """What a key is for; a token of the one never counts in the other."""

    LIVE = "live", _("live")
    TEST = "test", _("test")


class PrimaryManager(models.Manager[M]):
    """Reads from the database that is written to: a replica that lags behind decides nothing."""

    def get_queryset(self) -> models.QuerySet[M]:
        return super().get_queryset().using(self._db or write_alias())


class AppDomain(models.Model):
    """An application that calls the API, known by its domain."""

    domain = models.CharField(
        _("domain"),
        max_length=domains.MAX_LENGTH,
        unique=True,
        error_messages={"unique": _("This domain exists already.")},
        help_text=_("For example: example.com. Upper case and Unicode are converted."),
    )
    name = models.CharField(_("name"), max_length=200, blank=True)
    suspended_at = models.DateTimeField(_("suspended"), null=True, blank=True, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    objects = PrimaryManager["AppDomain"]()

    class Meta:
        base_manager_name = "objects"
        verbose_name = _("app domain")
        verbose_name_plural = _("app domains")
        ordering = ("domain",)
        default_permissions = ("add", "change", "view")
        constraints = (
            models.CheckConstraint(
                condition=models.Q(domain__regex=domains.PATTERN),
                name="tot_jwt_domain_is_canonical",
                violation_error_message=_("This is not a valid domain name."),
            ),
        )

    def __str__(self) -> str:
        return self.domain

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save; raises InvalidValue for a domain that is not in canonical form, whatever the database enforces."""
        if domains.canonical(self.domain) != self.domain:
            raise InvalidValue(_("This is not a valid domain name."))
        super().save(*args, **kwargs)

    @property
    def is_suspended(self) -> bool:
        return self.suspended_at is not None

    def clean(self) -> None:
        try:
            self.domain = domains.from_person(self.domain)
        except InvalidValue as error:
            raise ValidationError({"domain": error.message}) from error


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    """Keys by what has become of them."""

    def with_status(self, status: KeyStatus) -> Self:
        """The keys whose status that is now."""
        return self.filter(status_q(status))

    def usable(self) -> Self:
        """The keys that are neither revoked nor disabled nor expired."""
        return self.filter(*[~status_q(status) for status in KeyStatus if not status.is_usable])


class ApiKey(models.Model):
    """A public key and the hash of its secret, with what its owner may do."""

    public_key = models.CharField(
        _("public key"),
        max_length=128,
        unique=True,
        validators=[
            RegexValidator(
                r"^[!#-\[\]-~]+\Z", _("Printable ASCII without spaces, quotes and backslashes.")
            )
        ],
    )
    app_domain = models.ForeignKey(
        AppDomain, on_delete=models.PROTECT, related_name="api_keys", verbose_name=_("app domain")
    )
    environment = models.CharField(
        _("environment"), max_length=4, choices=Environment.choices, default=Environment.LIVE
    )
    name = models.CharField(_("name"), max_length=200)
    # Space-separated, as in a token (RFC 9068 §2.2.3).
    scopes = models.CharField(_("scopes"), max_length=scopes.MAX_LENGTH, blank=True, default="")
    can_issue_tokens = models.BooleanField(_("may be exchanged for tokens"), default=True)
    # Space-separated CIDR.
    allowed_ips = models.TextField(_("allowed addresses"), blank=True, default="")

    secret_hash = models.CharField(max_length=128, editable=False)
    secret_hint = models.CharField(_("secret ends in"), max_length=8, editable=False, default="")
    previous_secret_hash = models.CharField(max_length=128, blank=True, editable=False, default="")
    previous_secret_expires_at = models.DateTimeField(
        _("previous secret ends"), null=True, blank=True, editable=False
    )
    previous_secret_last_used_at = models.DateTimeField(
        _("previous secret last used"), null=True, blank=True, editable=False
    )
    # Tokens carry the generation in which they were issued; raising it ends them all.
    generation = models.PositiveIntegerField(_("generation"), default=1, editable=False)

    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    disabled_at = models.DateTimeField(_("disabled"), null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True, editable=False)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    created_by = models.ForeignKey(
        host_settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("created by"),
    )
    created_by_key = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="created_keys",
        verbose_name=_("created by key"),
    )

    objects = PrimaryManager.from_queryset(ApiKeyQuerySet)()

    class Meta:
        base_manager_name = "objects"
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        ordering = ("-created_at", "-pk")
        indexes = (models.Index(fields=["-created_at", "-id"], name="tot_jwt_apikey_newest"),)
        default_permissions = ("add", "change", "view")
        permissions = (
            ("revoke_apikey", _("Can revoke API keys")),
            ("rotate_apikey", _("Can rotate the secrets of API keys")),
        )

    def __str__(self) -> str:
        return f"{self.name} ({self.public_key})"

    @property
    def status(self) -> KeyStatus:
        """What has become of the key by now."""
        return status_of(self)

    @property
    def is_usable(self) -> bool:
        """Whether the key is neither revoked nor disabled nor expired."""
        return self.status.is_usable

    @property
    def previous_secret_is_live(self) -> bool:
        """Whether the secret before the last rotation still works."""
        return self.revoked_at is None and previous_secret_is_live(self)

    @property
    def scope_set(self) -> frozenset[str]:
        """The scopes that the key was given."""
        return scopes.split(self.scopes)

    @property
    def allowed_networks(self) -> list[str]:
        """The networks from which the key works; empty: all."""
        return self.allowed_ips.split()

    def clean(self) -> None:
        try:
            self.allowed_ips = networks.validate(self.allowed_ips.split())
        except InvalidValue as error:
            raise ValidationError({"allowed_ips": error.message}) from error


class KeyEventQuerySet(models.QuerySet["KeyEvent"]):
    """Events are written once; pruning the old ones is the only way out."""

    def update(self, **kwargs: Any) -> NoReturn:
        raise RecordIsPermanent

    def delete(self) -> NoReturn:
        raise RecordIsPermanent

    def prune(self, before: datetime) -> int:
        """Delete the events from before that moment; how many they were."""
        old = self.filter(at__lt=before)
        return old._raw_delete(old.db)


class KeyEvent(models.Model):
    """Something that happened to a key, or to a domain, and who did it."""

    class Action(models.TextChoices):
        """What happened."""

        CREATED = "created", _("created")
        IMPORTED = "imported", _("imported")
        CHANGED = "changed", _("changed")
        ROTATED = "rotated", _("secret rotated")
        PREVIOUS_SECRET_ENDED = "previous_secret_ended", _("previous secret ended")
        TOKENS_ENDED = "tokens_ended", _("tokens ended")
        DISABLED = "disabled", _("disabled")
        ENABLED = "enabled", _("enabled")
        REVOKED = "revoked", _("revoked")
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
    # Who it was, in words that outlive the account.
    actor = models.CharField(_("by"), max_length=255)
    jti = models.CharField(_("token id"), max_length=64, blank=True)
    address = models.CharField(_("address"), max_length=networks.MAX_LENGTH, blank=True)
    # Name → [before, after].
    changes = models.JSONField(_("changes"), default=dict)

    objects = PrimaryManager.from_queryset(KeyEventQuerySet)()

    class Meta:
        verbose_name = _("key event")
        verbose_name_plural = _("key events")
        ordering = ("-at", "-pk")
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.action} {self.key.public_key if self.key else self.app_domain}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Write the event, once."""
        if self.pk is not None:
            raise RecordIsPermanent
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise RecordIsPermanent
