"""The base class of all admin pages: rows that only `tot_jwt.keys` changes."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ERROR_FLAG
from django.core.exceptions import PermissionDenied, SuspiciousOperation, ValidationError
from django.db import IntegrityError, transaction
from django.db.models import DateTimeField, Model, Q, QuerySet
from django.forms.utils import to_current_timezone
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from tot_jwt.admin.changelist import NullsLast, is_short, search_words, with_domains
from tot_jwt.exceptions import (
    InvalidValue,
    KeyIsRevoked,
    PreviousSecretStillValid,
    ResourceNotFound,
    TotJWTError,
)
from tot_jwt.http.addresses import client_address
from tot_jwt.keys.record import Actor, administrator
from tot_jwt.models import write_alias
from tot_jwt.utils.logs import warn

M = TypeVar("M", bound=Model)

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

    class _ModelAdmin(admin.ModelAdmin[M]): ...
else:

    class _ModelAdmin(admin.ModelAdmin, Generic[M]): ...


#: The errors with which `tot_jwt.keys`, or the database, rejects a change.
REJECTIONS = (TotJWTError, ValidationError, IntegrityError)

# Django answers these itself.
_ANSWERED = (Http404, IncorrectLookupParameters, PermissionDenied, SuspiciousOperation)


class LifecycleAdmin(_ModelAdmin[M]):
    """Rows that only `tot_jwt.keys` changes. The admin deletes none and explains rejections."""

    change_form_template = "admin/tot_jwt/change_form.html"
    #: The look-up that leads from a row to its domain. A search finds the domain's Unicode forms.
    domain_path: ClassVar[str] = ""

    class Media:
        css = {"all": ["tot_jwt/admin.css"]}
        js = ["tot_jwt/admin.js"]

    def has_delete_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        """Return False: the admin deletes nothing."""
        return False

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Return whether the URL may filter the list by this lookup.

        Hashes are excluded: the results would reveal them letter by letter.
        """
        is_harmless = "secret_hash" not in lookup and is_short(lookup)
        return is_harmless and super().lookup_allowed(lookup, value, request)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[Any]:
        """Return the class of the list. A theme may have its own, so this extends it."""
        return type("ChangeList", (NullsLast, super().get_changelist(request, **kwargs)), {})

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Return the list. Raises IncorrectLookupParameters if the URL's filters cannot be used."""
        if not request.GET:
            return super().get_changelist_instance(request)
        try:
            with transaction.atomic(using=write_alias()):  # PostgreSQL: an error ends a transaction
                change_list = super().get_changelist_instance(request)
                len(change_list.result_list)  # the template would fetch the rows without this guard
                return change_list
        except _ANSWERED:
            raise
        except Exception as error:  # of the ORM, the database or its driver: any type
            if request.GET.keys() <= {ERROR_FLAG}:
                raise
            warn("The admin cannot filter %s as asked: %s", self.opts.label, type(error).__name__)
            # Django redirects to the whole list. It does so for some errors only.
            raise IncorrectLookupParameters from error

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[M], search_term: str
    ) -> tuple[QuerySet[M], bool]:
        """Return the rows that match each word, also in the Unicode form of their domain."""
        plain, encoded = search_words(search_term, with_unicode=bool(self.domain_path))
        # Each word is sought in the unfiltered rows: otherwise each contains all words before it.
        rows = queryset
        queryset, duplicates = super().get_search_results(request, rows, " ".join(plain))
        for word, domains in encoded:
            found, _duplicates = super().get_search_results(request, rows, word)
            condition = Q(pk__in=found.order_by().values("pk"))
            queryset = queryset.filter(condition | with_domains(domains, self.domain_path))
        return queryset, duplicates

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Return the values that the URL gives to a new row, except dates that cannot be shown."""
        initial: dict[str, Any] = super().get_changeform_initial_data(request)
        for field in self.opts.get_fields():
            if isinstance(field, DateTimeField) and field.name in initial:
                initial[field.name] = _moment(initial[field.name])
        return initial

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Return the form, or the form's URL with a message if the change is rejected."""
        try:
            return super().changeform_view(request, *args, **kwargs)
        except REJECTIONS as error:
            return self.reject(request, error)

    def reject(self, request: HttpRequest, error: Exception, url: str = "") -> HttpResponse:
        """Redirect to the URL, by default to the present one, with the error as a message."""
        self.message_user(request, reason(error), messages.ERROR)
        if isinstance(error, ResourceNotFound):
            url = self.admin_url("changelist")  # the row has no page any more
        return HttpResponseRedirect(url or request.get_full_path())

    def actor(self, request: HttpRequest) -> Actor:
        """Return the user and the address for the key's history."""
        return administrator(request.user, client_address(request.META))

    def admin_url(self, page: str, *args: object) -> str:
        """Return the URL of one of the model's pages on this admin site."""
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_{page}"
        return reverse(name, args=args, current_app=self.admin_site.name)

    def page_context(self, request: HttpRequest, **context: Any) -> dict[str, Any]:
        """Return the context of a page that Django's admin does not have."""
        request.current_app = self.admin_site.name
        return {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "media": self.media,
            "has_view_permission": self.has_view_permission(request),
            **context,
        }


def _moment(text: str) -> datetime | None:
    try:
        moment: datetime | None = forms.DateTimeField(required=False).clean(text)
        if moment is not None:
            to_current_timezone(moment)  # some zones have no such moment near the calendar's ends
    except (ValidationError, OverflowError):
        return None
    return moment


def reason(error: Exception) -> "StrOrPromise":
    """Return the message for an administrator whose change is rejected."""
    match error:
        case InvalidValue():
            return error.message
        case KeyIsRevoked():
            return _("This key has been revoked and can no longer be changed.")
        case PreviousSecretStillValid():
            return _(
                "This key already has two valid secrets. "
                "End the older one first, or rotate without a grace period."
            )
        case ResourceNotFound():
            return _("This no longer exists: another user has erased it. Nothing has been changed.")
        case ValidationError():
            return " ".join(error.messages)
    return _("Another user changed this at the same time. Please try again.")
