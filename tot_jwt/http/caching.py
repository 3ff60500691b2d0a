"""Headers of a host's responses: by what they vary, what stays private, and what a view adds.

DRF writes the headers of the view (`view.headers`) to each of its responses, also to errors. A
plain `HttpRequest` has no such view: there, the host sets them.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from django.http import HttpRequest
from rest_framework.request import Request


def http_request(request: Request | HttpRequest) -> HttpRequest:
    """Return Django's own request, on which DRF's is built."""
    own: HttpRequest = getattr(request, "_request", request)
    return own


def vary_by(request: Request | HttpRequest, header: str) -> None:
    """Let every response of the view vary by this header, or by these."""
    headers = _headers(request)
    if headers is not None:
        vary = headers.get("Vary")
        headers["Vary"] = f"{vary}, {header}" if vary else header


def keep_private(request: Request | HttpRequest) -> None:
    """Let no cache store the response, neither Django's own nor one before the host."""
    http_request(request)._cache_update_cache = False  # type: ignore[attr-defined]
    headers = _headers(request)
    if headers is not None and "no-store" not in headers.get("Cache-Control", ""):
        headers["Cache-Control"] = "private, no-store"
    if isinstance(request, Request):
        kind: Any = type(request)
        request.__class__ = _uncached(kind)


def add_headers(request: Request | HttpRequest, headers: Mapping[str, str]) -> None:
    """Add the headers to every response of the view."""
    of_view = _headers(request)
    if of_view is not None:
        of_view.update(headers)


def _headers(request: Request | HttpRequest) -> dict[str, str] | None:
    context = getattr(request, "parser_context", None)
    view = context.get("view") if context else None
    return getattr(view, "headers", None)


@cache
def _uncached(kind: Any) -> Any:
    """Return a class of requests whose responses Django's cache does not store within the view.

    `cache_page` on a method of the view runs before DRF writes the headers. It asks the request.
    """
    never = property(lambda request: False, lambda request, value: None)
    return type(kind.__name__, (kind,), {"_cache_update_cache": never})
