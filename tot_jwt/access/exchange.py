"""From API keys to a token: RFC 6749 §4.4, the client credentials grant, in the words of the contract."""

import logging
from dataclasses import dataclass, field

from tot_jwt.access import limits
from tot_jwt.access.decisions import check_credentials
from tot_jwt.exceptions import InsufficientPermissions, InvalidCredentials
from tot_jwt.keys import state as key_state
from tot_jwt.keys import usage
from tot_jwt.keys.state import KeyState
from tot_jwt.rules import scopes
from tot_jwt.rules.credentials import Credentials
from tot_jwt.signals import exchange_rejected, token_issued
from tot_jwt.tokens.token import ApiToken
from tot_jwt.utils.logs import key_id, one_line

logger = logging.getLogger("tot_jwt")


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A signed token, once, for the client that asked; `expires_in` in seconds, `expires_at` a NumericDate."""

    raw: str = field(repr=False)
    expires_in: int
    expires_at: int


def exchange(
    credentials: Credentials, requested: frozenset[str] | None, *, address: str
) -> IssuedToken:
    """A token with all that the key holds, or with exactly the scopes requested.

    Raises InvalidCredentials, InsufficientPermissions, TooManyRequests, ServiceUnavailable.
    """

    def verdict(state: KeyState | None) -> tuple[KeyState, frozenset[str]]:
        live = check_credentials(credentials, state, address)
        if not live.can_issue_tokens:
            raise InsufficientPermissions("may_not_issue_tokens")
        held = scopes.token_scopes(live.scopes)
        if requested is not None and not requested <= held:
            raise InsufficientPermissions("scope_not_held")
        return live, held if requested is None else requested

    try:
        (state, scope), _ = key_state.decide(credentials.public_key, verdict)
    except (InvalidCredentials, InsufficientPermissions) as rejection:
        _tell_rejected(credentials, rejection.reason, address)
        if isinstance(rejection, InvalidCredentials):
            limits.count_failure(credentials.public_key, address)
        raise
    limits.count_exchange(state.public_key)
    usage.secret_used(credentials.secret, state)
    return _issue(state, scope, address)


def _issue(state: KeyState, scope: frozenset[str], address: str) -> IssuedToken:
    raw, token = ApiToken.issue(
        public_key=state.public_key,
        app_domain=state.app_domain,
        environment=state.environment,
        generation=state.generation,
        scope=scope,
    )
    logger.info(
        "Token issued: key=%s jti=%s address=%s", state.public_key, token["jti"], one_line(address)
    )
    token_issued.send_robust(
        sender=ApiToken,
        public_key=state.public_key,
        app_domain=state.app_domain,
        scopes=scope,
        jti=token["jti"],
        expires_at=token["exp"],
        address=address,
    )
    return IssuedToken(raw, token["exp"] - token["iat"], token["exp"])


def _tell_rejected(credentials: Credentials, reason: str, address: str) -> None:
    public_key = key_id(credentials.public_key)
    logger.warning(
        "Exchange rejected: reason=%s key=%s address=%s",
        reason,
        one_line(public_key),
        one_line(address),
    )
    exchange_rejected.send_robust(
        sender=ApiToken, reason=reason, public_key=public_key, address=address
    )
