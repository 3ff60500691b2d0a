"""The security schemes, and the requirements that name them."""

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from django.urls import NoReverseMatch, reverse

from tot_jwt.conf import settings
from tot_jwt.http.headers import CREDENTIAL_HEADER_NAMES, reads_authorization
from tot_jwt.rules.scopes import KEYS_MANAGE

#: A part of an OpenAPI document.
Schema = dict[str, Any]

# The names are public: a host's SWAGGER_UI_SETTINGS and generated clients use them.
TOKEN, OAUTH2, CLIENT = "totJwt", "totOAuth2", "totClient"
#: One scheme for each header. A request needs all of them.
KEYS = dict(
    zip(
        ("totAppDomain", "totApiKey", "totSecretKey"),
        CREDENTIAL_HEADER_NAMES.split(", "),
        strict=True,
    )
)

_KEY_DESCRIPTIONS = {
    "totAppDomain": "The domain of the API key.",
    "totApiKey": "The public key. Clients may send all three in a JSON or form body instead.",
    "totSecretKey": "The secret key.",
}


def definitions() -> dict[str, Schema]:
    """Return the security schemes that this host has, by their names."""
    schemes = {TOKEN: _token_scheme(), **_key_schemes()}
    if reads_authorization():
        schemes[CLIENT] = {
            "type": "http",
            "scheme": "basic",
            "description": "The public key is the user name, the secret key is the password.",
        }
    token_url = _token_url()
    if token_url is not None:
        schemes[OAUTH2] = _oauth2_scheme(token_url)
    return schemes


def token_requirements(scopes: Iterable[str] = ()) -> list[Schema]:
    """Return the alternatives for a request with a token."""
    requirements: list[Schema] = [{TOKEN: []}]
    if _token_url() is not None:
        requirements.append({OAUTH2: list(scopes)})
    return requirements


def key_requirements() -> list[Schema]:
    """Return the requirement of a request with API keys: all headers together."""
    return [{name: [] for name in KEYS}]


def client_requirements() -> list[Schema]:
    """Return the alternatives for an OAuth client: HTTP Basic, or its credentials in the form."""
    return [{CLIENT: []}, {}] if reads_authorization() else [{}]


def _token_scheme() -> Schema:
    if reads_authorization():
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "A token that was issued for an API key.",
        }
    return {
        "type": "apiKey",
        "in": "header",
        "name": settings.TOKEN_HEADER,
        "description": "`Bearer <token>`, with a token that was issued for an API key.",
    }


def _key_schemes() -> dict[str, Schema]:
    return {
        name: {
            "type": "apiKey",
            "in": "header",
            "name": header,
            "description": _KEY_DESCRIPTIONS[name],
        }
        for name, header in KEYS.items()
    }


def _oauth2_scheme(token_url: str) -> Schema:
    own = {KEYS_MANAGE: "Manage API keys"} if settings.TOKENS_MANAGE_KEYS else {}
    scopes = {name: str(text) for name, text in settings.SCOPES.items()}
    return {
        "type": "oauth2",
        "description": "Client credentials: `client_id` is the public key, `client_secret` the "
        "secret key.",
        "flows": {"clientCredentials": {"tokenUrl": token_url, "scopes": {**scopes, **own}}},
    }


def _token_url() -> str | None:
    """Return the path of ``oauth/token``, or None if its tokens do not fit an OAuth2 scheme."""
    if not reads_authorization():
        return None  # OAuth clients send their token in Authorization
    with suppress(NoReverseMatch):
        return reverse("tot_jwt_oauth:token")
    return None
