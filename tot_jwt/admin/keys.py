"""The admin of keys."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, router, transaction
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from tot_jwt.admin.actions import KEY_ACTIONS
from tot_jwt.admin.columns import KeyColumns
from tot_jwt.admin.display import status_badges, use_of_previous_secret
from tot_jwt.admin.fields import DomainField, DomainSelect
from tot_jwt.admin.forms import ApiKeyAddForm, ApiKeyForm
from tot_jwt.admin.history import RecordedAdmin
from tot_jwt.admin.rotation import RotationAdmin
from tot_jwt.admin.secret_page import secret_page, used_form_page
from tot_jwt.admin.usage import UsageAdmin
from tot_jwt.keys import change_key, create_key
from tot_jwt.keys.locking import lock_keys
from tot_jwt.models import ApiKey, ApiKeyQuerySet, KeyStatus

_RIGHTS = ("scopes", "can_issue_tokens", "expires_at", "allowed_ips", "rate_limit")
_ADD_FIELDSETS = (
    (None, {"fields": ("app_domain", "environment", "name")}),
    (
        _("Rights"),
        {"fields": ("scopes", "can_issue_tokens", "expires_at", "allowed_ips", "rate_limit")},
    ),
    (_("Your own data"), {"fields": ("metadata",)}),
)
_IDENTITY = ("status", "name", "app_domain", "environment", "public_key_text", "secret")
_ORIGIN_AND_USE = (
    "created_at",
    "created_by",
    "creator",
    "created_keys",
    "last_used_at",
    "disabled_at",
    "revoked_at",
)
_READ_ONLY = (
    "status",
    "app_domain",
    "environment",
    "public_key_text",
    "secret",
    "previous_secret",
    "all_scopes",
    "networks",
    "limits",
    *_ORIGIN_AND_USE,
    "usage_by_day",
)


def locked_by_domain(keys: Iterable[ApiKey]) -> list[ApiKey]:
    """Return the keys, locked, by domain: their events also lock the domains, in this order."""
    return sorted(lock_keys(keys), key=lambda key: key.app_domain_id)


class StatusFilter(admin.SimpleListFilter):
    """Keys of one status."""

    title = _("status")
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return all statuses."""
        return list(KeyStatus.choices)

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Return the keys of the selected status, or all keys."""
        keys: ApiKeyQuerySet = queryset
        value = self.value()
        return keys.with_status(KeyStatus(value)) if value in KeyStatus.values else keys


@admin.register(ApiKey)
class ApiKeyAdmin(KeyColumns, UsageAdmin, RotationAdmin, RecordedAdmin[ApiKey]):
    """The admin of keys: add, change, rotate, disable, enable, release and revoke."""

    confirmed_actions = KEY_ACTIONS
    lock_rows = staticmethod(locked_by_domain)
    actions = [action.as_admin_action() for action in confirmed_actions]
    form = ApiKeyForm
    #: The form of a new key. A host's own form extends `ApiKeyAddForm`.
    add_form = ApiKeyAddForm
    autocomplete_fields = ("app_domain",)
    domain_path = "app_domain"
    events_path = "key"
    list_display = (
        "name_and_public_key",
        "status_and_secrets",
        "domain_and_environment",
        "last_used",
        "expires",
    )
    list_filter = (StatusFilter, "environment")
    list_select_related = ("app_domain", "created_by_key")
    search_fields = (
        "app_domain__domain",
        "app_domain__aliases",
        "app_domain__external_id",
        "name",
        "public_key",
    )
    # The newest first, by an index that every table has.
    ordering = ("-pk",)
    show_full_result_count = False

    def has_change_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        """Return whether the user may change the key. A revoked key cannot be changed."""
        is_revoked = obj is not None and obj.revoked_at is not None
        return not is_revoked and super().has_change_permission(request, obj)

    def get_form(
        self, request: HttpRequest, obj: ApiKey | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        """Return the class of the add form or of the change form."""
        if change:
            return super().get_form(request, obj, change, **kwargs)
        form: Any = super().get_form(request, obj, change, **{"form": self.add_form, **kwargs})
        form.user_pk = request.user.pk  # Django makes a new class for each request
        return form

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Return the field of the domain: the form has no other foreign key."""
        widget = DomainSelect(db_field, self.admin_site)
        kwargs |= {"widget": widget, "form_class": DomainField}
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: ApiKey | None = None) -> Any:
        """Return the fields of a new key, or of an existing key as the user may change it."""
        if self.fieldsets or self.fields:
            return super().get_fieldsets(request, obj)
        if obj is None:
            return _ADD_FIELDSETS
        is_open = self.has_change_permission(request, obj)
        scopes, networks = ("scopes", "allowed_ips") if is_open else ("all_scopes", "networks")
        previous = ("previous_secret",) if obj.previous_secret_is_live else ()
        rights = (scopes, "can_issue_tokens", "expires_at", networks, "rate_limit")
        limits = ("limits",) if self.limits(obj) else ()
        return (
            (None, {"fields": (*_IDENTITY, *previous)}),
            (_("Rights"), {"fields": (*rights, *limits)}),
            (_("Your own data"), {"fields": ("metadata",)}),
            (_("Origin and use"), {"fields": _ORIGIN_AND_USE}),
            (_("Usage"), {"fields": ("usage_by_day",)}),
        )

    def get_readonly_fields(
        self, request: HttpRequest, obj: ApiKey | None = None
    ) -> tuple[str, ...]:
        """Return the fields that an existing key keeps, and the computed ones."""
        own = tuple(super().get_readonly_fields(request, obj))
        return (*own, *_READ_ONLY) if obj else own

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> Any:
        """Reduce the add form to one button."""
        if context["original"] is None:
            context |= {"show_save_and_add_another": False, "show_save_and_continue": False}
        return super().render_change_form(request, context, *args, **kwargs)

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, *args: Any, **kwargs: Any
    ) -> Any:
        """Return the form or, if it adds a key, the page with the new secret."""
        if request.method != "POST":
            return super().changeform_view(request, object_id, *args, **kwargs)
        if object_id is not None:
            if "_saveasnew" in request.POST:
                raise PermissionDenied  # a new key needs a form of its own
            return super().changeform_view(request, object_id, *args, **kwargs)
        if not self.has_add_permission(request):
            raise PermissionDenied
        try:
            with _one_at_a_time(request.user):
                key = ApiKeyAddForm.existing_key(request.POST, request.user.pk)
                if key is not None:
                    return self._used_add_form(request, key)
                return super().changeform_view(request, None, *args, **kwargs)
        except IntegrityError as error:  # at the commit: the domain was erased meanwhile
            return self.reject(request, error)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Create or change the key. A new key carries its secret until `response_add`."""
        by = self.actor(request)
        if not change:
            key, obj.new_secret = create_key(
                obj.app_domain,
                environment=obj.environment,
                public_key=form.public_key,
                by=by,
                **form.key_settings,
            )
            vars(obj).update(vars(key))
        elif form.has_changed():
            change_key(obj, by=by, **form.key_settings)

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Return the page with the new secret."""
        return secret_page(self, request, obj, obj.new_secret, title=_("API key added"))

    def summary(self, row: ApiKey) -> dict[str, Any]:
        """Return the key's status, names and last use."""
        return {
            **super().summary(row),
            "badge": status_badges(row),
            "title": row.name,
            "codes": [row.public_key, row.app_domain.domain],
            "last_used_at": row.last_used_at,
            "note": use_of_previous_secret(row),
        }

    def _used_add_form(self, request: HttpRequest, key: ApiKey) -> HttpResponse:
        return used_form_page(
            self,
            request,
            key,
            explanation=_(
                "This form was already used. Its API key exists, and no second key was created. "
                "The secret cannot be shown again."
            ),
            advice=_("If you did not copy the secret, revoke this key and add another one."),
            next_url=self.admin_url("add"),
            next_label=_("Add another API key"),
        )


@contextmanager
def _one_at_a_time(user: Any) -> Iterator[None]:
    """Let the user add one key at a time.

    Two submissions of one form, each for another environment, contain different public keys. The
    unique constraint accepts both, so the second one must see what the first has created.
    """
    alias = router.db_for_write(user._meta.model, instance=user)
    with transaction.atomic(using=alias):
        # Writing nothing new locks the row, and on SQLite the database. Rows that refer to the
        # account do not wait on PostgreSQL: they could hold what this transaction waits for.
        account = user._meta.model._base_manager.using(alias).filter(pk=user.pk)
        account.update(**{user._meta.pk.name: user.pk})
        yield
