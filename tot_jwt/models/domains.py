"""AppDomain."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from tot_jwt.exceptions import InvalidValue
from tot_jwt.models.managers import PrimaryManager
from tot_jwt.rules import domains, lengths


class AppDomain(models.Model):
    """An application that calls the API, identified by its domain."""

    domain = models.CharField(
        _("domain"),
        max_length=lengths.DOMAIN,
        unique=True,
        error_messages={"unique": _("This domain already exists.")},
        help_text=_("For example: example.com. Upper case and Unicode are converted."),
    )
    name = models.CharField(_("name"), max_length=lengths.NAME, blank=True)
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
        # Not every database enforces the constraint.
        if domains.canonical(self.domain) != self.domain:
            raise InvalidValue(domains.INVALID)
        super().save(*args, **kwargs)

    def clean(self) -> None:
        """Convert what a person typed to a canonical domain. Raises ValidationError."""
        try:
            self.domain = domains.from_person(self.domain)
        except InvalidValue as error:
            raise ValidationError({"domain": error.message}) from error

    @property
    def is_suspended(self) -> bool:
        """Whether the domain's keys and tokens are suspended."""
        return self.suspended_at is not None
