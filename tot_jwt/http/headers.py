"""HTTP headers that more than one module names."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from tot_jwt.conf import settings
from tot_jwt.exceptions import InvalidRequest
from tot_jwt.http.names import API_KEY, APP_DOMAIN, SECRET_KEY

#: The headers that may carry credentials, as `request.META` names them.
CREDENTIAL_HEADERS = {
    APP_DOMAIN: "HTTP_TOT_APP_DOMAIN",
    API_KEY: "HTTP_TOT_API_KEY",
    SECRET_KEY: "HTTP_TOT_SECRET_KEY",
}

#: The same headers as clients write them, for Vary.
CREDENTIAL_HEADER_NAMES = "Tot-App-Domain, Tot-Api-Key, Tot-Secret-Key"

#: For a response with a token or a secret (RFC 6749 §5.1).
NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}

#: For public keys and metadata.
PUBLIC = {"Cache-Control": "public, max-age=300"}


def reads_authorization() -> bool:
    """Return whether Authorization is our header. Another TOKEN_HEADER leaves it to a proxy."""
    return settings.TOKEN_HEADER.lower() == "authorization"


@cache
def meta_name(header: str) -> str:
    """Return the name of a header in `request.META`: ``HTTP_AUTHORIZATION``."""
    return f"HTTP_{header.upper().replace('-', '_')}"


def bearer(meta: Mapping[str, Any], header: str) -> str | None:
    """Return the token after ``Bearer`` in this header, or None.

    Raises InvalidRequest if there are credential headers too (RFC 6750 §2: one method per request).
    """
    scheme, _, credentials = meta.get(meta_name(header), "").partition(" ")
    if scheme.lower() != "bearer":
        return None
    if not meta.keys().isdisjoint(CREDENTIAL_HEADERS.values()):
        raise InvalidRequest("two_methods")
    return str(credentials)
