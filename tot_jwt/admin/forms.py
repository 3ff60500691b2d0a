"""The forms that add and change domains and API keys."""

from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, TypedDict, cast

from django import forms
from django.contrib.admin.widgets import AdminTextareaWidget
from django.core import signing
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from tot_jwt.admin.fields import (
    AliasesField,
    ExpiryField,
    MetadataField,
    NetworksField,
    scopes_field,
)
from tot_jwt.exceptions import InvalidValue
from tot_jwt.models import ApiKey, AppDomain, Environment
from tot_jwt.rules import expiry
from tot_jwt.rules.credentials import generate_public_key

if TYPE_CHECKING:
    from django.http import QueryDict

    _KeyForm = forms.ModelForm[ApiKey]
    _DomainForm = forms.ModelForm[AppDomain]
else:
    _KeyForm = _DomainForm = forms.ModelForm

_METADATA_HELP = _('A JSON object for your own use, for example: {"plan": "gold"}.')


def _lines() -> AdminTextareaWidget:
    return AdminTextareaWidget(attrs={"rows": 4})


class DomainSettings(TypedDict):
    """The arguments that `create_domain` and `change_domain` have in common."""

    name: str
    aliases: list[str]
    contact: str
    external_id: str | None
    metadata: dict[str, str]
    rate_limit: str


class AppDomainForm(_DomainForm):
    """The settings of a domain."""

    class Meta:
        field_classes = {"aliases": AliasesField, "metadata": MetadataField}
        widgets = {"aliases": _lines(), "metadata": _lines()}
        help_texts = {
            "aliases": _(
                "Other domains that clients of this app send, one per line. "
                "Upper case and Unicode are converted."
            ),
            "metadata": _METADATA_HELP,
        }

    @property
    def domain_settings(self) -> DomainSettings:
        """The settings of the valid form. Those without a field keep their values."""
        row = self.instance
        return {
            "name": row.name,
            "aliases": row.alias_list,
            "contact": row.contact,
            "external_id": row.external_id,
            "metadata": row.metadata,
            "rate_limit": row.rate_limit,
        }


class KeySettings(TypedDict):
    """The arguments that `create_key` and `change_key` have in common."""

    name: str
    scopes: list[str]
    expires_at: datetime | None
    allowed_ips: list[str]
    can_issue_tokens: bool
    rate_limit: str
    metadata: dict[str, str]


class ApiKeyForm(_KeyForm):
    """The settings of a key that may be changed."""

    class Meta:
        field_classes = {
            "allowed_ips": NetworksField,
            "expires_at": ExpiryField,
            "metadata": MetadataField,
        }
        widgets = {"allowed_ips": _lines(), "metadata": _lines()}
        help_texts = {
            "allowed_ips": _(
                "IP addresses or networks in CIDR notation, one per line. "
                "The key works from these only. If empty, it works from all addresses."
            ),
            "expires_at": _("Without a time, the key works until the end of that day."),
            "metadata": _METADATA_HELP,
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "scopes" in self.fields:
            self.fields["scopes"] = scopes_field(self.instance.scope_set)

    def clean_expires_at(self) -> datetime | None:
        """Return the expiry. Raises ValidationError for a new one that is not in the future."""
        if "expires_at" not in self.changed_data:
            # The browser sends no fractions of a second.
            return self.instance.expires_at
        try:
            return expiry.validate(self.cleaned_data["expires_at"])
        except InvalidValue as error:
            raise ValidationError(error.message) from error

    @property
    def key_settings(self) -> KeySettings:
        """The settings of the valid form. Those without a field keep their values."""
        key = self.instance
        return {
            "name": key.name,
            "scopes": key.scopes.split(),
            "expires_at": key.expires_at,
            "allowed_ips": key.allowed_networks,
            "can_issue_tokens": key.can_issue_tokens,
            "rate_limit": key.rate_limit,
            "metadata": key.metadata,
        }


class ApiKeyAddForm(ApiKeyForm):
    """The settings of a new key.

    The form contains the new public key, signed. So the same form cannot create two keys.
    """

    #: The user who opened the form. No other user can submit it.
    user_pk: ClassVar[object] = None
    #: Seconds after which an open form must be renewed.
    MAX_AGE = 24 * 60 * 60

    new_key = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["new_key"] = self._reserve()

    @cached_property
    def reserved(self) -> dict[str, str]:
        """The submitted public keys by environment. Empty if they are too old or forged."""
        return _reserved(self.data, self.user_pk)

    @property
    def public_key(self) -> str:
        """The public key of the new key."""
        return self.reserved[self.instance.environment]

    @classmethod
    def existing_key(cls, data: Any, user_pk: object) -> ApiKey | None:
        """Return the key that the submitted form has already created, if any."""
        reserved = _reserved(data, user_pk)
        return ApiKey.objects.filter(public_key__in=reserved.values()).first()

    def clean(self) -> dict[str, Any] | None:
        """Return the form's values. Renew a form without valid public keys and raise an error."""
        if not self.reserved:
            renewed = cast("QueryDict", self.data).copy()
            renewed["new_key"] = self._reserve()
            self.data = renewed
            raise ValidationError(
                _("This form was open for too long and has been renewed. Please save it again.")
            )
        return super().clean()

    def _reserve(self) -> str:
        keys = {env: generate_public_key(env) for env in Environment.values}
        return signing.dumps(keys, salt=_salt(self.user_pk))


def _reserved(data: Any, user_pk: object) -> dict[str, str]:
    try:
        reserved: dict[str, str] = signing.loads(
            data.get("new_key", ""), salt=_salt(user_pk), max_age=ApiKeyAddForm.MAX_AGE
        )
    except signing.BadSignature:
        return {}
    return reserved


def _salt(user_pk: object) -> str:
    return f"tot_jwt.admin.new_key:{user_pk}"
