"""AppDomain."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from tot_jwt.exceptions import InvalidValue
from tot_jwt.models.managers import PrimaryManager
from tot_jwt.rules import domains, lengths
from tot_jwt.rules.metadata import validate_metadata
from tot_jwt.rules.names import validate_name
from tot_jwt.rules.rates import validate_rate


class AppDomain(models.Model):
    """An application that calls the API, identified by its domain."""

    domain = models.CharField(
        _("domain"),
        max_length=lengths.DOMAIN,
        unique=True,
        error_messages={"unique": _("This domain already exists.")},
        help_text=_("For example: example.com. Upper case and Unicode are converted."),
    )
    # Space-separated and canonical. Several domains may have the same alias.
    aliases = models.TextField(_("aliases"), blank=True, default="")
    name = models.CharField(
        _("name"), max_length=lengths.NAME, blank=True, validators=[validate_name]
    )
    contact = models.EmailField(
        _("contact"),
        blank=True,
        default="",
        help_text=_("The address that is told when a key is about to expire."),
    )
    external_id = models.CharField(
        _("external ID"),
        max_length=lengths.EXTERNAL_ID,
        unique=True,
        null=True,
        blank=True,
        default=None,
        validators=[validate_name],
        error_messages={"unique": _("Another domain has this external ID.")},
        help_text=_(
            "Your own identifier of the application's owner, for example a customer number."
        ),
    )
    metadata = models.JSONField(
        _("metadata"), default=dict, blank=True, validators=[validate_metadata]
    )
    rate_limit = models.CharField(
        _("rate limit"),
        max_length=lengths.RATE,
        blank=True,
        default="",
        validators=[validate_rate],
        help_text=_(
            "Requests of all keys of an environment together, for example 6000/min, on views with "
            "a limit. Empty: no limit."
        ),
    )
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
                violation_error_message=domains.INVALID,
            ),
        )

    def __str__(self) -> str:
        return self.domain

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save the row. Raises InvalidValue if the domain is not canonical."""
        # An empty text is not an ID: the unique index would accept one domain without an ID.
        self.external_id = self.external_id or None
        # Not every database enforces the constraint.
        if domains.canonical(self.domain) != self.domain:
            raise InvalidValue(domains.INVALID)
        super().save(*args, **kwargs)

    def clean(self) -> None:
        """Convert what a person typed to canonical domains. Raises ValidationError."""
        try:
            self.domain = domains.from_person(self.domain)
        except InvalidValue as error:
            raise ValidationError({"domain": error.message}) from error
        try:
            self.aliases = domains.aliases_from_person(self.aliases.split(), self.domain)
        except InvalidValue as error:
            raise ValidationError({"aliases": error.message}) from error
        self.external_id = self.external_id or None

    @property
    def alias_list(self) -> list[str]:
        """The domain's aliases."""
        return self.aliases.split()

    @property
    def is_suspended(self) -> bool:
        """Whether the domain's keys and tokens are suspended."""
        return self.suspended_at is not None
