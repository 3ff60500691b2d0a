"""The history of keys and domains: a list of all events, and a page for each key and domain."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import PAGE_VAR
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tot_jwt.admin.base import LifecycleAdmin, M
from tot_jwt.admin.display import clipped_code, code, moment
from tot_jwt.models import ApiKey, AppDomain, KeyEvent

#: The number of events on a page of the history.
PER_PAGE = 100

_FIRST = (KeyEvent.Action.CREATED, KeyEvent.Action.IMPORTED, KeyEvent.Action.DOMAIN_CREATED)
_ARROW = '{} <span aria-hidden="true">→</span><span class="visually-hidden">{}</span> {}'


@admin.register(KeyEvent)
class KeyEventAdmin(LifecycleAdmin[KeyEvent]):
    """All events, to read only."""

    change_form_template = "admin/tot_jwt/event_form.html"
    list_display = ("at", "action", "subject", "actor", "address", "what_changed")
    list_filter = ("action", "at")
    list_select_related = ("app_domain", "key")
    search_fields = ("actor", "key__public_key", "app_domain__domain", "app_domain__aliases")
    domain_path = "app_domain"
    show_full_result_count = False
    fields = (
        "at",
        "action",
        "key",
        "app_domain",
        "actor",
        "user",
        "jti",
        "address",
        "what_changed",
    )
    readonly_fields = fields

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return False: only changes of keys and domains add events."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: KeyEvent | None = None) -> bool:
        """Return False: events are permanent."""
        return False

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Return whether the URL may filter the list by this lookup.

        The changes are excluded: not every database can search JSON.
        """
        return not lookup.startswith("changes") and super().lookup_allowed(lookup, value, request)

    @admin.display(description=_("API key or app domain"))
    def subject(self, event: KeyEvent) -> SafeString | str:
        """Return the key with a link and its domain, or the domain alone, if there is one."""
        if event.app_domain is None:
            return ""
        domain = clipped_code(event.app_domain.domain)
        if event.key is None:
            return domain
        url = reverse(
            "admin:tot_jwt_apikey_change", args=[event.key.pk], current_app=self.admin_site.name
        )
        parts = (url, event.key.name, domain, code(event.key.public_key))
        return format_html('<div><a href="{}">{}</a> {} {}</div>', *parts)

    @admin.display(description=_("changes"))
    def what_changed(self, event: KeyEvent) -> SafeString | str:
        """Return the changed settings."""
        return changes(event)


class RecordedAdmin(LifecycleAdmin[M]):
    """Rows whose history is the record of events: one record of all acts, also by tokens."""

    object_history_template = "admin/tot_jwt/history.html"
    #: The look-up that leads from an event to the row.
    events_path: ClassVar[str]

    def has_history_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may see events."""
        return request.user.has_perm(f"{self.opts.app_label}.view_keyevent")

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> Any:
        """Hide the link to the history from users who may not see it."""
        context["has_history_permission"] = self.has_history_permission(request)
        return super().render_change_form(request, context, *args, **kwargs)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        """Return a page of the row's events, the newest first."""
        row = self.get_object(request, unquote(object_id))
        if row is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined,no-any-return]
        if not (
            self.has_view_or_change_permission(request, row)
            and self.has_history_permission(request)
        ):
            raise PermissionDenied
        events = KeyEvent.objects.filter(**{self.events_path: row}).select_related("key")
        page = self.get_paginator(request, events, PER_PAGE).get_page(request.GET.get(PAGE_VAR))
        context = self.page_context(
            request,
            title=gettext("Change history: %s") % row,
            original=row,
            page=page,
            page_var=PAGE_VAR,
            items=[{"event": event, "changes": changes(event)} for event in page],
            shows_keys=self.events_path != "key",
            **(extra_context or {}),
        )
        return TemplateResponse(request, self.object_history_template, context)


def changes(event: KeyEvent) -> SafeString | str:
    """Return each changed setting before and after, or all settings of a new key or domain."""
    rows = [(capfirst(_label(name)), value) for name, value in _values(event)]
    if not rows:
        return ""
    items = format_html_join("", "<li>{}: {}</li>", rows)
    return format_html('<ul class="tot-changes">{}</ul>', items)


def _values(event: KeyEvent) -> Iterator[tuple[str, SafeString]]:
    for name, (before, after) in event.changes.items():
        if event.action not in _FIRST:
            yield name, format_html(_ARROW, _shown(name, before), _("becomes"), _shown(name, after))
        elif after not in ("", None, {}):
            yield name, _shown(name, after)


def _shown(name: str, value: Any) -> SafeString:
    match value:
        case None | "" | {} if not value:
            return format_html('<span class="tot-quiet">{}</span>', _("none"))
        case bool():
            return format_html("{}", _("yes") if value else _("no"))
        case dict():
            return code(json.dumps(value, ensure_ascii=False))
        case str() if name.endswith("_at"):
            return format_html("{}", moment(datetime.fromisoformat(value)))
    return code(str(value))


def _label(name: str) -> str:
    fields = (*ApiKey._meta.concrete_fields, *AppDomain._meta.concrete_fields)
    return next((str(field.verbose_name) for field in fields if field.name == name), name)
