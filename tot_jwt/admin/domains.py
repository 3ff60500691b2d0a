"""The admin of domains."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from tot_jwt.admin.actions import DOMAIN_ACTIONS
from tot_jwt.admin.confirmation import ConfirmedActionsAdmin
from tot_jwt.admin.display import clipped_code, code, domain_badge, labeled
from tot_jwt.admin.forms import AppDomainForm
from tot_jwt.admin.history import RecordedAdmin
from tot_jwt.keys import change_domain, create_domain
from tot_jwt.keys.locking import lock_domains
from tot_jwt.models import ApiKey, AppDomain

_SETTINGS = ("name", "aliases", "contact", "external_id", "rate_limit", "metadata")
_READ_ONLY = ("domain_text", "state", "keys", "created_at", "updated_at")


@admin.register(AppDomain)
class AppDomainAdmin(ConfirmedActionsAdmin[AppDomain], RecordedAdmin[AppDomain]):
    """The admin of domains: add, change, suspend and resume."""

    form = AppDomainForm
    domain_path = "pk"
    events_path = "app_domain"

    confirmed_actions = DOMAIN_ACTIONS
    lock_rows = staticmethod(lock_domains)
    actions = [action.as_admin_action() for action in confirmed_actions]
    list_display = ("domain_clipped", "name", "state", "number_of_keys", "created_at")
    search_fields = ("domain", "aliases", "name", "external_id")
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[AppDomain]:
        """Return the domains with their number of keys."""
        # The database computes a subquery for the page's rows only, a GROUP BY for all rows.
        keys = ApiKey.objects.filter(app_domain=OuterRef("pk")).order_by().values("app_domain")
        counted = Subquery(keys.annotate(count=Count("pk")).values("count"))
        return super().get_queryset(request).annotate(key_count=Coalesce(counted, 0))

    def get_fields(self, request: HttpRequest, obj: AppDomain | None = None) -> Any:
        """Return the fields of a new domain or of an existing one."""
        if self.fields:
            return self.fields
        if obj is None:
            return ("domain", *_SETTINGS)
        return ("domain_text", "state", *_SETTINGS, "keys", "created_at", "updated_at")

    def get_readonly_fields(
        self, request: HttpRequest, obj: AppDomain | None = None
    ) -> tuple[str, ...]:
        """Return the domain itself and what the admin computes, unless the domain is new."""
        own = tuple(super().get_readonly_fields(request, obj))
        return (*own, *_READ_ONLY, "domain") if obj else own

    def save_model(self, request: HttpRequest, obj: AppDomain, form: Any, change: bool) -> None:
        """Create or change the domain."""
        by = self.actor(request)
        if not change:
            vars(obj).update(vars(create_domain(obj.domain, by=by, **form.domain_settings)))
        elif form.has_changed():
            change_domain(obj, by=by, **form.domain_settings)

    def summary(self, row: AppDomain) -> dict[str, Any]:
        """Return the domain's state and names."""
        return {
            **super().summary(row),
            "badge": domain_badge(row),
            "title": row.name,
            "codes": [row.domain],
        }

    @admin.display(description=_("domain"), ordering="domain")
    def domain_text(self, app_domain: AppDomain) -> SafeString:
        """Return the domain for its page."""
        return code(app_domain.domain)

    @admin.display(description=_("domain"), ordering="domain")
    def domain_clipped(self, app_domain: AppDomain) -> SafeString:
        """Return the domain for the list."""
        return clipped_code(app_domain.domain)

    @admin.display(description=_("state"), ordering="suspended_at")
    def state(self, app_domain: AppDomain) -> SafeString:
        """Return whether the domain is suspended."""
        return domain_badge(app_domain)

    @admin.display(description=_("API keys"), ordering="key_count")
    def keys(self, app_domain: Any) -> SafeString:
        """Return the number of the domain's keys, with a link to their list."""
        url = reverse("admin:tot_jwt_apikey_changelist", current_app=self.admin_site.name)
        link = '<a href="{}?app_domain__id__exact={}">{}</a>'
        return format_html(link, url, app_domain.pk, app_domain.key_count)

    @admin.display(description=_("API keys"), ordering="key_count")
    def number_of_keys(self, app_domain: Any) -> SafeString:
        """Return the number of the domain's keys for the list."""
        return labeled(_("API keys"), self.keys(app_domain))
