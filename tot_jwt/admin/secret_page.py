"""The page that shows a new secret once, and the page of a form that was already used."""

import json
import shlex
from typing import TYPE_CHECKING, Any

from django.contrib.admin.options import IS_POPUP_VAR
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables

from tot_jwt.admin.base import LifecycleAdmin
from tot_jwt.http.headers import NO_STORE
from tot_jwt.http.names import API_KEY, APP_DOMAIN, SECRET_KEY
from tot_jwt.models import ApiKey
from tot_jwt.rules.credentials import Redacted, SecretKey

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

    KeyAdmin = LifecycleAdmin[ApiKey]


def secret_page(
    model_admin: "KeyAdmin",
    request: HttpRequest,
    key: ApiKey,
    secret: SecretKey,
    *,
    title: "StrOrPromise",
    **context: Any,
) -> HttpResponse:
    """Return the page with the new secret and a curl command that uses it."""
    curl = _curl(request.build_absolute_uri(_token_path()), key, secret)
    return _page(
        model_admin,
        request,
        "new_secret.html",
        title=title,
        key=key,
        secret=secret,
        curl=curl,
        **context,
    )


def used_form_page(
    model_admin: "KeyAdmin",
    request: HttpRequest,
    key: ApiKey,
    *,
    explanation: "StrOrPromise",
    advice: "StrOrPromise",
    next_url: str,
    next_label: "StrOrPromise",
) -> HttpResponse:
    """Return the page that says why the same form created no second secret."""
    return _page(
        model_admin,
        request,
        "used_form.html",
        title=_("This form was already used"),
        key=key,
        explanation=explanation,
        advice=advice,
        next_url=next_url,
        next_label=next_label,
    )


def _page(
    model_admin: "KeyAdmin", request: HttpRequest, template: str, **context: Any
) -> HttpResponse:
    is_popup = IS_POPUP_VAR in request.POST
    page = model_admin.page_context(request, is_popup=is_popup, **context)
    return TemplateResponse(request, f"admin/tot_jwt/{template}", page, headers=NO_STORE)


@sensitive_variables()
def _curl(url: str, key: ApiKey, secret: SecretKey) -> Redacted:
    # An imported public key may contain characters that are special to a shell: quote it all.
    credentials = {
        APP_DOMAIN: key.app_domain.domain,
        API_KEY: key.public_key,
        SECRET_KEY: secret.reveal(),
    }
    body = shlex.quote(json.dumps(credentials))
    return Redacted(
        f"curl -X POST {shlex.quote(url)} \\\n  -H 'Content-Type: application/json' \\\n  -d {body}"
    )


def _token_path() -> str:
    try:
        return reverse("tot_jwt:token")
    except NoReverseMatch:
        return "/PATH/TO/token"
