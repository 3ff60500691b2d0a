"""Actions that ask for confirmation, in the list and on the page of a row."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Generic

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import model_ngettext
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _

from tot_jwt.admin.base import LifecycleAdmin, M, reason
from tot_jwt.admin.counts import concerned_keys
from tot_jwt.exceptions import TotJWTError
from tot_jwt.models import write_alias

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


@dataclass(frozen=True, kw_only=True)
class Effect(Generic[M]):
    """Rows that an action starts or stops beside the selected ones. The confirmation lists them."""

    title: "StrOrPromise"
    explanation: "StrOrPromise"
    #: The function that returns these rows, from the rows that the action changes.
    rows: Callable[[Sequence[M]], Iterable[M]]


@dataclass(frozen=True, kw_only=True)
class Action(Generic[M]):
    """A change of rows that a user with the permission may confirm."""

    name: str
    permission: str
    #: The entry in the list's menu. Django fills in ``%(verbose_name_plural)s``.
    menu: "StrOrPromise"
    #: The button on the row's page and on the confirmation page.
    button: "StrOrPromise"
    question: "StrOrPromise"
    consequence: "StrOrPromise"
    #: The entry in Django's own history, and the first word of the success message.
    log_message: "StrOrPromise"
    #: The function that changes a row. It takes the row, and the actor as `by`.
    apply: Callable[..., object]
    #: Whether the action would change the row.
    applies_to: Callable[[M], bool]
    #: What else the action does.
    effect: Effect[M] | None = None
    is_permanent: bool = False

    def as_admin_action(self) -> Callable[..., HttpResponse | None]:
        """Return the function that `ModelAdmin.actions` takes."""

        @admin.action(permissions=[self.permission], description=self.menu)
        def admin_action(
            model_admin: "ConfirmedActionsAdmin[M]", request: HttpRequest, rows: QuerySet[M]
        ) -> HttpResponse | None:
            return model_admin.perform(request, rows, self)

        admin_action.__name__ = self.name
        return admin_action


class ConfirmedActionsAdmin(LifecycleAdmin[M]):
    """Rows with actions. The row's page has a button for each action that applies to the row."""

    confirmed_actions: ClassVar[Sequence[Action[Any]]] = ()
    #: The function that waits for rows and returns them, locked, in the order of their changes.
    lock_rows: Callable[[Iterable[Any]], Iterable[Any]]
    #: The most rows of one action. Django takes at most 1,000 fields in a form.
    max_rows = 500

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> Any:
        """Add the buttons of the actions."""
        row = context["original"]
        if row is not None:
            context["row_actions"] = [
                action
                for action in self.confirmed_actions
                if action.applies_to(row) and self._may(request, action)
            ]
            context["action_checkbox_name"] = ACTION_CHECKBOX_NAME
        return super().render_change_form(request, context, *args, **kwargs)

    def perform(
        self, request: HttpRequest, queryset: QuerySet[M], action: Action[M]
    ) -> HttpResponse | None:
        """Ask for confirmation, or apply the confirmed action. None leads back to the list."""
        rows = list(queryset.order_by("pk")[: self.max_rows + 1])
        if len(rows) > self.max_rows:
            text = _("Select at most %(limit)d items. No items have been changed.")
            self.message_user(request, text % {"limit": self.max_rows}, messages.ERROR)
            return None
        if "confirmed" not in request.POST:
            return self._ask(request, rows, action)
        try:
            self._report(request, self._apply(request, rows, action), action)
        except TotJWTError as error:
            return self.reject(request, error)
        if "one_row" in request.POST and len(rows) == 1:
            return HttpResponseRedirect(self.admin_url("change", rows[0].pk))
        return None

    def summary(self, row: M) -> dict[str, Any]:
        """Return what the confirmation page shows of a row."""
        return {"row": row}

    def _may(self, request: HttpRequest, action: Action[Any]) -> bool:
        allowed: bool = getattr(self, f"has_{action.permission}_permission")(request)
        return allowed

    def _ask(self, request: HttpRequest, rows: list[M], action: Action[M]) -> HttpResponse:
        affected = [row for row in rows if action.applies_to(row)]
        further = list(action.effect.rows(affected)) if action.effect else []
        context = self.page_context(
            request,
            title=_("Are you sure?") if affected else _("No changes"),
            action=action,
            concerned=concerned_keys(affected, further) if affected else [],
            affected=[self.summary(row) for row in affected],
            unaffected=[self.summary(row) for row in rows if row not in affected],
            further=[self.summary(row) for row in further],
            action_checkbox_name=ACTION_CHECKBOX_NAME,
            one_row=rows[0] if "one_row" in request.POST and rows else None,
        )
        return TemplateResponse(request, "admin/tot_jwt/confirm.html", context)

    def _apply(self, request: HttpRequest, rows: list[M], action: Action[M]) -> list[M]:
        with transaction.atomic(using=write_alias()):
            # All locks come before the first change, so that transactions cannot deadlock.
            locked = self.lock_rows([row for row in rows if action.applies_to(row)])
            return [row for row in locked if self._apply_to(request, row, action)]

    def _apply_to(self, request: HttpRequest, row: M, action: Action[M]) -> bool:
        try:
            action.apply(row, by=self.actor(request))
        except TotJWTError as error:
            self.message_user(request, f"{row}: {reason(error)}", messages.ERROR)
            return False
        self.log_change(request, row, str(action.log_message))
        return True

    def _report(self, request: HttpRequest, done: list[M], action: Action[M]) -> None:
        if not done:
            self.message_user(request, _("No items have been changed."), messages.WARNING)
            return
        text = _("%(log_message)s: %(count)d %(items)s.") % {
            "log_message": action.log_message,
            "count": len(done),
            "items": model_ngettext(self.opts, len(done)),
        }
        self.message_user(request, text, messages.SUCCESS)
