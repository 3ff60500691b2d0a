"""The schemas of what the endpoints read and send, by the names of their components."""

from datetime import timedelta

from drf_spectacular.settings import spectacular_settings

from tot_jwt.conf import KNOWN_ENVIRONMENTS
from tot_jwt.contrib.spectacular.schemes import Schema
from tot_jwt.http.oauth import GRANT_TYPE
from tot_jwt.keys.lifecycle import DEFAULT_GRACE, MAX_GRACE
from tot_jwt.rules import lengths
from tot_jwt.rules.scopes import MAX_SCOPES
from tot_jwt.rules.status import KeyStatus

_SCOPE = r"[!#-\[\]-~]+"
#: Printable ASCII, with a character that is not a space.
PUBLIC_KEY = r"^ *[!-~][ -~]*$"
#: Any text with a character that is not a space, and without NUL.
_NOT_BLANK = r"^[^\u0000]*[^\s\u0000][^\u0000]*$"
#: Likewise, without control characters, line separators and bidirectional controls.
_FORBIDDEN = r"\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"
_NAME = rf"^[^{_FORBIDDEN}]*[^\s{_FORBIDDEN}][^{_FORBIDDEN}]*$"

_BOOLEAN: Schema = {"type": "boolean"}
_MOMENT: Schema = {"type": "string", "format": "date-time"}
_INTEGER: Schema = {"type": "integer"}
_TEXT: Schema = {"type": "string"}
_BEARER: Schema = {"type": "string", "enum": ["Bearer"]}

#: ``keys/{totApiKey}``. A URL cannot have the slash of an imported key.
PUBLIC_KEY_IN_PATH: Schema = {
    "type": "string",
    "minLength": 1,
    "maxLength": lengths.PUBLIC_KEY,
    "pattern": r"^[!-.0-~][ -.0-~]*$",
}
_TEXT_CLAIMS = ("scope", "client_id", "sub", "aud", "iss", "jti", "appDomain")
_URL_METADATA = (
    "issuer",
    "token_endpoint",
    "introspection_endpoint",
    "revocation_endpoint",
    "jwks_uri",
)
_LIST_METADATA = (
    "scopes_supported",
    "response_types_supported",
    "grant_types_supported",
    "token_endpoint_auth_methods_supported",
    "introspection_endpoint_auth_methods_supported",
    "revocation_endpoint_auth_methods_supported",
)

STATUS: Schema = {"type": "string", "enum": list(KeyStatus.values)}


def ref(name: str) -> Schema:
    """Return the reference to a component."""
    return {"$ref": f"#/components/schemas/{name}"}


def components() -> dict[str, Schema]:
    """Return all schemas."""
    return {**_token_bodies(), **_key_bodies(), **_oauth_bodies(), **_discovery_bodies()}


def _token_bodies() -> dict[str, Schema]:
    narrower = "The scopes of a narrower token. Without them, it has all scopes of the key."
    joined = {"type": "string", "pattern": f"^{_SCOPE}( {_SCOPE})*$", "description": narrower}
    listed = {"type": "array", "minItems": 1, "items": {"type": "string", "pattern": f"^{_SCOPE}$"}}
    return {
        "TotTokenRequest": _credentials({"oneOf": [listed, joined], "description": narrower}),
        "TotTokenForm": _credentials(joined),
        "TotToken": _closed(
            {"token": _TEXT, "tokenType": _BEARER, "expiresIn": _INTEGER, "expiresAt": _MOMENT}
        ),
        "TotVerifiedToken": _closed(
            {
                "valid": {"type": "boolean", "enum": [True]},
                "appDomain": _TEXT,
                "issuedAt": _MOMENT,
                "expiresAt": _MOMENT,
            }
        ),
    }


def _credentials(scopes: Schema) -> Schema:
    """Return the body of an exchange. Other members are ignored."""
    required = {
        "appDomain": _text(lengths.SENT_DOMAIN, _NOT_BLANK, "The domain of the API key."),
        "totApiKey": _text(lengths.PUBLIC_KEY, PUBLIC_KEY, "The public key."),
        "totSecretKey": _text(lengths.SECRET_KEY, _NOT_BLANK, "The secret key."),
    }
    return _object({**required, "scopes": scopes}, list(required))


def _key_bodies() -> dict[str, Schema]:
    key = _key()
    changeable = _changeable()
    secret = {**_TEXT, "description": "The secret key, which is shown only this once."}
    new = {**changeable, "canIssueTokens": {**_BOOLEAN, "default": True}}
    usage = _closed({"at": _MOMENT, "accepted": _INTEGER, "refused": _INTEGER})
    return {
        "TotApiKey": _closed(key),
        "TotNewApiKey": _closed({**key, "totSecretKey": secret}),
        "TotApiKeyPage": _closed(
            {
                "count": _INTEGER,
                "next": _nullable({**_TEXT, "format": "uri"}),
                "previous": _nullable({**_TEXT, "format": "uri"}),
                "results": {"type": "array", "items": ref("TotApiKey")},
            }
        ),
        "TotApiKeyCreation": _closed(new, ["name", "scopes"]),
        "TotApiKeyChange": _closed({**changeable, "disabled": _BOOLEAN}, []),
        "TotApiKeyRotation": _closed(_rotation(), []),
        "TotApiKeyUsage": _closed(
            {
                "totApiKey": _TEXT,
                "interval": {"type": "string", "enum": ["hour"]},
                "results": {"type": "array", "items": usage},
            }
        ),
    }


def _key() -> dict[str, Schema]:
    return {
        "totApiKey": _TEXT,
        "appDomain": _TEXT,
        "environment": {"type": "string", "enum": list(KNOWN_ENVIRONMENTS)},
        "name": _TEXT,
        "scopes": {"type": "array", "items": _TEXT},
        "status": STATUS,
        "secretHint": {**_TEXT, "description": "The last characters of the secret key."},
        "allowedIps": {"type": "array", "items": _TEXT},
        "canIssueTokens": _BOOLEAN,
        "disabled": _BOOLEAN,
        "rateLimit": _nullable({**_TEXT, "description": "For example `600/min`."}),
        "metadata": {"type": "object", "additionalProperties": _TEXT},
        "createdAt": _MOMENT,
        "createdBy": {**_TEXT, "description": "`admin`, or the public key of the creator."},
        "expiresAt": _nullable(_MOMENT),
        "lastUsedAt": _nullable(_MOMENT),
        "previousSecretExpiresAt": _nullable(_MOMENT),
    }


def _changeable() -> dict[str, Schema]:
    return {
        "name": _text(lengths.NAME, _NAME, "At least one character must be visible."),
        "scopes": {
            "type": "array",
            "maxItems": MAX_SCOPES,
            "items": {"type": "string", "maxLength": lengths.SCOPES, "pattern": f"^{_SCOPE}$"},
            "description": f"At most {lengths.SCOPES} characters in all. `keys:manage` cannot be "
            "given to a key.",
        },
        "expiresAt": _nullable({**_MOMENT, "description": "A moment in the future (RFC 3339)."}),
        "allowedIps": {
            "type": "array",
            "items": {"type": "string", "format": "ip-network"},
            "description": "Networks in CIDR notation. An empty list allows each address.",
        },
        "metadata": {
            "type": "object",
            "additionalProperties": {"type": "string", "pattern": r"^[^\u0000]*$"},
            "description": "At most 2048 bytes.",
        },
    }


def _rotation() -> dict[str, Schema]:
    return {
        "totSecretKey": _text(
            lengths.SECRET_KEY,
            _NOT_BLANK,
            "The current secret key. The creator of the key need not send it.",
        ),
        "graceSeconds": {
            "type": "integer",
            "minimum": 0,
            "maximum": _seconds(MAX_GRACE),
            "default": _seconds(DEFAULT_GRACE),
            "description": "The old secret works for so long. 0 ends it and all tokens at once.",
        },
        "revokeCreatedKeys": {
            "type": "boolean",
            "description": "By default true if `graceSeconds` is 0, otherwise false.",
        },
    }


def _oauth_bodies() -> dict[str, Schema]:
    client = {"client_id": _TEXT, "client_secret": _TEXT}
    scope = {"type": "string", "pattern": f"^({_SCOPE}( {_SCOPE})*)?$"}
    grant_type = {"type": "string", "enum": [GRANT_TYPE]}
    hint = {**_TEXT, "description": "Ignored."}
    token = {"token": {"type": "string", "minLength": 1}, "token_type_hint": hint}
    return {
        "TotOAuthTokenForm": _object(
            {"grant_type": grant_type, "scope": scope, **client}, ["grant_type"]
        ),
        "TotOAuthToken": _closed(
            {"access_token": _TEXT, "token_type": _BEARER, "expires_in": _INTEGER, "scope": _TEXT}
        ),
        "TotTokenToInspect": _object({**token, **client}, ["token"]),
        "TotActiveToken": _closed(
            {
                "active": {"type": "boolean", "enum": [True]},
                "token_type": _BEARER,
                "env": {"type": "string", "enum": list(KNOWN_ENVIRONMENTS)},
                **dict.fromkeys(("iat", "exp"), _INTEGER),
                **dict.fromkeys(_TEXT_CLAIMS, _TEXT),
            }
        ),
        "TotNothing": _closed({}),
        "TotInactiveToken": _closed({"active": {"type": "boolean", "enum": [False]}}),
    }


def _discovery_bodies() -> dict[str, Schema]:
    jwk = _object({"kty": _TEXT, "kid": _TEXT, "alg": _TEXT, "use": _TEXT}, ["kty", "kid"])
    urls = {name: {**_TEXT, "format": "uri"} for name in _URL_METADATA}
    lists = {name: {"type": "array", "items": _TEXT} for name in _LIST_METADATA}
    return {
        "TotJwks": _closed({"keys": {"type": "array", "items": jwk}}),
        "TotServerMetadata": _object({**urls, **lists}, ["issuer", "response_types_supported"]),
    }


def _object(properties: dict[str, Schema], required: list[str]) -> Schema:
    """Return an object that may have other members. OpenAPI 3.0 forbids an empty `required`."""
    schema: Schema = {"type": "object", "properties": properties}
    return {**schema, "required": required} if required else schema


def _closed(properties: dict[str, Schema], required: list[str] | None = None) -> Schema:
    """Return an object that has no other members, and by default all of these."""
    required = list(properties) if required is None else required
    return {**_object(properties, required), "additionalProperties": False}


def _text(longest: int, pattern: str, description: str) -> Schema:
    limits = {"minLength": 1, "maxLength": longest, "pattern": pattern}
    return {"type": "string", **limits, "description": description}


def _nullable(schema: Schema) -> Schema:
    if str(spectacular_settings.OAS_VERSION).startswith("3.0"):
        return {**schema, "nullable": True}
    return {**schema, "type": [schema["type"], "null"]}


def _seconds(duration: timedelta) -> int:
    return int(duration.total_seconds())
