"""Who may do what: exchange, verification, rate limits, and what tokens may do to keys."""

from tot_jwt.access.asynchronous import ahas_scope, averify_keys, averify_token
from tot_jwt.access.requests import averify_request, verify_request
from tot_jwt.access.verification import verify_keys, verify_token

__all__ = [
    "ahas_scope",
    "averify_keys",
    "averify_request",
    "averify_token",
    "verify_keys",
    "verify_request",
    "verify_token",
]
