"""TODO"""

from tot_jwt.exceptions import (
    InsufficientPermissions,
    InvalidCredentials,
    InvalidToken,
    RevokedToken,
)
from tot_jwt.keys.state import KeyState
from tot_jwt.rules import domains, networks
from tot_jwt.rules.credentials import NO_SECRET, Credentials
from tot_jwt.rules.status import previous_secret_is_live, status_of
from tot_jwt.tokens.token import ApiToken


def check_token(token: ApiToken, state: KeyState | None) -> KeyState:
    """The state of its key, if the token counts in it. Raises RevokedToken, InvalidToken."""
    if state is None:
        raise RevokedToken("unknown_key")
    claims = token.payload
    if claims["appDomain"] != state.app_domain or claims["env"] != state.environment:
        raise InvalidToken("claims_of_another_key")
    if claims["ver"] != state.generation:
        raise RevokedToken("old_generation")
    status = status_of(state)
    if not status.is_usable:
        raise RevokedToken(status.value)
    if state.domain_suspended_at is not None:
        raise RevokedToken("domain_suspended")
    return state


def check_credentials(credentials: Credentials, state: KeyState | None, address: str) -> KeyState:
    """The state, if the credentials are right and count in it. Raises InvalidCredentials, InsufficientPermissions.

    The secret is compared whatever else is wrong, and nothing but "invalid" is said before it matched.
    """
    matches = _secret_matches(credentials, state)
    if state is None:
        raise InvalidCredentials("unknown_key")
    if not matches:
        raise InvalidCredentials("wrong_secret")
    if domains.canonical(credentials.app_domain) != state.app_domain:
        raise InvalidCredentials("wrong_domain")
    status = status_of(state)
    if not status.is_usable:
        raise InvalidCredentials(status.value)
    if state.domain_suspended_at is not None:
        raise InsufficientPermissions("domain_suspended")
    _check_address(state, address)
    return state


def _secret_matches(credentials: Credentials, state: KeyState | None) -> bool:
    if state is None:
        return credentials.secret.matches(NO_SECRET)
    if credentials.secret.matches(state.secret_hash):
        return True
    return previous_secret_is_live(state) and credentials.secret.matches(state.previous_secret_hash)


def _check_address(state: KeyState, address: str) -> None:
    if not networks.is_allowed(address, state.allowed_ips):
        raise InsufficientPermissions("address_not_allowed")
