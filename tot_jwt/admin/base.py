"""The admin of rows that only `tot_jwt.lifecycle` changes.

What people do to them is an act: an action of the list and a button on a row's own page, which both ask first.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import model_ngettext
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from tot_jwt.exceptions import InvalidValue, KeyIsRevoked, PreviousSecretStillValid, TotJWTError
from tot_jwt.http.addresses import client_address
from tot_jwt.keys.record import Actor, person
from tot_jwt.models import write_alias

M = TypeVar("M", bound=Model)

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

    class _ModelAdmin(admin.ModelAdmin[M]): ...
else:

    class _ModelAdmin(admin.ModelAdmin, Generic[M]): ...


#: With more rows than this nobody reads what they confirm, and Django takes no form with more than 1,000 fields.
MAX_ROWS = 500

#: What the lifecycle, or the database on its behalf, refuses with.
REFUSALS = (TotJWTError, ValidationError, IntegrityError)


@dataclass(frozen=True, kw_only=True)
class Action(Generic[M]):
    """Something that people with `permission` do to rows, after they were asked."""

    name: str
    permission: str
    #: The entry in the list's menu; Django fills in ``%(verbose_name_plural)s``.
    menu: "StrOrPromise"
    #: The button, on the row's page and below the question.
    button: "StrOrPromise"
    question: "StrOrPromise"
    consequence: "StrOrPromise"
    #: What the history says of a row.
    record: "StrOrPromise"
    #: The use case; it takes the row, and who acts as `by`.
    apply: Callable[..., object]
    #: Whether it would change the row.
    applies: Callable[[M], bool]
    #: Rows that the act had better be done to as well; the question offers that.
    also: Callable[[Iterable[M]], Sequence[M]] = lambda rows: ()
    is_final: bool = False

    def as_action(self) -> Callable[..., HttpResponse | None]:
        """The act as Django's admin wants its actions."""

        @admin.action(permissions=[self.permission], description=self.menu)
        def action(
            model_admin: "LifecycleAdmin[M]", request: HttpRequest, rows: QuerySet[M]
        ) -> HttpResponse | None:
            return model_admin.perform(request, rows, self)

        action.__name__ = self.name
        return action


class LifecycleAdmin(_ModelAdmin[M]):
    """Rows that only `tot_jwt.lifecycle` changes: nothing is deleted, and refusals become messages."""

    acts: ClassVar[Sequence[Action[Any]]] = ()
    change_form_template = "admin/tot_jwt/change_form.html"

    class Media:
        css = {"all": ["tot_jwt/admin.css"]}
        js = ["tot_jwt/admin.js"]

    def has_delete_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        return False

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Whether a list may be filtered so; by a hash never: the answers would tell it letter by letter."""
        return "secret_hash" not in lookup and super().lookup_allowed(lookup, value, request)

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().changeform_view(request, *args, **kwargs)
        except REFUSALS as error:
            return self.refused(request, error)

    def refused(self, request: HttpRequest, error: Exception, url: str = "") -> HttpResponse:
        """Back to where the person was, or to that URL, with the reason."""
        self.message_user(request, _reason(error), messages.ERROR)
        return HttpResponseRedirect(url or request.get_full_path())

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> Any:
        row = context["original"]
        if row is not None:
            context["acts"] = [
                act for act in self.acts if act.applies(row) and self._may(request, act)
            ]
            context["action_checkbox_name"] = ACTION_CHECKBOX_NAME
        return super().render_change_form(request, context, *args, **kwargs)

    def perform(
        self, request: HttpRequest, queryset: QuerySet[M], act: Action[M]
    ) -> HttpResponse | None:
        """Ask, or carry the act out if the answer has come. None leads back to the list."""
        rows = list(queryset.order_by("pk")[: MAX_ROWS + 1])
        if len(rows) > MAX_ROWS:
            text = _("Please select at most %(limit)d at a time. Nothing has been changed.") % {
                "limit": MAX_ROWS
            }
            self.message_user(request, text, messages.ERROR)
            return None
        if "confirmed" in request.POST:
            self._carry_out(request, rows, act)
            return self._back(request, rows)
        return self._ask(request, rows, act)

    def person(self, request: HttpRequest) -> Actor:
        """Who acts, for the record."""
        return person(request.user, client_address(request.META))

    def summary(self, row: M) -> dict[str, Any]:
        """The parts by which a person knows the row again on the confirmation page."""
        return {"row": row}

    def _may(self, request: HttpRequest, act: Action[Any]) -> bool:
        allowed: bool = getattr(self, f"has_{act.permission}_permission")(request)
        return allowed

    def _ask(self, request: HttpRequest, rows: list[M], act: Action[M]) -> HttpResponse:
        affected = [row for row in rows if act.applies(row)]
        context = self.page_context(
            request,
            title=act.question,
            act=act,
            affected=[self.summary(row) for row in affected],
            unaffected=[self.summary(row) for row in rows if row not in affected],
            created=[self.summary(row) for row in act.also(affected)],
            may_cascade=True,
            action_checkbox_name=ACTION_CHECKBOX_NAME,
            one_row=rows[0] if "one_row" in request.POST and rows else None,
        )
        return TemplateResponse(request, "admin/tot_jwt/confirm.html", context)

    def _carry_out(self, request: HttpRequest, rows: list[M], act: Action[M]) -> None:
        with transaction.atomic(using=write_alias()):
            done = [row for row in rows if self._carry_out_one(request, row, act)]
            if "cascade" in request.POST:
                # Asked for now that the rows are locked: nothing can be added to them any more.
                done += [row for row in act.also(done) if self._carry_out_one(request, row, act)]
        if not done:
            self.message_user(request, _("There was nothing to do."), messages.WARNING)
            return
        text = _("%(record)s: %(count)d %(items)s.")
        items = model_ngettext(self.opts, len(done))
        self.message_user(
            request,
            text % {"record": act.record, "count": len(done), "items": items},
            messages.SUCCESS,
        )

    def _carry_out_one(self, request: HttpRequest, row: M, act: Action[M]) -> bool:
        if not act.applies(row):
            return False
        try:
            act.apply(row, by=self.person(request))
        except TotJWTError as error:
            self.message_user(request, f"{row}: {_reason(error)}", messages.ERROR)
            return False
        self.log_change(request, row, str(act.record))
        return True

    def _back(self, request: HttpRequest, rows: list[M]) -> HttpResponse | None:
        if "one_row" not in request.POST or len(rows) != 1:
            return None
        return HttpResponseRedirect(self.admin_url("change", rows[0].pk))

    def admin_url(self, page: str, *args: object) -> str:
        """The URL of one of this model's pages, on this admin site."""
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_{page}"
        return reverse(name, args=args, current_app=self.admin_site.name)

    def page_context(self, request: HttpRequest, **context: Any) -> dict[str, Any]:
        """The context of a page of our own."""
        request.current_app = self.admin_site.name
        return {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "media": self.media,
            "has_view_permission": self.has_view_permission(request),
            **context,
        }


def _reason(error: Exception) -> "StrOrPromise":
    match error:
        case InvalidValue():
            return error.message
        case KeyIsRevoked():
            return _("This key has been revoked. It stays as it is.")
        case PreviousSecretStillValid():
            return _(
                "Two secrets work already. End the old one first, or rotate without a grace period."
            )
        case ValidationError():
            return " ".join(error.messages)
    return _("Somebody else changed this at the same moment. Please try again.")
