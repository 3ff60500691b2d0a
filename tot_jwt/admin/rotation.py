"""The rotation of a key in the admin."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext_lazy as _

from tot_jwt.admin.base import REJECTIONS
from tot_jwt.admin.confirmation import ConfirmedActionsAdmin
from tot_jwt.admin.display import moment
from tot_jwt.admin.secret_page import secret_page, used_form_page
from tot_jwt.exceptions import KeyIsRevoked
from tot_jwt.keys import rotate_key
from tot_jwt.keys.lifecycle import DEFAULT_GRACE
from tot_jwt.keys.locking import lock_key
from tot_jwt.models import ApiKey, ApiKeyQuerySet, write_alias
from tot_jwt.rules import expiry
from tot_jwt.utils import clock

_NO_GRACE = timedelta(0)
_GRACES = {
    timedelta(hours=1): _("1 hour"),
    timedelta(days=1): _("1 day"),
    timedelta(days=7): _("7 days"),
}


class RotationForm(forms.Form):
    """How to rotate the key.

    It is valid only for the secret that the key had when the form was rendered. So it can rotate
    the key only once.
    """

    grace = forms.TypedChoiceField(
        label=_("How long the current secret keeps working"),
        coerce=lambda seconds: timedelta(seconds=int(seconds)),
        widget=forms.RadioSelect,
    )
    revoke_created_keys = forms.BooleanField(
        label=_("Also revoke the created keys permanently"), required=False
    )

    def __init__(self, key: ApiKey, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.stamp = _stamp(key)
        graces = _graces(key)
        self.fields["grace"].choices = [(_seconds(g), text) for g, text in graces.items()]  # type: ignore[attr-defined]
        self.initial["grace"] = _seconds(DEFAULT_GRACE if DEFAULT_GRACE in graces else _NO_GRACE)

    def fits(self, key: ApiKey) -> bool:
        """Return whether the key still has the secret for which the form was made."""
        return constant_time_compare(self.data.get("stamp", ""), _stamp(key))


class RotationAdmin(ConfirmedActionsAdmin[ApiKey]):
    """Keys that can be rotated: the page, its URL, its permission, and the link to it."""

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may revoke keys."""
        return request.user.has_perm(f"{self.opts.app_label}.revoke_apikey")

    def has_rotate_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may rotate keys and end previous secrets and tokens."""
        return request.user.has_perm(f"{self.opts.app_label}.rotate_apikey")

    def get_urls(self) -> list[URLPattern]:
        """Add the URL of the rotation page."""
        view = self.admin_site.admin_view(self.rotate_view)
        name = f"{self.opts.app_label}_{self.opts.model_name}_rotate"
        return [path("<path:object_id>/rotate/", view, name=name), *super().get_urls()]

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> Any:
        """Add the link to the rotation page."""
        key = context["original"]
        if key is not None and key.revoked_at is None and self.has_rotate_permission(request):
            context["rotate_url"] = self.admin_url("rotate", key.pk)
        return super().render_change_form(request, context, *args, **kwargs)

    def rotate_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Return the form or, if it is submitted, the page with the new secret."""
        if not (
            self.has_view_or_change_permission(request) and self.has_rotate_permission(request)
        ):
            raise PermissionDenied
        key = self.get_object(request, unquote(object_id))
        if key is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined,no-any-return]
        try:
            return self._rotation_page(request, key)
        except REJECTIONS as error:
            return self.reject(request, error, self.admin_url("change", key.pk))

    def _rotation_page(self, request: HttpRequest, key: ApiKey) -> HttpResponse:
        if key.revoked_at is not None:
            raise KeyIsRevoked
        form = RotationForm(key, request.POST or None)
        if form.is_bound and not form.fits(key):
            return self._used_rotation_form(request, key)
        if form.is_valid():
            return self._rotate(request, key, form)
        context = self.page_context(
            request,
            title=_("Rotate the secret"),
            form=form,
            item=self.summary(key),
            key=key,
            created=[self.summary(created) for created in _created(key)],
            may_revoke=self.has_revoke_permission(request),
        )
        return TemplateResponse(request, "admin/tot_jwt/rotate.html", context)

    def _rotate(self, request: HttpRequest, key: ApiKey, form: RotationForm) -> HttpResponse:
        grace = form.cleaned_data["grace"]
        revokes = form.cleaned_data["revoke_created_keys"] and self.has_revoke_permission(request)
        with transaction.atomic(using=write_alias()):
            key = lock_key(key, wait=grace == _NO_GRACE)
            if not form.fits(key):
                return self._used_rotation_form(request, key)
            revoked = list(_created(key)) if revokes else []
            key, secret = rotate_key(
                key, grace=grace, revoke_created_keys=revokes, by=self.actor(request)
            )
            self.log_change(request, key, str(_("Secret rotated")))
            for created in revoked:
                self.log_change(request, created, str(_("Revoked")))
        title = _("Secret rotated")
        return secret_page(
            self, request, key, secret, title=title, is_rotation=True, revoked=revoked
        )

    def _used_rotation_form(self, request: HttpRequest, key: ApiKey) -> HttpResponse:
        return used_form_page(
            self,
            request,
            key,
            explanation=_(
                "This form was already used, or another user has rotated the key since you opened "
                "it. No further secret was created. The new secret cannot be shown again."
            ),
            advice=_("If you did not copy the new secret, rotate the key again."),
            next_url=self.admin_url("rotate", key.pk),
            next_label=_("Rotate again"),
        )


def _created(key: ApiKey) -> ApiKeyQuerySet:
    created: ApiKeyQuerySet = ApiKey.objects.created_with([key]).with_related()
    return created.order_by("pk")


def _stamp(key: ApiKey) -> str:
    # It changes with the key's secret and reveals nothing of the hash.
    # Error reports show neither: no local variable holds the hash.
    return salted_hmac(
        "tot_jwt.admin.rotation", f"{key.pk}:{key.secret_hash}", algorithm="sha256"
    ).hexdigest()


def _graces(key: ApiKey) -> dict[timedelta, str]:
    """Return the grace periods that the key can be rotated with now, each with its end."""
    graces = {_NO_GRACE: str(_("Not at all: all earlier secrets and tokens end immediately"))}
    if key.previous_secret_is_live and key.secret_last_used_at is not None:
        return graces
    now = clock.now()
    for grace, text in _GRACES.items():
        end = expiry.earliest(now + grace, key.expires_at)
        if end is not None and end > now:
            graces[grace] = _("%(grace)s, until %(end)s") % {"grace": text, "end": moment(end)}
    return graces


def _seconds(grace: timedelta) -> int:
    return int(grace.total_seconds())
