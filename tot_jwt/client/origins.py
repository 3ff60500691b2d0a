"""The origins that get a token: scheme, host and port (RFC 6454)."""

import ipaddress
import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from tot_jwt.client.exceptions import OriginNotAllowed

_PORTS = {"http": 80, "https": 443}
# No user, password or backslash: libraries disagree about where the host begins.
_AUTHORITY = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?\Z")


def origin_of(url: str) -> str:
    """Return the origin of a URL, as ``https://api.example.com:443``. Raises ValueError."""
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not _AUTHORITY.match(parts.netloc):
        raise ValueError("Use a URL with https, an ASCII host name, and no user or password.")
    host = f"[{parts.hostname}]" if "[" in parts.netloc else parts.hostname
    return f"{parts.scheme}://{host}:{parts.port or _PORTS[parts.scheme]}"


def allowed_origins(urls: Iterable[str], *, allow_http: bool) -> frozenset[str]:
    """Return the origins of the URLs. Raises ValueError for http to another machine."""
    origins = frozenset(map(origin_of, urls))
    for origin in origins:
        if origin.startswith("http:") and not (allow_http or _is_loopback(origin)):
            raise ValueError(f"{origin} is not encrypted. Use https, or set allow_http=True.")
    return origins


def check_origin(url: str, origins: frozenset[str]) -> None:
    """Raise OriginNotAllowed if the URL's origin does not get the token."""
    if not is_allowed(url, origins):
        allowed = ", ".join(sorted(origins))
        raise OriginNotAllowed(
            f"{_shown_origin(url)} does not get the token. Name it in `origins`. Now: {allowed}."
        )


def is_allowed(url: str, origins: frozenset[str]) -> bool:
    """Return whether the URL's origin gets the token."""
    try:
        return origin_of(url) in origins
    except ValueError:
        return False


def _shown_origin(url: str) -> str:
    try:
        return origin_of(url)
    except ValueError:  # not shown: the URL may have a password
        return "The origin of the request"


def _is_loopback(origin: str) -> bool:
    host = urlsplit(origin).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
