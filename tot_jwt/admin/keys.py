"""The admin of keys."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from tot_jwt.admin.actions import KEY_ACTS
from tot_jwt.admin.base import REFUSALS
from tot_jwt.admin.display import (
    chips,
    clipped_code,
    code,
    folded_chips,
    hint,
    key_badge,
    status_badges,
    two_secrets_badge,
    use_of_previous_secret,
)
from tot_jwt.admin.forms import ApiKeyAddForm, ApiKeyForm, DomainSelect
from tot_jwt.admin.history import latest_events
from tot_jwt.admin.rotation import RotationAdmin
from tot_jwt.keys import lifecycle
from tot_jwt.models import ApiKey, ApiKeyQuerySet, KeyStatus


class StatusFilter(admin.SimpleListFilter):
    """Keys by what has become of them, as the models define it."""

    title = _("status")
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(KeyStatus.choices)

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        keys: ApiKeyQuerySet = queryset
        value = self.value()
        return keys.with_status(KeyStatus(value)) if value in KeyStatus.values else keys


@admin.register(ApiKey)
class ApiKeyAdmin(RotationAdmin):
    """Keys: made, changed, rotated, disabled, enabled and revoked."""

    acts = KEY_ACTS
    actions = [act.as_action() for act in acts]
    autocomplete_fields = ("app_domain",)
    list_display = (
        "name",
        "status_and_secrets",
        "app_domain_text",
        "environment",
        "public_key_and_hint",
        "folded_scopes",
        "last_used_at",
        "expires_at",
    )
    list_filter = (StatusFilter, "environment")
    list_select_related = ("app_domain",)
    search_fields = ("app_domain__domain", "name", "public_key")
    # The newest first, by the index that every table has.
    ordering = ("-pk",)
    show_full_result_count = False

    def has_change_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        is_revoked = obj is not None and obj.revoked_at is not None
        return not is_revoked and super().has_change_permission(request, obj)

    def get_form(
        self, request: HttpRequest, obj: ApiKey | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        if change:
            return super().get_form(request, obj, change, form=ApiKeyForm, **kwargs)
        form: Any = super().get_form(request, obj, change, form=ApiKeyAddForm, **kwargs)
        form.user_pk = request.user.pk  # the class is made anew for each request
        return form

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        widget = DomainSelect(db_field, self.admin_site)  # the form has no other
        return super().formfield_for_foreignkey(db_field, request, **{**kwargs, "widget": widget})

    def get_fieldsets(self, request: HttpRequest, obj: ApiKey | None = None) -> Any:
        if obj is None:
            return (
                (None, {"fields": ("app_domain", "environment", "name")}),
                (
                    _("Rights"),
                    {"fields": ("scopes", "can_issue_tokens", "expires_at", "allowed_ips")},
                ),
            )
        is_open = self.has_change_permission(request, obj)
        scopes, networks = ("scopes", "allowed_ips") if is_open else ("all_scopes", "networks")
        about = ("status", "name", "app_domain", "environment", "public_key_text", "secret")
        return (
            (
                None,
                {"fields": (*about, "previous_secret") if obj.previous_secret_is_live else about},
            ),
            (_("Rights"), {"fields": (scopes, "can_issue_tokens", "expires_at", networks)}),
            (_("History"), {"fields": _PAST}),
        )

    def get_readonly_fields(
        self, request: HttpRequest, obj: ApiKey | None = None
    ) -> tuple[str, ...]:
        return (*_FIXED, *_PAST) if obj else ()

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> Any:
        if context["original"] is None:
            context |= {"show_save_and_add_another": False, "show_save_and_continue": False}
        else:
            context |= latest_events(request, context["original"], self.admin_site.name)
        return super().render_change_form(request, context, *args, **kwargs)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The form; sent, the page with the new secret."""
        if request.method == "POST":
            if not self.has_add_permission(request):
                raise PermissionDenied
            form = self.get_form(request)(request.POST)
            if (key := form.existing_key()) is not None:
                return self._form_was_used(request, key)
            if form.is_valid():
                return self._create(request, form)
        return super().add_view(request, form_url, extra_context)

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        if not change:
            raise PermissionDenied  # only `add_view` makes keys: it shows their secret
        if form.has_changed():
            lifecycle.change_key(obj, by=self.person(request), **form.key_settings)

    def summary(self, row: ApiKey) -> dict[str, Any]:
        return {
            **super().summary(row),
            "badge": status_badges(row),
            "title": row.name,
            "codes": [row.public_key, row.app_domain.domain],
            "last_used_at": row.last_used_at,
            "note": use_of_previous_secret(row),
        }

    def _create(self, request: HttpRequest, form: ApiKeyAddForm) -> HttpResponse:
        data = form.cleaned_data
        try:
            key, secret = lifecycle.create_key(
                data["app_domain"],
                environment=data["environment"],
                public_key=form.public_key,
                by=self.person(request),
                **form.key_settings,
            )
        except REFUSALS as error:
            existing = form.existing_key()
            return (
                self._form_was_used(request, existing) if existing else self.refused(request, error)
            )
        self.log_addition(request, key, [{"added": {}}])
        return self.show_once(request, "new_secret.html", key, _("API key added"), secret=secret)

    def _form_was_used(self, request: HttpRequest, key: ApiKey) -> HttpResponse:
        return self.show_once(request, "form_was_used.html", key, _("This form was already used"))

    @admin.display(description=_("status"))
    def status_and_secrets(self, key: ApiKey) -> SafeString:
        return status_badges(key)

    @admin.display(description=_("status"))
    def status(self, key: ApiKey) -> SafeString:
        return key_badge(key)

    @admin.display(description=_("app domain"), ordering="app_domain__domain")
    def app_domain_text(self, key: ApiKey) -> SafeString:
        return clipped_code(key.app_domain.domain)

    @admin.display(description=_("public key"), ordering="public_key")
    def public_key_text(self, key: ApiKey) -> SafeString:
        return code(key.public_key)

    @admin.display(description=_("public key and secret"), ordering="public_key")
    def public_key_and_hint(self, key: ApiKey) -> SafeString:
        return format_html("{}<br>{}", code(key.public_key), hint(key))

    @admin.display(description=_("secret"))
    def secret(self, key: ApiKey) -> SafeString | str:
        return hint(key)

    @admin.display(description=_("old secret"))
    def previous_secret(self, key: ApiKey) -> SafeString:
        return format_html("{} {}", two_secrets_badge(key), use_of_previous_secret(key))

    @admin.display(description=_("keys that it created"))
    def created_keys(self, key: ApiKey) -> SafeString | str:
        url = self.admin_url("changelist")
        count = key.created_keys.count()
        return (
            format_html('<a href="{}?created_by_key__id__exact={}">{}</a>', url, key.pk, count)
            if count
            else "0"
        )

    @admin.display(description=_("scopes"))
    def folded_scopes(self, key: ApiKey) -> SafeString:
        return folded_chips(sorted(key.scope_set))

    @admin.display(description=_("scopes"))
    def all_scopes(self, key: ApiKey) -> SafeString:
        return chips(sorted(key.scope_set))

    @admin.display(description=_("allowed addresses"))
    def networks(self, key: ApiKey) -> SafeString | str:
        return chips(key.allowed_networks)


#: What a key keeps from its creation on, and what has happened to it.
_FIXED = (
    "status",
    "app_domain",
    "environment",
    "public_key_text",
    "secret",
    "previous_secret",
    "all_scopes",
    "networks",
)
_PAST = (
    "created_at",
    "created_by",
    "created_by_key",
    "created_keys",
    "last_used_at",
    "disabled_at",
    "revoked_at",
)
