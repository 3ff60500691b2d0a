"""Names on the wire: Python's snake_case becomes the API's camelCase here."""

from functools import cache

#: The members that carry credentials.
APP_DOMAIN, API_KEY, SECRET_KEY = "appDomain", "totApiKey", "totSecretKey"

_SPECIAL = {"public_key": API_KEY, "secret": SECRET_KEY, "grace": "graceSeconds"}


@cache
def to_wire(name: str) -> str:
    """Return the member's name on the wire: ``expires_at`` becomes ``expiresAt``."""
    first, *others = name.split("_")
    return _SPECIAL.get(name) or first + "".join(map(str.title, others))
