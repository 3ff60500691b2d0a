"""The operations of each endpoint, by the name of its view."""

from collections.abc import Mapping
from functools import partial

from tot_jwt import exceptions
from tot_jwt.contrib.spectacular import oauth, schemes
from tot_jwt.contrib.spectacular.bodies import PUBLIC_KEY_IN_PATH, STATUS
from tot_jwt.contrib.spectacular.errors import (
    BODY_ERRORS,
    INSUFFICIENT_SCOPE,
    INVALID_FIELDS,
    TOKEN_ERRORS,
    TOO_MANY_REQUESTS,
)
from tot_jwt.contrib.spectacular.operations import Operation, parameter
from tot_jwt.http.reading import FORM, JSON
from tot_jwt.rules.scopes import KEYS_MANAGE

_TOKENS, _KEYS = "Tokens", "API keys"

_KEYS_ERRORS = (*TOKEN_ERRORS, INSUFFICIENT_SCOPE)
_KEY_ERRORS = (*_KEYS_ERRORS, exceptions.ResourceNotFound)
_CHANGE_ERRORS = (
    *_KEY_ERRORS,
    exceptions.KeyExceedsCaller,
    exceptions.KeyCreationNotAllowed,
    exceptions.Conflict,
)
_GIVING_ERRORS = (
    exceptions.ScopesExceedCaller,
    exceptions.AddressesExceedCaller,
    exceptions.ExpiryExceedsCaller,
    exceptions.TooManyKeys,
    TOO_MANY_REQUESTS,
)
_PUBLIC_KEY = parameter("totApiKey", PUBLIC_KEY_IN_PATH, "The public key.", "path")
_MOMENT = {"type": "string", "format": "date-time"}

_manages_keys = partial(schemes.token_requirements, [KEYS_MANAGE])


TOKEN = {
    "post": Operation(
        name="tot_jwt_issue_token",
        tag=_TOKENS,
        summary="Exchange an API key for a token",
        description="The body has at most 8 KiB. Other members are ignored. A request for fewer "
        "`scopes` gets a token with exactly these.",
        body={JSON: "TotTokenRequest", FORM: "TotTokenForm"},
        success={200: ["TotToken"]},
        errors=(
            *BODY_ERRORS,
            exceptions.InvalidCredentials,
            exceptions.InsufficientPermissions,
            TOO_MANY_REQUESTS,
            exceptions.ServiceUnavailable,
        ),
    ),
    "get": Operation(
        name="tot_jwt_verify_token",
        tag=_TOKENS,
        summary="Verify the token",
        success={200: ["TotVerifiedToken"]},
        errors=TOKEN_ERRORS,
        security=schemes.token_requirements,
    ),
    "delete": Operation(
        name="tot_jwt_revoke_token",
        tag=_TOKENS,
        summary="Revoke the token",
        description="Revokes the token of the request, and no other.",
        success={204: []},
        errors=TOKEN_ERRORS,
        security=schemes.token_requirements,
    ),
}

KEYS = {
    "get": Operation(
        name="tot_jwt_list_keys",
        tag=_KEYS,
        summary="List the API keys",
        description="Lists the keys of the caller's domain and environment, newest first.",
        parameters=(
            parameter("status", STATUS, "Only keys with this status."),
            parameter(
                "cursor",
                {"type": "string", "format": "cursor"},
                "The position of a page, from the `next` or `previous` of a response.",
            ),
        ),
        success={200: ["TotApiKeyPage"]},
        errors=(*_KEYS_ERRORS, INVALID_FIELDS),
        security=_manages_keys,
    ),
    "post": Operation(
        name="tot_jwt_create_key",
        tag=_KEYS,
        summary="Create an API key",
        description="The key can do at most what its creator can do, at each use. Without "
        "`expiresAt` or `allowedIps` it gets those of its creator.",
        body={JSON: "TotApiKeyCreation"},
        success={201: ["TotNewApiKey"]},
        links=(
            "tot_jwt_show_key",
            "tot_jwt_change_key",
            "tot_jwt_rotate_key",
            "tot_jwt_show_key_usage",
            "tot_jwt_revoke_key",
        ),
        errors=(
            *_KEYS_ERRORS,
            *BODY_ERRORS,
            *_GIVING_ERRORS,
            exceptions.KeyCreationNotAllowed,
            exceptions.Conflict,
        ),
        security=_manages_keys,
    ),
}

KEY = {
    "get": Operation(
        name="tot_jwt_show_key",
        tag=_KEYS,
        summary="Show an API key",
        parameters=(_PUBLIC_KEY,),
        success={200: ["TotApiKey"]},
        errors=_KEY_ERRORS,
        security=_manages_keys,
    ),
    "patch": Operation(
        name="tot_jwt_change_key",
        tag=_KEYS,
        summary="Change an API key",
        description="Members that are absent stay as they are.",
        body={JSON: "TotApiKeyChange"},
        parameters=(_PUBLIC_KEY,),
        success={200: ["TotApiKey"]},
        errors=(
            *_CHANGE_ERRORS,
            *BODY_ERRORS,
            *_GIVING_ERRORS,
            exceptions.KeyNotYours,
            exceptions.KeyIsRevoked,
        ),
        security=_manages_keys,
    ),
    "delete": Operation(
        name="tot_jwt_revoke_key",
        tag=_KEYS,
        summary="Revoke an API key",
        description="Revokes the key permanently, and the keys that it created. The key stays "
        "visible. Revoking it again succeeds.",
        parameters=(
            _PUBLIC_KEY,
            parameter(
                "force",
                {"type": "boolean", "default": False},
                "Whether to revoke the last active key of the domain.",
            ),
        ),
        success={204: []},
        errors=(*_CHANGE_ERRORS, INVALID_FIELDS, exceptions.LastActiveKey),
        security=_manages_keys,
    ),
}

ROTATION = {
    "post": Operation(
        name="tot_jwt_rotate_key",
        tag=_KEYS,
        summary="Give an API key a new secret key",
        body={JSON: "TotApiKeyRotation"},
        is_body_optional=True,
        parameters=(_PUBLIC_KEY,),
        success={200: ["TotNewApiKey"]},
        errors=(
            *_CHANGE_ERRORS,
            *BODY_ERRORS,
            exceptions.SecretRequired,
            exceptions.KeyIsRevoked,
            exceptions.PreviousSecretStillValid,
            TOO_MANY_REQUESTS,
        ),
        security=_manages_keys,
    ),
}

USAGE = {
    "get": Operation(
        name="tot_jwt_show_key_usage",
        tag=_KEYS,
        summary="Show how much an API key is used",
        description="Counts the accepted and the refused requests of each hour.",
        parameters=(
            _PUBLIC_KEY,
            parameter(
                "from",
                _MOMENT,
                "Hours that begin at this moment or later. By default 30 days before `to`.",
            ),
            parameter("to", _MOMENT, "Hours that begin before this moment. By default now."),
        ),
        success={200: ["TotApiKeyUsage"]},
        errors=(*_KEY_ERRORS, INVALID_FIELDS),
        security=_manages_keys,
    ),
}

#: The name of a view in `tot_jwt.api` → its operations by method.
ENDPOINTS: Mapping[str, Mapping[str, Operation]] = {
    "TokenView": TOKEN,
    "KeysView": KEYS,
    "KeyView": KEY,
    "RotateView": ROTATION,
    "UsageView": USAGE,
    "OAuthTokenView": oauth.TOKEN,
    "IntrospectView": oauth.INTROSPECTION,
    "RevokeView": oauth.REVOCATION,
    "JwksView": oauth.JWKS,
    "MetadataView": oauth.METADATA,
}
