"""ApiKey."""

from collections.abc import Iterable
from typing import Self

from django.conf import settings as host_settings
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from tot_jwt.conf import settings
from tot_jwt.exceptions import InvalidValue
from tot_jwt.models.domains import AppDomain
from tot_jwt.models.managers import PrimaryManager
from tot_jwt.rules import credentials, lengths, networks, scopes
from tot_jwt.rules.metadata import validate_metadata
from tot_jwt.rules.names import validate_name
from tot_jwt.rules.rates import validate_rate
from tot_jwt.rules.status import KeyStatus, endings, is_in_grace, status_of, status_q


class Environment(models.TextChoices):
    """Live or test use. A token manages only keys of its own environment."""

    LIVE = "live", _("live")
    TEST = "test", _("test")


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    """Selections of keys."""

    def get_exact(self, public_key: str) -> "ApiKey | None":
        """Return the key with exactly this public key, or None.

        Some collations also match other cases and trailing spaces. Some databases cannot store,
        nor compare, text that is not ASCII.
        """
        is_possible = credentials.is_possible_key(public_key)
        key = self.filter(public_key=public_key).first() if is_possible else None
        return key if key is not None and key.public_key == public_key else None

    def created_with(self, keys: Iterable["ApiKey"]) -> Self:
        """Return the keys that live inside these keys: not those revoked or released."""
        creators = [key.pk for key in keys]
        return self.filter(created_by_key__in=creators, released_at=None, revoked_at=None)

    def with_related(self) -> Self:
        """Return the keys with the related rows that a response shows, in one query."""
        return self.select_related("app_domain", "created_by_key")

    def with_status(self, status: KeyStatus) -> Self:
        """Return the keys that have this status now."""
        return self.filter(status_q(status))

    def usable(self) -> Self:
        """Return the keys that work now."""
        return self.filter(*[~status_q(status) for status in KeyStatus if not status.is_usable])


class ApiKey(models.Model):
    """A public key and the hash of its secret, with the rights of its owner."""

    public_key = models.CharField(
        _("public key"),
        max_length=lengths.PUBLIC_KEY,
        unique=True,
        validators=[
            RegexValidator(
                r"^[!#-\[\]-~]+\Z",
                _("Use printable ASCII without spaces, quotes and backslashes."),
            )
        ],
    )
    app_domain = models.ForeignKey(
        AppDomain,
        on_delete=models.RESTRICT,
        related_name="api_keys",
        verbose_name=_("app domain"),
    )
    environment = models.CharField(
        _("environment"), max_length=4, choices=Environment.choices, default=Environment.LIVE
    )
    name = models.CharField(_("name"), max_length=lengths.NAME, validators=[validate_name])
    # Space-separated, as in a token (RFC 9068 §2.2.3).
    scopes = models.CharField(_("scopes"), max_length=lengths.SCOPES, blank=True, default="")
    can_issue_tokens = models.BooleanField(_("can be exchanged for tokens"), default=True)
    # Space-separated CIDR.
    allowed_ips = models.TextField(_("allowed addresses"), blank=True, default="")
    rate_limit = models.CharField(
        _("rate limit"),
        max_length=lengths.RATE,
        blank=True,
        default="",
        validators=[validate_rate],
        help_text=_(
            "Requests with the key and its tokens together, for example 600/min, on views with a "
            "limit. Empty: the limit of the key's creator, or else RATE_LIMIT."
        ),
    )
    metadata = models.JSONField(
        _("metadata"), default=dict, blank=True, validators=[validate_metadata]
    )

    secret_hash = models.CharField(max_length=lengths.HASH, editable=False)
    secret_hint = models.CharField(_("secret ends in"), max_length=8, editable=False, default="")
    secret_last_used_at = models.DateTimeField(
        _("secret last used"), null=True, blank=True, editable=False
    )
    previous_secret_hash = models.CharField(
        max_length=lengths.HASH, blank=True, editable=False, default=""
    )
    previous_secret_expires_at = models.DateTimeField(
        _("previous secret expires"), null=True, blank=True, editable=False
    )
    previous_secret_last_used_at = models.DateTimeField(
        _("previous secret last used"), null=True, blank=True, editable=False
    )
    # Each token carries the generation it was issued in. Raising it ends all earlier tokens.
    generation = models.PositiveIntegerField(_("generation"), default=1, editable=False)

    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    disabled_at = models.DateTimeField(_("disabled"), null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True, editable=False)
    # The NumericDate at which the last of the tokens that were revoked by themselves expires.
    tokens_revoked_until = models.BigIntegerField(null=True, blank=True, editable=False)
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
        on_delete=models.RESTRICT,
        null=True,
        blank=True,
        editable=False,
        related_name="created_keys",
        verbose_name=_("created by key"),
    )
    # A released key stands alone, as if an administrator had created it.
    released_at = models.DateTimeField(_("released"), null=True, blank=True, editable=False)
    # When an administrator first narrowed, shortened or disabled the key: since then its creator
    # may not widen it.
    restricted_at = models.DateTimeField(_("restricted"), null=True, blank=True, editable=False)

    objects = PrimaryManager.from_queryset(ApiKeyQuerySet)()

    class Meta:
        base_manager_name = "objects"
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        ordering = ("-pk",)  # the newest first
        default_permissions = ("add", "change", "view")
        permissions = (
            ("revoke_apikey", _("Can revoke API keys")),
            ("rotate_apikey", _("Can rotate the secrets of API keys")),
        )

    def __str__(self) -> str:
        return f"{self.name} ({self.public_key})"

    def clean(self) -> None:
        """Convert the allowed addresses to canonical CIDR. Raises ValidationError."""
        try:
            self.allowed_ips = networks.validate(self.allowed_ips.split())
        except InvalidValue as error:
            raise ValidationError({"allowed_ips": error.message}) from error

    @property
    def creator(self) -> "ApiKey | None":
        """The key inside which this key lives, or None if it stands alone."""
        return self.created_by_key if self.has_creator else None

    @property
    def has_creator(self) -> bool:
        """Whether the key was created with a token, and was not released."""
        return self.created_by_key_id is not None and self.released_at is None

    @property
    def status(self) -> KeyStatus:
        """The key's status now. Its creator and its domain count too."""
        return status_of(endings(self, self.creator, self.app_domain.suspended_at))

    @property
    def is_usable(self) -> bool:
        """Whether the key works now."""
        return self.status.is_usable

    @property
    def previous_secret_is_live(self) -> bool:
        """Whether the secret before the last rotation still works, if the key does."""
        return self.revoked_at is None and is_in_grace(self)

    @property
    def effective_rate_limit(self) -> str:
        """The key's own rate limit, or else its creator's, or else RATE_LIMIT; `""` for none."""
        creators = self.creator.rate_limit if self.creator else ""
        return self.rate_limit or creators or settings.RATE_LIMIT or ""

    @property
    def scope_set(self) -> frozenset[str]:
        """The key's own scopes."""
        return scopes.split(self.scopes)

    @property
    def allowed_networks(self) -> list[str]:
        """The networks from which the key works. An empty list means all."""
        return self.allowed_ips.split()
