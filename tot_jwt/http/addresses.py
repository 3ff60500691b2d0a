"""The client's address."""

import re
from collections.abc import Mapping
from typing import Any

from tot_jwt.conf import settings
from tot_jwt.rules import lengths

# Some proxies add the port, or write an address of IPv6 in brackets or quotes (RFC 7239 §6).
_WITH_PORT = re.compile(
    r'(?P<quote>"?)(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<v4>[0-9.]+))(?::[0-9]{1,5})?(?P=quote)',
    re.ASCII,
)


def client_address(meta: Mapping[str, Any]) -> str:
    """Return the client's address as text: REMOTE_ADDR, or what the outermost proxy saw.

    With TRUSTED_PROXIES = n it is the n-th entry of X-Forwarded-For from the right. Each proxy
    appends the address that it saw; the client wrote whatever stands further left.
    `""` if there is no address (a unix socket), or if it holds unprintable characters.
    """
    address = _forwarded_for(meta) if settings.TRUSTED_PROXIES else meta.get("REMOTE_ADDR", "")
    text = str(address)
    return text[: lengths.ADDRESS] if text.isprintable() else ""


def _forwarded_for(meta: Mapping[str, Any]) -> str:
    proxies = settings.TRUSTED_PROXIES
    entries = str(meta.get("HTTP_X_FORWARDED_FOR", "")).split(",")
    return _without_port(entries[-proxies].strip()) if len(entries) >= proxies else ""


def _without_port(entry: str) -> str:
    match = _WITH_PORT.fullmatch(entry)
    return (match["v6"] or match["v4"]) if match else entry
