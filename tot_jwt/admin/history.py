"""The history of keys and domains: a list of all events, and a table on the page of a key."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.core.exceptions import FieldDoesNotExist
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from tot_jwt.admin.base import LifecycleAdmin
from tot_jwt.admin.display import clipped_code, code, moment
from tot_jwt.models import ApiKey, KeyEvent

#: The number of events on the page of a key.
SHOWN = 20

_FIRST = (KeyEvent.Action.CREATED, KeyEvent.Action.IMPORTED)
_ARROW = '{} <span aria-hidden="true">→</span><span class="visually-hidden">{}</span> {}'


@admin.register(KeyEvent)
class KeyEventAdmin(LifecycleAdmin[KeyEvent]):
    """All events, to read only."""

    change_form_template = "admin/tot_jwt/event_form.html"
    list_display = ("at", "action", "subject", "actor", "address", "what_changed")
    list_filter = ("action", "at")
    list_select_related = ("app_domain", "key")
    search_fields = ("actor", "key__public_key", "app_domain__domain")
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
    def subject(self, event: KeyEvent) -> SafeString:
        """Return the key with a link and its domain, or the domain alone."""
        domain = clipped_code(event.app_domain.domain)
        if event.key is None:
            return domain
        url = reverse(
            "admin:tot_jwt_apikey_change", args=[event.key.pk], current_app=self.admin_site.name
        )
        return format_html(
            '<a href="{}">{}</a> {} {}', url, event.key.name, domain, code(event.key.public_key)
        )

    @admin.display(description=_("changes"))
    def what_changed(self, event: KeyEvent) -> SafeString | str:
        """Return the changed settings."""
        return changes(event)


def latest_events(request: HttpRequest, key: ApiKey, site_name: str) -> dict[str, Any]:
    """Return the context of the key's history, or an empty dict without the permission."""
    if not request.user.has_perm("tot_jwt.view_keyevent"):
        return {}
    events = list(KeyEvent.objects.filter(key=key)[: SHOWN + 1])
    url = reverse("admin:tot_jwt_keyevent_changelist", current_app=site_name)
    return {
        "events": [{"event": event, "changes": changes(event)} for event in events[:SHOWN]],
        "has_more_events": len(events) > SHOWN,
        "events_url": f"{url}?key__id__exact={key.pk}",
    }


def changes(event: KeyEvent) -> SafeString | str:
    """Return each changed setting before and after, or all settings of a new key."""
    rows = [(capfirst(_label(name)), value) for name, value in _values(event)]
    if not rows:
        return ""
    items = format_html_join("", "<li>{}: {}</li>", rows)
    return format_html('<ul class="tot-changes">{}</ul>', items)


def _values(event: KeyEvent) -> Iterator[tuple[str, SafeString]]:
    for name, (before, after) in event.changes.items():
        if event.action not in _FIRST:
            yield name, format_html(_ARROW, _shown(name, before), _("becomes"), _shown(name, after))
        elif after not in ("", None):
            yield name, _shown(name, after)


def _shown(name: str, value: Any) -> SafeString:
    match value:
        case None | "":
            return format_html('<span class="tot-quiet">{}</span>', _("none"))
        case bool():
            return format_html("{}", _("yes") if value else _("no"))
        case str() if name.endswith("_at"):
            return format_html("{}", moment(datetime.fromisoformat(value)))
    return code(str(value))


def _label(name: str) -> str:
    try:
        return str(ApiKey._meta.get_field(name).verbose_name)  # type: ignore[union-attr]
    except FieldDoesNotExist:
        return name
