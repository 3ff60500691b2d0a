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

from tot_jwt.admin.actions import DOMAIN_ACTS
from tot_jwt.admin.base import LifecycleAdmin
from tot_jwt.admin.display import clipped_code, code, domain_badge
from tot_jwt.keys.domains import create_domain, rename_domain
from tot_jwt.models import ApiKey, AppDomain


@admin.register(AppDomain)
class AppDomainAdmin(LifecycleAdmin[AppDomain]):
    """Domains: added, renamed, suspended and resumed."""

    acts = DOMAIN_ACTS
    actions = [act.as_action() for act in acts]
    list_display = ("domain_clipped", "name", "state", "keys", "created_at")
    search_fields = ("domain", "name")
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[AppDomain]:
        # A subquery is computed for the rows of the page only, a GROUP BY for all.
        keys = ApiKey.objects.filter(app_domain=OuterRef("pk")).order_by().values("app_domain")
        counted = Subquery(keys.annotate(count=Count("pk")).values("count"))
        return super().get_queryset(request).annotate(key_count=Coalesce(counted, 0))

    def get_fields(self, request: HttpRequest, obj: AppDomain | None = None) -> tuple[str, ...]:
        return (
            ("domain_text", "name", "state", "keys", "created_at", "updated_at")
            if obj
            else ("domain", "name")
        )

    def get_readonly_fields(
        self, request: HttpRequest, obj: AppDomain | None = None
    ) -> tuple[str, ...]:
        return ("domain_text", "state", "keys", "created_at", "updated_at") if obj else ()

    def save_model(self, request: HttpRequest, obj: AppDomain, form: Any, change: bool) -> None:
        if change:
            rename_domain(obj, name=obj.name)
        else:
            obj.pk = create_domain(obj.domain, name=obj.name).pk

    def summary(self, row: AppDomain) -> dict[str, Any]:
        return {
            **super().summary(row),
            "badge": domain_badge(row),
            "title": row.name,
            "codes": [row.domain],
        }

    @admin.display(description=_("domain"), ordering="domain")
    def domain_text(self, app_domain: AppDomain) -> SafeString:
        return code(app_domain.domain)

    @admin.display(description=_("domain"), ordering="domain")
    def domain_clipped(self, app_domain: AppDomain) -> SafeString:
        return clipped_code(app_domain.domain)

    @admin.display(description=_("state"), ordering="suspended_at")
    def state(self, app_domain: AppDomain) -> SafeString:
        return domain_badge(app_domain)

    @admin.display(description=_("API keys"), ordering="key_count")
    def keys(self, app_domain: Any) -> SafeString:
        url = reverse("admin:tot_jwt_apikey_changelist", current_app=self.admin_site.name)
        return format_html(
            '<a href="{}?app_domain__id__exact={}">{}</a>', url, app_domain.pk, app_domain.key_count
        )
