"""Signals for a host's own records and alerts. No argument ever holds a secret or a token.

`token_issued`
    public_key, app_domain, scopes (frozenset), jti, expires_at (NumericDate), address.
`exchange_rejected`
    reason (a code: unknown_key, wrong_secret, wrong_domain, revoked, disabled, expired,
    may_not_issue_tokens, domain_suspended, address_not_allowed, scope_not_held),
    public_key, address.
`access_refused`
    A token that does not verify, API keys sent directly, or a request to change keys.
    reason (a code: for a token bad_signature, token_malformed, token_expired, old_generation and
    others; for API keys those above; for a change of keys the response's `code`),
    public_key and jti (the caller's; `""` for a token whose signature is wrong, because its claims
    are not trusted; jti is `""` for API keys), address. The sender is the exception's class.
`key_event`
    event (a KeyEvent), after the commit of what it records.
`key_expiring`
    key (an ApiKey), days (the threshold, for example 14): its owner was told that it expires within
    this time. ``manage.py tot_jwt notify_expiring`` sends it once for each threshold.

`request_throttled`
    A request over a rate limit. limit (a code: requests_of_a_key, requests_of_a_domain,
    exchanges_of_a_key, key_changes_by_a_key, failures_of_an_address, failures_at_a_key,
    guesses_at_a_weak_secret), public_key, address (`""` if the limit does not depend on it).
`database_unavailable`
    A request got 503, because the database did not respond. No further arguments.

A `public_key` that does not exist may be a misplaced secret. It is replaced by a hint: its first
characters and a keyed hash, ``pk_live_...#1f2e3d4c``.

All are sent with ``send_robust``: Django logs a receiver that fails, and the request goes on.
"""

from typing import Any

from django.dispatch import Signal


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
