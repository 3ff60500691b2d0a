"""The operations of the OAuth endpoints, and of discovery."""

from tot_jwt import exceptions
from tot_jwt.contrib.spectacular import schemes
from tot_jwt.contrib.spectacular.errors import (
    BODY_ERRORS,
    INVALID_TOKENS,
    TOO_MANY_REQUESTS,
)
from tot_jwt.contrib.spectacular.operations import Operation
from tot_jwt.exceptions import InsufficientPermissions, InsufficientScope
from tot_jwt.http.oauth import MalformedScope, UnsupportedGrantType
from tot_jwt.http.oauth_errors import OAuthError
from tot_jwt.http.reading import FORM
from tot_jwt.rules.scopes import TOKENS_INTROSPECT

_OAUTH, _DISCOVERY = "OAuth 2.0", "Discovery"

_OAUTH_ERRORS = (
    *BODY_ERRORS,
    exceptions.InvalidCredentials,
    InsufficientPermissions,
    TOO_MANY_REQUESTS,
    exceptions.ServiceUnavailable,
)
TOKEN = {
    "post": Operation(
        name="tot_jwt_oauth_token",
        tag=_OAUTH,
        summary="Exchange an API key for a token (RFC 6749 section 4.4)",
        description="`client_id` is the public key, `client_secret` the secret key.",
        body={FORM: "TotOAuthTokenForm"},
        success={200: ["TotOAuthToken"]},
        errors=(
            *_OAUTH_ERRORS,
            UnsupportedGrantType,
            MalformedScope,
            InsufficientPermissions("scope_not_held"),
        ),
        translate=OAuthError,
        security=schemes.client_requirements,
    ),
}

INTROSPECTION = {
    "post": Operation(
        name="tot_jwt_introspect_token",
        tag=_OAUTH,
        summary="Introspect a token (RFC 7662)",
        description=f"The caller needs the scope `{TOKENS_INTROSPECT}`.",
        body={FORM: "TotTokenToInspect"},
        success={200: ["TotActiveToken", "TotInactiveToken"]},
        errors=(*_OAUTH_ERRORS, *INVALID_TOKENS, InsufficientScope([TOKENS_INTROSPECT])),
        translate=OAuthError,
        security=lambda: [
            *schemes.token_requirements([TOKENS_INTROSPECT]),
            *schemes.client_requirements(),
        ],
    ),
}

REVOCATION = {
    "post": Operation(
        name="tot_jwt_oauth_revoke_token",
        tag=_OAUTH,
        summary="Revoke a token of the client (RFC 7009)",
        description="Succeeds also if the token has ended.",
        body={FORM: "TotTokenToInspect"},
        success={200: ["TotNothing"]},
        errors=_OAUTH_ERRORS,
        translate=OAuthError,
        security=schemes.client_requirements,
    ),
}

JWKS = {
    "get": Operation(
        name="tot_jwt_show_jwks",
        tag=_DISCOVERY,
        summary="Show the public keys that verify tokens (RFC 7517)",
        success={200: ["TotJwks"]},
    ),
}

METADATA = {
    "get": Operation(
        name="tot_jwt_show_server_metadata",
        tag=_DISCOVERY,
        summary="Show the metadata of the server (RFC 8414)",
        success={200: ["TotServerMetadata"]},
    ),
}
