"""Authentication for programs that call an API. Needs neither Django nor the rest of tot-jwt.

`tot_jwt.client.httpx` and `tot_jwt.client.requests` have one class each: `TokenAuth`.
"""

from tot_jwt.client.exceptions import (
    InsufficientPermissions,
    InvalidCredentials,
    InvalidRequest,
    OriginNotAllowed,
    TokenError,
    TooManyRequests,
    Unavailable,
    UnexpectedAnswer,
)

__all__ = [
    "InsufficientPermissions",
    "InvalidCredentials",
    "InvalidRequest",
    "OriginNotAllowed",
    "TokenError",
    "TooManyRequests",
    "Unavailable",
    "UnexpectedAnswer",
]
