"""The base class of all admin pages: rows that only `tot_jwt.keys` changes."""

from typing import TYPE_CHECKING, Any, Generic, TypeVar

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from tot_jwt.exceptions import InvalidValue, KeyIsRevoked, PreviousSecretStillValid, TotJWTError
from tot_jwt.http.addresses import client_address
from tot_jwt.keys.record import Actor, administrator

M = TypeVar("M", bound=Model)

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

    class _ModelAdmin(admin.ModelAdmin[M]): ...
else:

    class _ModelAdmin(admin.ModelAdmin, Generic[M]): ...


#: The errors with which `tot_jwt.keys`, or the database, rejects a change.
REJECTIONS = (TotJWTError, ValidationError, IntegrityError)


class LifecycleAdmin(_ModelAdmin[M]):
    """Rows that only `tot_jwt.keys` changes. The admin deletes none and explains rejections."""

    change_form_template = "admin/tot_jwt/change_form.html"

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
        return "secret_hash" not in lookup and super().lookup_allowed(lookup, value, request)

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Return the form, or the form's URL with a message if the change is rejected."""
        try:
            return super().changeform_view(request, *args, **kwargs)
        except REJECTIONS as error:
            return self.reject(request, error)

    def reject(self, request: HttpRequest, error: Exception, url: str = "") -> HttpResponse:
        """Redirect to the URL, by default to the present one, with the error as a message."""
        self.message_user(request, reason(error), messages.ERROR)
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
        case ValidationError():
            return " ".join(error.messages)
    return _("Another user changed this at the same time. Please try again.")
