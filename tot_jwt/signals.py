"""Signals for a host's own records and alerts. No argument ever holds a secret or a token.

`token_issued`
    public_key, app_domain, scopes (frozenset), jti, expires_at (NumericDate), address.
`exchange_rejected`
    reason (one of REJECTION_REASONS), public_key, address.
`access_refused`
    A token that does not verify, API keys sent directly, or a request to change keys.
    reason (one of REFUSAL_REASONS; for a token that was signed with our key but has wrong claims,
    ``claim_…`` or the name of PyJWT's exception), public_key and jti (the caller's; `""` for a
    token whose signature is wrong, because its claims are not trusted; jti is `""` for API keys),
    address. The sender is the exception's class.
`request_throttled`
    A request over a rate limit. limit (a code: requests_of_a_key, requests_of_a_domain,
    exchanges_of_a_key, key_changes_by_a_key, failures_of_an_address, failures_at_a_key,
    guesses_at_a_weak_secret), public_key, address.
`database_unavailable`
    The database did not respond: the client gets 503, and `has_perm` answers no. No arguments.
`key_event`
    event (a KeyEvent), after the commit of what it records.
`key_expiring`
    key (an ApiKey), days (the threshold, for example 14): its owner was told that it expires within
    this time. ``manage.py tot_jwt notify_expiring`` sends it once for each threshold.

A `public_key` that does not exist may be a misplaced secret. It is replaced by a hint: its first
characters and a keyed hash, ``pk_live_...#1f2e3d4c``.

All are sent with ``send_robust``: Django logs a receiver that fails, and the request goes on.
"""

from typing import Any

from django.dispatch import Signal

#: Why API keys are rejected, in an exchange or sent directly.
_REASONS_FOR_KEYS = (
    "unknown_key",
    "wrong_secret",
    "wrong_domain",
    "revoked",
    "disabled",
    "expired",
    "domain_suspended",
    "environment_not_served",
    "address_not_allowed",
)

#: Each `reason` of `exchange_rejected`.
REJECTION_REASONS = (*_REASONS_FOR_KEYS, "may_not_issue_tokens", "scope_not_held")

#: Each `reason` of `access_refused`, without those for the claims of our own tokens.
REFUSAL_REASONS = (
    *_REASONS_FOR_KEYS,
    # Tokens.
    "token_malformed",
    "bad_signature",
    "token_expired",
    "token_revoked",
    "old_generation",
    "claims_of_another_key",
    "issued_in_future",
    "too_deep",
    # The client authentication of the OAuth endpoints.
    "no_authentication",
    "unsupported_authentication",
    "malformed_authentication",
    # Clients whose credentials were right.
    "insufficient_scope",
    "no_user",
    "token_of_another_client",
    # Requests to change keys: the codes of the responses.
    "may_not_issue_tokens",
    "scopes_exceed_caller",
    "expiry_exceeds_caller",
    "addresses_exceed_caller",
    "key_exceeds_caller",
    "key_not_yours",
    "key_creation_not_allowed",
    "secret_required",
)


class RobustSignal(Signal):
    """A signal whose receivers change no response, even if the log of their failure fails."""

    def send_robust(self, sender: Any, **named: Any) -> list[tuple[Any, Any]]:
        """Send the signal. Never raises."""
        try:
            return super().send_robust(sender, **named)
        except Exception:  # a handler of the host failed while Django logged the receiver
            return []


token_issued = RobustSignal()
exchange_rejected = RobustSignal()
access_refused = RobustSignal()
request_throttled = RobustSignal()
database_unavailable = RobustSignal()
key_event = RobustSignal()
key_expiring = RobustSignal()
