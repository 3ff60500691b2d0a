"""The form fields of an API key."""

import re
from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminTextareaWidget, AutocompleteSelect
from django.core.exceptions import ValidationError
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tot_jwt.conf import settings
from tot_jwt.exceptions import InvalidValue
from tot_jwt.rules import networks, scopes


class DomainSelect(AutocompleteSelect):
    """Django's widget, for any value that a URL or a forged form may contain.

    The original fails on a value that cannot be a primary key. This widget ignores such a value.
    """

    def optgroups(self, name: str, value: Iterable[str], attr: Any = None) -> Any:
        """Return the options that are selected, except impossible ones."""
        possible = [text for text in value if re.fullmatch("[0-9]{1,18}", text)]
        return super().optgroups(name, possible, attr)


class NetworksField(forms.CharField):
    """Networks, one per line. The value is what the database stores."""

    def prepare_value(self, value: Any) -> Any:
        """Return the stored networks as lines."""
        return "\n".join(value.split()) if value else value

    def to_python(self, value: Any) -> str:
        """Return the networks as the database stores them. Raises ValidationError."""
        try:
            return networks.validate((value or "").split())
        except InvalidValue as error:
            raise ValidationError(error.message) from error


class ScopesField(forms.CharField):
    """Any well-formed scopes, for a host without a catalog of scopes."""

    widget = AdminTextareaWidget

    def to_python(self, value: Any) -> str:
        """Return the scopes as the database stores them. Raises ValidationError."""
        return _stored((value or "").split())


class CatalogField(forms.MultipleChoiceField):
    """A check box for each scope of the catalog and for each further scope of the key."""

    widget = forms.CheckboxSelectMultiple

    def __init__(self, *, key_scopes: frozenset[str], **kwargs: Any) -> None:
        self._key_scopes = key_scopes
        removed = sorted(key_scopes - settings.SCOPES.keys())
        choices = [(name, _described(name, text)) for name, text in settings.SCOPES.items()]
        text = _("no longer in the catalog")
        choices += [(name, _described(name, text, "tot-removed")) for name in removed]
        super().__init__(choices=choices, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        """Return the stored scopes as a list."""
        return sorted(scopes.split(value)) if isinstance(value, str) else value

    def clean(self, value: Any) -> Any:
        """Return the scopes as the database stores them. Raises ValidationError."""
        return _stored(super().clean(value), known=self._key_scopes)

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Return whether the user ticked or unticked a scope."""
        return super().has_changed(self.prepare_value(initial), data)


def scopes_field(key_scopes: frozenset[str]) -> forms.Field:
    """Return the field for the scopes of a key that has these scopes now."""
    label = _("Scopes")
    if settings.SCOPES:
        return CatalogField(key_scopes=key_scopes, label=label, required=False)
    return ScopesField(
        label=label, required=False, help_text=_("Separated by spaces, for example: orders:read.")
    )


def _stored(names: Iterable[str], known: Iterable[str] = ()) -> str:
    try:
        return scopes.join(scopes.validate(names, known=known))
    except InvalidValue as error:
        raise ValidationError(error.message) from error


def _described(name: str, text: object, css_class: str = "") -> SafeString:
    return format_html(
        '<span class="tot-scope {}"><code>{}</code> <span>{}</span></span>',
        css_class,
        name,
        gettext(str(text)),
    )
