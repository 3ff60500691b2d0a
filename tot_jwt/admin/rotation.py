"""New secrets in the admin: the page that shows one once, and the rotation of a key."""

import json
import shlex
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib.admin.options import IS_POPUP_VAR
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, URLPattern, path, reverse
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables

from tot_jwt.admin.actions import created_keys
from tot_jwt.admin.base import REFUSALS, LifecycleAdmin
from tot_jwt.admin.display import moment
from tot_jwt.exceptions import KeyIsRevoked
from tot_jwt.keys import lifecycle
from tot_jwt.keys.locking import lock_key
from tot_jwt.models import ApiKey, write_alias
from tot_jwt.rules.credentials import SecretKey
from tot_jwt.utils import clock

_GRACES = {
    timedelta(hours=1): _("1 hour"),
    timedelta(days=1): _("1 day"),
    timedelta(days=7): _("7 days"),
}
_NONE, _USUAL = timedelta(0), timedelta(days=1)


class RotationForm(forms.Form):
    """How to rotate the key. It fits the secret that the key had when the form was made, and so does one rotation."""

    grace = forms.TypedChoiceField(
        label=_("How long the old secret still works"),
        coerce=lambda seconds: timedelta(seconds=int(seconds)),
        widget=forms.RadioSelect,
    )
    cascade = forms.BooleanField(required=False)

    def __init__(self, key: ApiKey, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.stamp = _stamp(key)
        choices = [(int(grace.total_seconds()), text) for grace, text in _offered(key).items()]
        self.fields["grace"].choices = choices  # type: ignore[attr-defined]
        usual = int(_USUAL.total_seconds())
        self.initial["grace"] = usual if usual in dict(choices) else 0

    def fits(self, key: ApiKey) -> bool:
        """Whether the key's secret is still the one that the sent form was made for."""
        return constant_time_compare(self.data.get("stamp", ""), _stamp(key))


class RotationAdmin(LifecycleAdmin[ApiKey]):
    """What of the admin of keys makes secrets, and shows each of them once."""

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Whether this person may end keys for ever."""
        return request.user.has_perm(f"{self.opts.app_label}.revoke_apikey")

    def has_rotate_permission(self, request: HttpRequest) -> bool:
        """Whether this person may give keys a new secret, and end the old one and the tokens."""
        return request.user.has_perm(f"{self.opts.app_label}.rotate_apikey")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.rotate_view)
        name = f"{self.opts.app_label}_{self.opts.model_name}_rotate"
        return [path("<path:object_id>/rotate/", view, name=name), *super().get_urls()]

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> Any:
        key = context["original"]
        if key is not None and key.revoked_at is None and self.has_rotate_permission(request):
            context["rotate_url"] = self.admin_url("rotate", key.pk)
        return super().render_change_form(request, context, *args, **kwargs)

    def rotate_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The form; sent, the page with the new secret."""
        if not (
            self.has_view_or_change_permission(request) and self.has_rotate_permission(request)
        ):
            raise PermissionDenied
        key = self.get_object(request, unquote(object_id))
        if key is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined,no-any-return]
        try:
            return self._rotation_page(request, key)
        except REFUSALS as error:
            return self.refused(request, error, self.admin_url("change", key.pk))

    def show_once(
        self, request: HttpRequest, template: str, key: ApiKey, title: Any, **context: Any
    ) -> HttpResponse:
        """A page that nobody keeps."""
        page = self.page_context(
            request,
            title=title,
            key=key,
            curl=context.get("secret")
            and _curl(request.build_absolute_uri(_token_path()), key, context["secret"]),
            is_popup=IS_POPUP_VAR in request.POST,
            **context,
        )
        headers = {"Cache-Control": "no-store", "Pragma": "no-cache"}
        return TemplateResponse(request, f"admin/tot_jwt/{template}", page, headers=headers)

    def _rotation_page(self, request: HttpRequest, key: ApiKey) -> HttpResponse:
        if key.revoked_at is not None:
            raise KeyIsRevoked
        form = RotationForm(key, request.POST or None)
        if form.is_bound and not form.fits(key):
            return self._was_rotated(request, key)
        if form.is_valid():
            return self._rotate(request, key, form)
        context = self.page_context(
            request,
            title=_("Rotate the secret"),
            form=form,
            item=self.summary(key),
            key=key,
            created=[self.summary(created) for created in created_keys([key])],
            may_cascade=self.has_revoke_permission(request),
        )
        return TemplateResponse(request, "admin/tot_jwt/rotate.html", context)

    def _rotate(self, request: HttpRequest, key: ApiKey, form: RotationForm) -> HttpResponse:
        by, revoked = self.person(request), []
        with transaction.atomic(using=write_alias()):
            key = lock_key(key)
            if not form.fits(key):
                return self._was_rotated(request, key)
            key, secret = lifecycle.rotate_key(key, grace=form.cleaned_data["grace"], by=by)
            self.log_change(request, key, str(_("Secret rotated")))
            if form.cleaned_data["cascade"] and self.has_revoke_permission(request):
                revoked = created_keys([key])
                lifecycle.revoke_created_keys(key, by=by)
            for created in revoked:
                self.log_change(request, created, str(_("Revoked")))
        return self.show_once(
            request,
            "new_secret.html",
            key,
            _("Secret rotated"),
            secret=secret,
            is_rotation=True,
            revoked=revoked,
        )

    def _was_rotated(self, request: HttpRequest, key: ApiKey) -> HttpResponse:
        return self.show_once(request, "already_rotated.html", key, _("This form was already used"))


def _stamp(key: ApiKey) -> str:
    """Stands for the key's current secret, and tells nothing of its hash."""
    return salted_hmac(
        "tot_jwt.admin.rotation", f"{key.pk}:{key.secret_hash}", algorithm="sha256"
    ).hexdigest()


def _offered(key: ApiKey) -> dict[timedelta, str]:
    """The grace periods that the key can be rotated with now, each with its end."""
    now, offered = (
        clock.now(),
        {_NONE: str(_("Not at all: earlier secrets and all tokens end at once"))},
    )
    if key.previous_secret_is_live:
        return offered
    for grace, text in _GRACES.items():
        end = min(now + grace, key.expires_at or now + grace)
        if end > now:
            offered[grace] = _("%(grace)s, until %(end)s") % {"grace": text, "end": moment(end)}
    return offered


@sensitive_variables()
def _curl(url: str, key: ApiKey, secret: SecretKey) -> SecretKey:
    """The command that exchanges the key for a token; an imported public key may hold what a shell acts on."""
    sent = {
        "appDomain": key.app_domain.domain,
        "totApiKey": key.public_key,
        "totSecretKey": secret.reveal(),
    }
    body = shlex.quote(json.dumps(sent))
    return SecretKey(
        f"curl -X POST {shlex.quote(url)} \\\n  -H 'Content-Type: application/json' \\\n  -d {body}"
    )


def _token_path() -> str:
    try:
        return reverse("tot_jwt:token")
    except NoReverseMatch:
        return "/PATH/TO/token"
