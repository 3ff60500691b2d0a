"""TODO"""

from collections.abc import Mapping
from typing import Any

from tot_jwt.conf import settings
from tot_jwt.rules.networks import MAX_LENGTH


def client_address(meta: Mapping[str, Any]) -> str:
    """The client's address as text: REMOTE_ADDR, or what the outermost trusted proxy saw.

    With TRUSTED_PROXIES = n the n-th entry of X-Forwarded-For from the right: each proxy appends the address that
    it saw, so whatever stands further left was written by the client. `""` where there is none (a unix socket), or
    one that could not go on record.
    """
    seen = _seen(meta)
    return seen[:MAX_LENGTH] if seen.isprintable() else ""


def _seen(meta: Mapping[str, Any]) -> str:
    proxies = settings.TRUSTED_PROXIES
    if not proxies:
        return str(meta.get("REMOTE_ADDR", ""))
    forwarded = str(meta.get("HTTP_X_FORWARDED_FOR", "")).split(",")
    return forwarded[-proxies].strip() if len(forwarded) >= proxies else ""
