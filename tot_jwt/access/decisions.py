"""Decide whether a token or API keys are valid on a key's state, and which scopes they grant."""

from typing import NamedTuple

from tot_jwt.access.guesses import secret_matches
from tot_jwt.conf import settings
from tot_jwt.exceptions import (
    InsufficientPermissions,
    InvalidCredentials,
    InvalidToken,
    RevokedToken,
)
from tot_jwt.keys.loading import KeyState
from tot_jwt.keys.tokens import is_revoked
from tot_jwt.rules import domains, networks, scopes
from tot_jwt.rules.credentials import Credentials
from tot_jwt.rules.hashes import NO_SECRET
from tot_jwt.rules.status import USABLE, KeyStatus, is_in_grace, status_of
from tot_jwt.tokens.token import ApiToken

#: The reason why a key of a suspended domain is rejected.
DOMAIN_SUSPENDED = "domain_suspended"


class Grant(NamedTuple):
    """The scopes granted on a key's state."""

    state: KeyState
    scopes: frozenset[str]


def grant_token(token: ApiToken, state: KeyState | None, address: str) -> Grant:
    """Return the scopes that both the token and its key's state have.

    Raises RevokedToken, InvalidToken; InsufficientPermissions for the address.
    """
    grant = grant_anywhere(token, state)
    _check_address(grant.state, address)
    return grant


def grant_anywhere(token: ApiToken, state: KeyState | None) -> Grant:
    """Return the scopes that the token has at any address that its key allows.

    Raises RevokedToken, InvalidToken; InsufficientPermissions for the environment.
    """
    live = check_token(token, state)
    _check_environment(live)
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

    Raises RevokedToken, InvalidToken, ServiceUnavailable.
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
        is_suspended = status is KeyStatus.SUSPENDED
        raise RevokedToken(DOMAIN_SUSPENDED if is_suspended else status.value)
    if state.has_revoked_tokens and is_revoked(token):
        raise RevokedToken("token_revoked")
    return state


def check_credentials(credentials: Credentials, state: KeyState | None, address: str) -> KeyState:
    """Return the state if it allows the credentials.

    The secret is always compared, so that rejections take the same time. An unknown key, a wrong
    secret, a wrong domain and an unusable key look the same to the client.
    Raises InvalidCredentials, InsufficientPermissions; TooManyRequests if a weak secret may not be
    compared.
    """
    matches = _secret_matches(credentials, state, address)
    if state is None:
        raise InvalidCredentials("unknown_key")
    if not matches:
        raise InvalidCredentials("wrong_secret")
    domain = credentials.app_domain
    if domain is not None and not state.is_called(domains.canonical(domain)):
        raise InvalidCredentials("wrong_domain")
    status = status_of(state)
    if status is KeyStatus.SUSPENDED:
        raise InsufficientPermissions(DOMAIN_SUSPENDED)
    if status not in USABLE:
        raise InvalidCredentials(status.value)
    _check_environment(state)
    _check_address(state, address)
    return state


def _secret_matches(credentials: Credentials, state: KeyState | None, address: str) -> bool:
    secret = credentials.secret
    if state is None:
        return secret.matches(NO_SECRET)
    if secret_matches(secret, state.public_key, state.secret_hash, address=address):
        return True
    return is_in_grace(state) and secret_matches(
        secret, state.public_key, state.previous_secret_hash, address=address
    )


def may_be_used(state: KeyState, address: str) -> bool:
    """Return whether the key's environment is served here, and all its lists have the address."""
    if state.environment not in settings.ENVIRONMENTS:
        return False
    return not state.allowed_ips or _is_allowed(state, address)


def _check_environment(state: KeyState) -> None:
    if state.environment not in settings.ENVIRONMENTS:
        raise InsufficientPermissions("environment_not_served")


def _check_address(state: KeyState, address: str) -> None:
    if not _is_allowed(state, address):
        raise InsufficientPermissions("address_not_allowed")


def _is_allowed(state: KeyState, address: str) -> bool:
    return all(networks.is_allowed(address, allowed_ips) for allowed_ips in state.allowed_ips)
