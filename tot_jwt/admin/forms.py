"""The forms in which people make and change API keys."""

import re
from collections.abc import Iterable
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, TypedDict, cast

from django import forms
from django.contrib.admin.widgets import AdminTextareaWidget, AutocompleteSelect
from django.core import signing
from django.core.exceptions import ValidationError
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tot_jwt.conf import settings
from tot_jwt.exceptions import InvalidValue
from tot_jwt.keys import lifecycle
from tot_jwt.models import ApiKey, Environment
from tot_jwt.rules import networks, scopes
from tot_jwt.rules.credentials import generate_public_key

if TYPE_CHECKING:
    from django.http import QueryDict

    _ModelForm = forms.ModelForm[ApiKey]
else:
    _ModelForm = forms.ModelForm


class KeySettings(TypedDict):
    """What `lifecycle.create_key` and `lifecycle.change_key` both take."""

    name: str
    scopes: list[str]
    expires_at: datetime | None
    allowed_ips: list[str]
    can_issue_tokens: bool


class DomainSelect(AutocompleteSelect):
    """Django's, which fails on what can be no row's number, from a URL or a forged form: here that is no choice."""

    def optgroups(self, name: str, value: Iterable[str], attr: Any = None) -> Any:
        return super().optgroups(
            name, [text for text in value if re.fullmatch("[0-9]{1,18}", text)], attr
        )


class NetworksField(forms.CharField):
    """Networks, one per line; the value is what the database keeps."""

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value.split()) if value else value

    def to_python(self, value: Any) -> str:
        try:
            return networks.validate((value or "").split())
        except InvalidValue as error:
            raise ValidationError(error.message) from error


class ScopesField(forms.CharField):
    """Any well-formed scopes: for a host whose catalogue is empty."""

    widget = AdminTextareaWidget

    def to_python(self, value: Any) -> str:
        return _joined((value or "").split())


class CatalogueField(forms.MultipleChoiceField):
    """The scopes of the catalogue as check boxes, and below them those that the key has and the catalogue lost."""

    widget = forms.CheckboxSelectMultiple

    def __init__(self, *, held: frozenset[str], **kwargs: Any) -> None:
        self._held = held
        lost = sorted(held - settings.SCOPES.keys())
        choices = [
            *((name, _described(name, text)) for name, text in settings.SCOPES.items()),
            *(
                (name, _described(name, _("no longer in the catalogue"), "tot-lost"))
                for name in lost
            ),
        ]
        super().__init__(choices=choices, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return sorted(scopes.split(value)) if isinstance(value, str) else value

    def clean(self, value: Any) -> Any:
        return _joined(super().clean(value), known=self._held)

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(self.prepare_value(initial), data)


class ApiKeyForm(_ModelForm):
    """What may be changed about a key."""

    allowed_ips = NetworksField(
        label=_("Allowed addresses"),
        widget=AdminTextareaWidget(attrs={"rows": 4}),
        required=False,
        help_text=_(
            "IP addresses or networks in CIDR notation from which the key works, one per line. Empty: everywhere."
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "scopes" in self.fields:
            self.fields["scopes"] = _scopes_field(self.instance.scope_set)

    def clean_expires_at(self) -> datetime | None:
        if "expires_at" not in self.changed_data:
            # What the form brings back lacks the fractions of the second.
            return self.instance.expires_at
        try:
            return lifecycle.valid_expiry(self.cleaned_data["expires_at"])
        except InvalidValue as error:
            raise ValidationError(error.message) from error

    @property
    def key_settings(self) -> KeySettings:
        """The settings that the valid form holds."""
        data = self.cleaned_data
        return {
            "name": data["name"],
            "scopes": data["scopes"].split(),
            "expires_at": data["expires_at"],
            "allowed_ips": data["allowed_ips"].split(),
            "can_issue_tokens": data["can_issue_tokens"],
        }


class ApiKeyAddForm(ApiKeyForm):
    """A new key. The form carries the new public key, signed, so that sending it twice cannot make two keys."""

    #: Whoever opened the form; nobody else can send it.
    user_pk: ClassVar[object] = None
    #: Seconds for which an open form can be sent.
    MAX_AGE = 24 * 60 * 60

    new_key = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["new_key"] = self._reserve()

    @cached_property
    def reserved(self) -> dict[str, str]:
        """The public keys that the form brought back, by environment; empty if it is too old or not ours."""
        try:
            reserved: dict[str, str] = signing.loads(
                self.data.get("new_key", ""), salt=self._salt, max_age=self.MAX_AGE
            )
        except signing.BadSignature:
            return {}
        return reserved

    @property
    def public_key(self) -> str:
        """The public key of the key to be made."""
        return self.reserved[self.cleaned_data["environment"]]

    def existing_key(self) -> ApiKey | None:
        """The key that this very form has made already."""
        return ApiKey.objects.filter(public_key__in=self.reserved.values()).first()

    def clean(self) -> dict[str, Any] | None:
        if not self.reserved:
            renewed = cast("QueryDict", self.data).copy()
            renewed["new_key"] = self._reserve()
            self.data = renewed
            raise ValidationError(
                _("This form was open for too long and has been renewed. Please save again.")
            )
        return super().clean()

    @property
    def _salt(self) -> str:
        return f"tot_jwt.admin.new_key:{self.user_pk}"

    def _reserve(self) -> str:
        return signing.dumps(
            {env: generate_public_key(env) for env in Environment.values}, salt=self._salt
        )


def _scopes_field(held: frozenset[str]) -> forms.Field:
    label = _("Scopes")
    if settings.SCOPES:
        return CatalogueField(held=held, label=label, required=False)
    return ScopesField(
        label=label, required=False, help_text=_("Separated by spaces, for example: orders:read.")
    )


def _joined(given: Iterable[str], known: Iterable[str] = ()) -> str:
    try:
        return scopes.join(scopes.validate(given, known=known))
    except InvalidValue as error:
        raise ValidationError(error.message) from error


def _described(name: str, text: object, css_class: str = "") -> SafeString:
    return format_html(
        '<span class="tot-scope {}"><code>{}</code> <span>{}</span></span>',
        css_class,
        name,
        gettext(str(text)),
    )
