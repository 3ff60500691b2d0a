"""Exchange API keys for a token: the client credentials grant of RFC 6749 §4.4."""

import logging
from dataclasses import dataclass, field

from django.views.decorators.debug import sensitive_variables

from tot_jwt.access import limits
from tot_jwt.access.decisions import Grant, grant_exchange
from tot_jwt.exceptions import InsufficientPermissions, InvalidCredentials
from tot_jwt.keys import state as key_state
from tot_jwt.keys import usage
from tot_jwt.keys.state import KeyState
from tot_jwt.rules.credentials import Credentials, loggable_key
from tot_jwt.signals import exchange_rejected, token_issued
from tot_jwt.tokens.token import ApiToken
from tot_jwt.utils.logs import one_line

logger = logging.getLogger("tot_jwt")


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A new token for the client. `expires_in` is in seconds, `expires_at` a NumericDate."""

    raw: str = field(repr=False)
    expires_in: int
    expires_at: int


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
        _report_rejection(credentials, rejection.reason, address)
        if isinstance(rejection, InvalidCredentials):
            limits.count_failure(credentials.public_key, address)
        raise
    limits.count_exchange(grant.state.public_key)
    usage.secret_used(credentials.secret, grant.state)
    return _issue(grant, address)


@sensitive_variables()
def _issue(grant: Grant, address: str) -> IssuedToken:
    state, scopes = grant
    raw, token = ApiToken.issue(
        public_key=state.public_key,
        app_domain=state.app_domain,
        environment=state.environment,
        generation=state.generation,
        scope=scopes,
    )
    address_text = one_line(address)
    logger.info(
        "Token issued: key=%s jti=%s address=%s", state.public_key, token["jti"], address_text
    )
    token_issued.send_robust(
        sender=ApiToken,
        public_key=state.public_key,
        app_domain=state.app_domain,
        scopes=scopes,
        jti=token["jti"],
        expires_at=token["exp"],
        address=address,
    )
    return IssuedToken(raw, token["exp"] - token["iat"], token["exp"])


def _report_rejection(credentials: Credentials, reason: str, address: str) -> None:
    public_key = loggable_key(credentials.public_key)
    logger.warning(
        "Exchange rejected: reason=%s key=%s address=%s",
        reason,
        one_line(public_key),
        one_line(address),
    )
    exchange_rejected.send_robust(
        sender=ApiToken, reason=reason, public_key=public_key, address=address
    )
