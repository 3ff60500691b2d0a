"""Bodies without a Content-Length, as HTTP/1.1 sends them in chunks (RFC 9112 §7.1).

Django reads as many bytes of a WSGI body as Content-Length declares, and none without it. A server
that sets ``wsgi.input_terminated`` ends the body itself. ASGI is not concerned.
"""

from io import BytesIO
from typing import Any

from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from tot_jwt.exceptions import InvalidRequest, LengthRequired, RequestTooLarge

#: Bytes that are read at once.
STEP = 64 * 1024


@sensitive_variables()
def read_chunked(request: HttpRequest, limit: int | None) -> None:
    """Give the request the body that Django did not read, at most `limit` bytes, and its length.

    Raises LengthRequired if the server does not pass the body on; RequestTooLarge, InvalidRequest.
    """
    meta = request.META
    if meta.get("CONTENT_LENGTH") or "wsgi.input" not in meta:
        return
    if not meta.get("wsgi.input_terminated"):
        if "chunked" in meta.get("HTTP_TRANSFER_ENCODING", "").lower():
            raise LengthRequired
        return
    body = _read(meta["wsgi.input"], limit)
    if body:
        _replace(request, body)


@sensitive_variables()
def _read(stream: Any, limit: int | None) -> bytes:
    body = bytearray()
    while limit is None or len(body) <= limit:
        size = STEP if limit is None else min(STEP, limit + 1 - len(body))
        try:
            part = stream.read(size)
        except Exception:  # each server has its own errors for chunks that it cannot read
            raise InvalidRequest("unreadable_body") from None
        if not part:
            return bytes(body)
        body += part
    raise RequestTooLarge


@sensitive_variables()
def _replace(request: HttpRequest, body: bytes) -> None:
    """Let Django and DRF read this body as if the server had declared its length."""
    # A middleware may have looked at the body before, and Django has kept that there was none.
    for name in ("_body", "_post", "_files"):
        vars(request).pop(name, None)
    request.META["CONTENT_LENGTH"] = str(len(body))
    vars(request).update(_stream=BytesIO(body), _read_started=False)
