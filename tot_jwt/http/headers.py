"""HTTP headers that more than one module names."""

from functools import cache

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


@cache
def meta_name(header: str) -> str:
    """Return the name of a header in `request.META`: ``HTTP_AUTHORIZATION``."""
    return f"HTTP_{header.upper().replace('-', '_')}"
