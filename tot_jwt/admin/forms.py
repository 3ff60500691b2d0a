"""The forms that add and change an API key."""

from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, TypedDict, cast

from django import forms
from django.contrib.admin.widgets import AdminTextareaWidget
from django.core import signing
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from tot_jwt.admin.fields import NetworksField, scopes_field
from tot_jwt.exceptions import InvalidValue
from tot_jwt.keys.lifecycle import valid_expiry
from tot_jwt.models import ApiKey, Environment
from tot_jwt.rules.credentials import generate_public_key

if TYPE_CHECKING:
    from django.http import QueryDict

    _ModelForm = forms.ModelForm[ApiKey]
else:
    _ModelForm = forms.ModelForm


class KeySettings(TypedDict):
    """The arguments that `create_key` and `change_key` have in common."""

    name: str
    scopes: list[str]
    expires_at: datetime | None
    allowed_ips: list[str]
    can_issue_tokens: bool


class ApiKeyForm(_ModelForm):
    """The settings of a key that may be changed."""

    allowed_ips = NetworksField(
        label=_("Allowed addresses"),
        widget=AdminTextareaWidget(attrs={"rows": 4}),
        required=False,
        help_text=_(
            "IP addresses or networks in CIDR notation, one per line. "
            "The key works from these only. If empty, it works from all addresses."
        ),
    )

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
            return valid_expiry(self.cleaned_data["expires_at"])
        except InvalidValue as error:
            raise ValidationError(error.message) from error

    @property
    def key_settings(self) -> KeySettings:
        """The settings of the valid form."""
        data = self.cleaned_data
        return {
            "name": data["name"],
            "scopes": data["scopes"].split(),
            "expires_at": data["expires_at"],
            "allowed_ips": data["allowed_ips"].split(),
            "can_issue_tokens": data["can_issue_tokens"],
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
        try:
            reserved: dict[str, str] = signing.loads(
                self.data.get("new_key", ""), salt=self._salt, max_age=self.MAX_AGE
            )
        except signing.BadSignature:
            return {}
        return reserved

    @property
    def public_key(self) -> str:
        """The public key of the new key."""
        return self.reserved[self.cleaned_data["environment"]]

    def existing_key(self) -> ApiKey | None:
        """Return the key that this form has already created, if any."""
        return ApiKey.objects.filter(public_key__in=self.reserved.values()).first()

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

    @property
    def _salt(self) -> str:
        return f"tot_jwt.admin.new_key:{self.user_pk}"

    def _reserve(self) -> str:
        return signing.dumps(
            {env: generate_public_key(env) for env in Environment.values}, salt=self._salt
        )
