"""Names on the wire: Python's snake_case becomes the API's camelCase here."""

#: The credentials in a body or query, and in Django's name of the header that may carry them.
APP_DOMAIN, API_KEY, SECRET_KEY = "appDomain", "totApiKey", "totSecretKey"
HEADERS = {
    APP_DOMAIN: "HTTP_TOT_APP_DOMAIN",
    API_KEY: "HTTP_TOT_API_KEY",
    SECRET_KEY: "HTTP_TOT_SECRET_KEY",
}

_SPECIAL = {"public_key": API_KEY, "secret": SECRET_KEY, "grace": "graceSeconds"}


def to_wire(name: str) -> str:
    """Return the member's name on the wire: ``expires_at`` becomes ``expiresAt``."""
    first, *others = name.split("_")
    return _SPECIAL.get(name) or first + "".join(map(str.title, others))
