"""Examples of bodies, by the names of their components.

No secret scanner takes their keys and tokens for real ones.
"""

from typing import Any

_PUBLIC_KEY = "pk_test_abc123..."
_SECRET_KEY = "sk_test_xyz789..."  # noqa: S105 - not a secret
_TOKEN = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9..."  # noqa: S105 - not a token
_CREDENTIALS = {
    "appDomain": "myapp.com",
    "totApiKey": _PUBLIC_KEY,
    "totSecretKey": _SECRET_KEY,
}
_KEY = {
    "totApiKey": "pk_test_def456...",
    "appDomain": "myapp.com",
    "environment": "test",
    "name": "Nightly export",
    "scopes": ["orders:read"],
    "status": "active",
    "secretHint": "9Yz2",
    "allowedIps": ["192.0.2.0/24"],
    "canIssueTokens": True,
    "disabled": False,
    "rateLimit": "600/min",
    "metadata": {"team": "logistics"},
    "createdAt": "2025-10-29T18:23:22.000Z",
    "createdBy": _PUBLIC_KEY,
    "expiresAt": "2026-01-27T18:23:22.000Z",
    "lastUsedAt": None,
    "previousSecretExpiresAt": None,
}
_NEW_KEY = {**_KEY, "totSecretKey": "sk_test_uvw456..."}

EXAMPLES: dict[str, Any] = {
    "TotTokenRequest": _CREDENTIALS,
    "TotTokenForm": _CREDENTIALS,
    "TotToken": {
        "token": _TOKEN,
        "tokenType": "Bearer",
        "expiresIn": 900,
        "expiresAt": "2025-10-29T18:38:22.000Z",
    },
    "TotVerifiedToken": {
        "valid": True,
        "appDomain": "myapp.com",
        "issuedAt": "2025-10-29T18:23:22.000Z",
        "expiresAt": "2025-10-29T18:38:22.000Z",
    },
    "TotApiKey": _KEY,
    "TotNewApiKey": _NEW_KEY,
    "TotApiKeyPage": {"count": 1, "next": None, "previous": None, "results": [_KEY]},
    "TotApiKeyCreation": {"name": "Nightly export", "scopes": ["orders:read"]},
    "TotApiKeyChange": {"name": "Nightly export", "disabled": True},
    "TotApiKeyRotation": {"totSecretKey": _SECRET_KEY, "graceSeconds": 86400},
    "TotApiKeyUsage": {
        "totApiKey": "pk_test_def456...",
        "interval": "hour",
        "results": [{"at": "2025-10-29T18:00:00.000Z", "accepted": 120, "refused": 2}],
    },
    "TotOAuthTokenForm": {
        "grant_type": "client_credentials",
        "client_id": _PUBLIC_KEY,
        "client_secret": _SECRET_KEY,
    },
    "TotOAuthToken": {
        "access_token": _TOKEN,
        "token_type": "Bearer",
        "expires_in": 900,
        "scope": "keys:manage orders:read",
    },
    "TotTokenToInspect": {"token": _TOKEN},
    "TotActiveToken": {
        "active": True,
        "scope": "keys:manage orders:read",
        "token_type": "Bearer",
        "client_id": _PUBLIC_KEY,
        "sub": _PUBLIC_KEY,
        "aud": "tot-jwt-api",
        "iss": "https://api.myapp.com",
        "iat": 1761762202,
        "exp": 1761763102,
        "jti": "0c3b1a6e5f7d4e0f8a9b2c4d6e8f0a1b",
        "appDomain": "myapp.com",
        "env": "test",
    },
    "TotInactiveToken": {"active": False},
}
