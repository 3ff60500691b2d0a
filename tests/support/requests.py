"""The exchange as a client calls it."""

from typing import Any

TOKEN_URL = "/api/internal/auth/token"


def body(key: Any, **members: Any) -> dict[str, Any]:
    """Return the body of an exchange for the key, with members replaced or added."""
    return {
        "appDomain": key.app_domain.domain,
        "totApiKey": key.public_key,
        "totSecretKey": key.secret,
        **members,
    }
