"""Headers of a host's responses: by what they vary, what stays private, and what a view adds.

DRF writes the headers of the view (`view.headers`) to each of its responses, also to errors. A
plain `HttpRequest` has no such view: there, the host sets them.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
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
    _store_nothing(request)
    headers = _headers(request)
    if headers is not None and "no-store" not in headers.get("Cache-Control", ""):
        headers["Cache-Control"] = "private, no-store"


@contextmanager
def uncached(request: Request | HttpRequest) -> Iterator[None]:
    """Let Django's cache store nothing inside the block, also not by a `cache_page` in there.

    Such a cache would store the response before it has the headers that the block's caller adds.
    Caches around the block store it afterwards, unless an exception leaves the block: Django's
    response to it never gets these headers.
    """
    kind: Any = type(request)
    _store_nothing(request)
    yield
    request.__class__ = kind


def add_headers(request: Request | HttpRequest, headers: Mapping[str, str]) -> None:
    """Add the headers to every response of the view."""
    of_view = _headers(request)
    if of_view is not None:
        of_view.update(headers)


def _headers(request: Request | HttpRequest) -> dict[str, str] | None:
    context = getattr(request, "parser_context", None)
    view = context.get("view") if context else None
    return getattr(view, "headers", None)


def _store_nothing(request: Any) -> None:
    """Give the request a class that tells Django's cache not to store the response.

    `cache_page` asks the request. On a method of a view, it does so before DRF writes the headers.
    """
    kind: Any = type(request)
    request.__class__ = _uncached(kind)


@cache
def _uncached(kind: Any) -> Any:
    return type(kind.__name__, (kind,), {"_cache_update_cache": property(_no, _set_no)})


def _no(request: object) -> bool:
    return False


def _set_no(request: object, value: bool) -> None:
    # A view may tell the caches around it, too, not to store its response.
    if not value:
        vars(request)["_cache_update_cache"] = False
