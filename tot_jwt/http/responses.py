"""Responses outside Django REST framework: our errors, and what caches may do with the others."""

from django.http import HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers

from tot_jwt.conf import settings
from tot_jwt.exceptions import InvalidRequest, TotJWTError
from tot_jwt.http.errors import body_of, challenge_for
from tot_jwt.http.headers import reads_authorization

_COMPACT = {"separators": (",", ":"), "ensure_ascii": False}


def error_response(error: TotJWTError) -> HttpResponse:
    """Return the response that a client gets for one of our exceptions."""
    response = JsonResponse(body_of(error), status=error.status, json_dumps_params=_COMPACT)
    headers = {
        "WWW-Authenticate": challenge_for(error),
        "Retry-After": getattr(error, "retry_after", None),
    }
    for name, value in headers.items():
        if value is not None:
            response[name] = str(value)
    protect(response, is_private=isinstance(error, InvalidRequest))
    return response


def protect(response: HttpResponseBase, *, is_private: bool = False) -> None:
    """Let caches keep the response for the same token only, or not at all.

    Shared caches spare responses to Authorization only (RFC 9111 §3.5), so with another
    TOKEN_HEADER every response is private.
    """
    patch_vary_headers(response, [settings.TOKEN_HEADER])
    is_private = is_private or not reads_authorization()
    if is_private and "no-store" not in response.get("Cache-Control", ""):
        response["Cache-Control"] = "private, no-store"
