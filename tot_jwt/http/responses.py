"""Responses outside Django REST framework: our errors, and what caches may do with the others."""

from django.db import connections
from django.http import HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers

from tot_jwt.conf import settings
from tot_jwt.exceptions import InvalidRequest, TotJWTError
from tot_jwt.http.errors import body_of, challenge_for
from tot_jwt.http.headers import CREDENTIAL_HEADER_NAMES, reads_authorization

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


def response_to(error: TotJWTError) -> HttpResponse:
    """Return the response to an exception of a view.

    Raises the exception if its status is 500: it is a bug of the view, which Django reports.
    """
    if error.status == 500:
        raise error
    return error_response(error)


def undo_writes() -> None:
    """Let ATOMIC_REQUESTS roll back what a view wrote before its exception, as DRF does.

    Otherwise Django commits: it sees a response, and no exception.
    """
    for connection in connections.all(initialized_only=True):
        if connection.settings_dict["ATOMIC_REQUESTS"] and connection.in_atomic_block:
            connection.set_rollback(True)


def protect(response: HttpResponseBase, *, is_private: bool = False) -> None:
    """Let caches keep the response for the same token only, or not at all.

    It varies by the headers of API keys, too: beside a token, they are an error. Shared caches
    spare responses to Authorization only (RFC 9111 §3.5), so with another TOKEN_HEADER every
    response is private.
    """
    patch_vary_headers(response, [settings.TOKEN_HEADER, *CREDENTIAL_HEADER_NAMES.split(", ")])
    is_private = is_private or not reads_authorization()
    if is_private and "no-store" not in response.get("Cache-Control", ""):
        response["Cache-Control"] = "private, no-store"
