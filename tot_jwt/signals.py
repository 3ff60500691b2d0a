"""Signals for a host's own records and alerts. No argument ever holds a secret or a token.

`token_issued`
    public_key, app_domain, scopes (frozenset), jti, expires_at (NumericDate), address.
`exchange_rejected`
    reason (a code: unknown_key, wrong_secret, wrong_domain, revoked, disabled, expired,
    may_not_issue_tokens, domain_suspended, address_not_allowed, scope_not_held),
    public_key (as the client sent it, unless it looks like a secret key), address.
`key_event`
    event (a KeyEvent), after the commit of what it records.

All are sent with ``send_robust``: Django logs a receiver that fails, and the request goes on.
"""

from django.dispatch import Signal

token_issued = Signal()
exchange_rejected = Signal()
key_event = Signal()
