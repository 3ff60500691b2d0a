"""Who may do what: exchange, verification, rate limits, and what tokens may do to keys."""

from tot_jwt.access.verification import verify_keys, verify_token

__all__ = ["verify_keys", "verify_token"]
