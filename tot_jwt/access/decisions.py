"""Decide whether a token or API keys are valid on a key's state, and which scopes they grant."""

from typing import NamedTuple

from tot_jwt.exceptions import (
    InsufficientPermissions,
    InvalidCredentials,
    InvalidToken,
    RevokedToken,
)
from tot_jwt.keys.state import KeyState
from tot_jwt.rules import domains, networks, scopes
from tot_jwt.rules.credentials import NO_SECRET, Credentials
from tot_jwt.rules.status import USABLE, is_in_grace, status_of
from tot_jwt.tokens.token import ApiToken


class Grant(NamedTuple):
    """The scopes granted on a key's state."""

    state: KeyState
    scopes: frozenset[str]


def grant_token(token: ApiToken, state: KeyState | None, address: str) -> Grant:
    """Return the scopes that both the token and its key's state have.

    Raises RevokedToken, InvalidToken; InsufficientPermissions for the address.
    """
    live = check_token(token, state)
    _check_address(live, address)
    return Grant(live, token.scopes & scopes.token_scopes(live.scopes))


def grant_keys(credentials: Credentials, state: KeyState | None, address: str) -> Grant:
    """Return the scopes of direct API keys. `keys:manage` is never among them.

    Raises InvalidCredentials, InsufficientPermissions.
    """
    live = check_credentials(credentials, state, address)
    return Grant(live, live.scopes - {scopes.KEYS_MANAGE})


def grant_exchange(
    credentials: Credentials,
    requested: frozenset[str] | None,
    state: KeyState | None,
    address: str,
) -> Grant:
    """Return the scopes of a new token: those requested, or all that the key has.

    Raises InvalidCredentials, InsufficientPermissions.
    """
    live = check_credentials(credentials, state, address)
    if not live.can_issue_tokens:
        raise InsufficientPermissions("may_not_issue_tokens")
    available = scopes.token_scopes(live.scopes)
    if requested is not None and not requested <= available:
        raise InsufficientPermissions("scope_not_held")
    return Grant(live, available if requested is None else requested)


def check_token(token: ApiToken, state: KeyState | None) -> KeyState:
    """Return the key's state if it still allows the token.

    Raises RevokedToken, InvalidToken.
    """
    if state is None:
        raise RevokedToken("unknown_key")
    claims = token.payload
    if claims["appDomain"] != state.app_domain or claims["env"] != state.environment:
        raise InvalidToken("claims_of_another_key")
    if claims["ver"] != state.generation:
        raise RevokedToken("old_generation")
    status = status_of(state)
    if status not in USABLE:
        raise RevokedToken(status.value)
    if state.domain_suspended_at is not None:
        raise RevokedToken("domain_suspended")
    return state


def check_credentials(credentials: Credentials, state: KeyState | None, address: str) -> KeyState:
    """Return the state if it allows the credentials.

    The secret is always compared, so that rejections take the same time. An unknown key, a wrong
    secret, a wrong domain and an unusable key look the same to the client.
    Raises InvalidCredentials, InsufficientPermissions.
    """
    matches = _secret_matches(credentials, state)
    if state is None:
        raise InvalidCredentials("unknown_key")
    if not matches:
        raise InvalidCredentials("wrong_secret")
    if domains.canonical(credentials.app_domain) != state.app_domain:
        raise InvalidCredentials("wrong_domain")
    status = status_of(state)
    if status not in USABLE:
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
    return is_in_grace(state) and credentials.secret.matches(state.previous_secret_hash)


def _check_address(state: KeyState, address: str) -> None:
    if not networks.is_allowed(address, state.allowed_ips):
        raise InsufficientPermissions("address_not_allowed")
