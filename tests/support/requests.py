"""Requests with credentials, as clients send them."""

from typing import Any

TOKEN_URL = "/api/internal/auth/token"
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


def body(key: Any, **members: Any) -> dict[str, Any]:
    """Return the body of an exchange for the key, with members replaced or added."""
    return {
        "appDomain": key.app_domain.domain,
        "totApiKey": key.public_key,
        "totSecretKey": key.secret,
        **members,
    }


def form(key: Any, more: str = "") -> str:
    """Return the same body as a form."""
    return f"appDomain={key.app_domain}&totApiKey={key.public_key}&totSecretKey={key.secret}{more}"


def key_headers(key: Any) -> dict[str, str]:
    """Return headers with the key's credentials."""
    return {
        "Tot-App-Domain": key.app_domain.domain,
        "Tot-Api-Key": key.public_key,
        "Tot-Secret-Key": key.secret,
    }


def bearer(token: Any) -> dict[str, str]:
    """Return the header with the token."""
    return {"Authorization": f"Bearer {token}"}
