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
from tot_jwt.models import ApiKey, ApiKeyQuerySet, KeyEvent, write_alias
from tot_jwt.rules import expiry
from tot_jwt.utils import clock

_NO_GRACE = timedelta(0)
#: The value that replaces a secret that was never used. The older secret keeps its grace period.
_REPLACE = "replace"
#: Its length does not matter, unless the older secret ends at this moment.
_SHORTEST = timedelta(seconds=1)
_GRACES = {
    timedelta(hours=1): _("1 hour"),
    timedelta(days=1): _("1 day"),
    timedelta(days=7): _("7 days"),
}


class RotationForm(forms.Form):
    """How to rotate the key.

    It is valid only until the key's next rotation. So it can rotate the key only once.
    """

    grace = forms.TypedChoiceField(
        label=_("How long the current secret keeps working"),
        coerce=lambda value: _SHORTEST if value == _REPLACE else timedelta(seconds=int(value)),
        widget=forms.RadioSelect,
    )
    revoke_created_keys = forms.BooleanField(
        label=_("Also revoke the created keys permanently"), required=False
    )

    def __init__(self, key: ApiKey, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.stamp = _stamp(key)
        choices = _choices(key)
        self.fields["grace"].choices = list(choices.items())  # type: ignore[attr-defined]
        preferred = (_REPLACE, _seconds(DEFAULT_GRACE), _seconds(_NO_GRACE))
        self.initial["grace"] = next(value for value in preferred if value in choices)
        if _REPLACE in choices:
            self.fields["grace"].label = _("How long the older secret keeps working")

    def fits(self, key: ApiKey) -> bool:
        """Return whether the key was not rotated since the form was rendered."""
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
    # Each rotation writes an event, and nothing else changes what is stamped here. The hash also
    # changes at the first use of an imported secret; the hint of two secrets may be the same.
    rotations = KeyEvent.objects.filter(key=key, action=KeyEvent.Action.ROTATED)
    last = rotations.order_by("-pk").values_list("pk", flat=True).first()
    return salted_hmac(
        "tot_jwt.admin.rotation", f"{key.pk}:{last}:{key.secret_hint}", algorithm="sha256"
    ).hexdigest()


def _choices(key: ApiKey) -> dict[str, str]:
    """Return what the key can be rotated with now: the values, and their texts."""
    none = str(_("Not at all: all earlier secrets and tokens end immediately"))
    choices = {_seconds(_NO_GRACE): none}
    if not key.previous_secret_is_live:
        return choices | _graces(key)
    if key.secret_last_used_at is None and key.previous_secret_expires_at is not None:
        text = _("Until %(end)s: the new secret replaces the unused one only")
        choices[_REPLACE] = text % {"end": moment(key.previous_secret_expires_at)}
    return choices


def _graces(key: ApiKey) -> dict[str, str]:
    """Return the grace periods that do not end with the key, in seconds, each with its end."""
    graces = {}
    now = clock.now()
    for grace, text in _GRACES.items():
        end = expiry.earliest(now + grace, key.expires_at)
        if end is not None and end > now:
            shown = {"grace": text, "end": moment(end)}
            graces[_seconds(grace)] = _("%(grace)s, until %(end)s") % shown
    return graces


def _seconds(grace: timedelta) -> str:
    return str(int(grace.total_seconds()))
