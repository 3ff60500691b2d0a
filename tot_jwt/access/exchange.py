"""Exchange API keys for a token: the client credentials grant of RFC 6749 §4.4."""

import logging
from dataclasses import dataclass, field

from django.views.decorators.debug import sensitive_variables

from tot_jwt.access import limits, refusals
from tot_jwt.access.decisions import Grant, grant_exchange
from tot_jwt.exceptions import InsufficientPermissions, InvalidCredentials, TooManyRequests
from tot_jwt.keys import hashes, usage
from tot_jwt.keys import state as key_state
from tot_jwt.keys.loading import KeyState
from tot_jwt.principal import ApiClient
from tot_jwt.rules.credentials import Credentials
from tot_jwt.signals import exchange_rejected, token_issued
from tot_jwt.tokens.token import ApiToken
from tot_jwt.utils.logs import log_fields

_ISSUED = "Token issued: key=%(public_key)s jti=%(jti)s address=%(address)s"
_REJECTED = "Exchange rejected: reason=%(reason)s key=%(public_key)s address=%(address)s"


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A new token for the client. `expires_in` is in seconds, `expires_at` a NumericDate."""

    raw: str = field(repr=False)
    expires_in: int
    expires_at: int
    scopes: frozenset[str]


def exchange(
    credentials: Credentials, requested: frozenset[str] | None, *, address: str
) -> IssuedToken:
    """Issue a token with the requested scopes, or with all that the key has.

    Raises InvalidCredentials, InsufficientPermissions, TooManyRequests, ServiceUnavailable.
    """

    def rule(state: KeyState | None) -> Grant:
        return grant_exchange(credentials, requested, state, address)

    try:
        grant, _ = key_state.decide(credentials.public_key, rule)
    except (InvalidCredentials, InsufficientPermissions) as rejection:
        shown_key = refusals.shown_key(credentials.public_key, rejection)
        _report_rejection(rejection.reason, shown_key, address)
        if isinstance(rejection, InvalidCredentials):
            limits.count_failure(credentials.public_key, address, shown_key=shown_key)
        raise
    try:
        limits.count_exchange(grant.state.public_key, address)
    except TooManyRequests:
        usage.use_refused(grant.state.public_key)
        raise
    usage.secret_used(credentials.secret, grant.state)
    hashes.upgrade(credentials.secret, grant.state)
    return _issue(grant, address)


@sensitive_variables()
def _issue(grant: Grant, address: str) -> IssuedToken:
    state, scopes = grant
    client = ApiClient(
        state.public_key,
        state.app_domain,
        state.app_domain_id,
        state.environment,
        scopes,
        rate_limit=state.rate_limit,
        domain_rate_limit=state.domain_rate_limit,
    )
    raw, token = ApiToken.issue(client, generation=state.generation)
    fields = {"public_key": state.public_key, "jti": token["jti"], "address": address}
    log_fields(logging.INFO, _ISSUED, fields)
    token_issued.send_robust(
        ApiToken,
        app_domain=state.app_domain,
        scopes=scopes,
        expires_at=token["exp"],
        **fields,
    )
    return IssuedToken(raw, token["exp"] - token["iat"], token["exp"], scopes)


def _report_rejection(reason: str, public_key: str, address: str) -> None:
    fields = {"reason": reason, "public_key": public_key, "address": address}
    log_fields(logging.WARNING, _REJECTED, fields)
    exchange_rejected.send_robust(ApiToken, **fields)
