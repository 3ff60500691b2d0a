"""The form fields of domains and API keys."""

import json
import re
from collections.abc import Iterable
from datetime import time
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.admin.widgets import AdminTextareaWidget, AutocompleteSelect
from django.core.exceptions import ValidationError
from django.forms.fields import InvalidJSONInput
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tot_jwt.conf import settings
from tot_jwt.exceptions import InvalidValue
from tot_jwt.rules import domains, networks, scopes
from tot_jwt.rules.metadata import validate_metadata

if TYPE_CHECKING:
    from tot_jwt.models import AppDomain

    _DomainField = forms.ModelChoiceField[AppDomain]
else:
    _DomainField = forms.ModelChoiceField

#: A date without a time means the end of that day.
_END_OF_DAY = time(23, 59, 59)


class TypedDomain(str):
    """A domain that a user without JavaScript typed."""

    __slots__ = ()


class DomainSelect(AutocompleteSelect):
    """Django's widget, for browsers without JavaScript and for any value of a URL or forged form.

    The original is empty without JavaScript: then a text field stands beside it. The original also
    fails on a value that cannot be a primary key. This widget ignores such a value.
    """

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        """Return what the user typed or, if that is nothing, the selected primary key."""
        # With JavaScript, nothing is typed. Without it, the URL may have selected another domain.
        typed = data.get(_typed_name(name), "").strip()
        return TypedDomain(typed) or super().value_from_datadict(data, files, name)

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        """Return the selection, and the text field for browsers without JavaScript."""
        is_typed = isinstance(value, TypedDomain)
        return format_html(
            '{}<noscript><p class="tot-typed"><label for="id_{}">{}</label> '
            '<input type="text" name="{}" id="id_{}" value="{}" class="vTextField"></p></noscript>',
            super().render(name, "" if is_typed else value, attrs, renderer),
            *(_typed_name(name), _("Without JavaScript, type the domain:")),
            *(_typed_name(name), _typed_name(name), value if is_typed else ""),
        )

    def optgroups(self, name: str, value: Iterable[str], attr: Any = None) -> Any:
        """Return the options that are selected, except impossible ones."""
        possible = [text for text in value if re.fullmatch("[0-9]{1,18}", text)]
        return super().optgroups(name, possible, attr)


class DomainField(_DomainField):
    """A domain, selected by its primary key or typed."""

    default_error_messages = {"unknown_domain": _("There is no app domain with this name.")}

    def to_python(self, value: Any) -> Any:
        """Return the domain. Raises ValidationError."""
        if not isinstance(value, TypedDomain):
            return super().to_python(value)
        try:
            found = self.queryset.filter(domain=domains.from_person(value)).first()  # type: ignore[union-attr]
        except InvalidValue as error:
            raise ValidationError(error.message) from error
        if found is None:
            raise ValidationError(self.error_messages["unknown_domain"], code="unknown_domain")
        return found


class AliasesField(forms.CharField):
    """Domains, one per line. The value is what the database stores."""

    def prepare_value(self, value: Any) -> Any:
        """Return the stored aliases as lines."""
        return "\n".join(value.split()) if value else value

    def to_python(self, value: Any) -> str:
        """Return the canonical aliases. Raises ValidationError."""
        try:
            return domains.aliases_from_person((value or "").split(), "")
        except InvalidValue as error:
            raise ValidationError(error.message) from error


class ExpiryField(forms.SplitDateTimeField):
    """A date and a time. Without a time it is the end of that day."""

    def compress(self, data_list: Any) -> Any:
        """Return the moment. Raises ValidationError for a time without a date."""
        if data_list and data_list[0] and data_list[1] in self.empty_values:
            data_list = [data_list[0], _END_OF_DAY]
        return super().compress(data_list)


class MetadataField(forms.JSONField):
    """A JSON object, indented. An empty text is an empty object."""

    def prepare_value(self, value: Any) -> Any:
        """Return the object as text that is easy to read and to edit."""
        if isinstance(value, str):  # what the user typed, or the URL gives
            return value
        return json.dumps(value, ensure_ascii=False, indent=2) if value else ""

    def bound_data(self, data: Any, initial: Any) -> Any:
        """Return what the user typed, which may be JSON that no page can show."""
        return initial if self.disabled else InvalidJSONInput(data or "")

    def to_python(self, value: Any) -> Any:
        """Return the object, or None for an empty text. Raises ValidationError."""
        try:
            converted = super().to_python(value)
        except (RecursionError, ValueError) as error:  # deeply nested; a number of 5,000 digits
            raise ValidationError(self.error_messages["invalid"], code="invalid") from error
        if converted is not None:
            validate_metadata(converted)
        return converted

    def clean(self, value: Any) -> Any:
        """Return the object. Raises ValidationError."""
        cleaned = super().clean(value.strip() if isinstance(value, str) else value)
        return {} if cleaned is None else cleaned

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Return whether the user changed the object."""
        return super().has_changed(initial or None, data)


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


def _typed_name(name: str) -> str:
    return f"{name}_typed"
