"""From a token, or from API keys, to the client that presented them."""

from collections.abc import Callable

from tot_jwt.access import limits
from tot_jwt.access.decisions import _check_address, check_credentials, check_token
from tot_jwt.exceptions import (
    InvalidCredentials,
    TotJWTError,
)
from tot_jwt.keys import state as key_state
from tot_jwt.keys import usage
from tot_jwt.keys.state import KeyState
from tot_jwt.principal import ApiClient, ApiKeyAuth
from tot_jwt.rules import scopes
from tot_jwt.rules.credentials import Credentials
from tot_jwt.tokens.backend import backend
from tot_jwt.tokens.memory import TokenMemory
from tot_jwt.tokens.token import TOKEN_TYPE, ApiToken, unverified_token_type

#: A key's state and the scopes that count in it.
Rights = tuple[KeyState, frozenset[str]]


#: Grants rights in a state, or raises.
RightsRule = Callable[[KeyState | None], Rights]


def verify_token(raw: str, *, address: str) -> tuple[ApiClient, ApiToken]:
    """The client that a token stands for, and the token.

    The string is verified once and remembered; the token's expiry and its key are looked at each time.
    Raises MalformedToken, InvalidToken, ExpiredToken, RevokedToken, InsufficientPermissions, ServiceUnavailable.
    """
    memory = backend().verified
    token = memory.get(raw)
    return (
        _verify_new(raw, memory, address) if token is None else (_client_of(token, address), token)
    )


def verify_own_token(raw: str, *, address: str) -> tuple[ApiClient, ApiToken] | None:
    """The same, but None for what is no token of ours: an opaque one, or a JWT of another type.

    The type that an unverified token claims only routes it; it is not trusted.
    """
    memory = backend().verified
    token = memory.get(raw)
    if token is not None:
        return _client_of(token, address), token
    return _verify_new(raw, memory, address) if unverified_token_type(raw) == TOKEN_TYPE else None


def _verify_new(
    raw: str, memory: TokenMemory[ApiToken], address: str
) -> tuple[ApiClient, ApiToken]:
    token = ApiToken(raw)
    client = _client_of(token, address)
    memory.put(raw, token.public_key, token)
    return client, token


def _client_of(token: ApiToken, address: str) -> ApiClient:
    token.check_exp()

    def rights(state: KeyState | None) -> Rights:
        live = check_token(token, state)
        _check_address(live, address)
        return live, token.scopes & scopes.token_scopes(live.scopes)

    client, _ = _client(token.public_key, rights)
    usage.key_used(client.pk)
    return client


def verify_keys(credentials: Credentials, *, address: str) -> tuple[ApiClient, ApiKeyAuth]:
    """The client that API keys stand for, and the key's description.

    Raises InvalidCredentials, InsufficientPermissions, TooManyRequests, ServiceUnavailable.
    """

    def rights(state: KeyState | None) -> Rights:
        live = check_credentials(credentials, state, address)
        return live, live.scopes - {scopes.KEYS_MANAGE}

    try:
        client, state = _client(credentials.public_key, rights)
    except InvalidCredentials:
        limits.count_failure(credentials.public_key, address)
        raise
    usage.secret_used(credentials.secret, state)
    return client, ApiKeyAuth(client.pk, client.app_domain, client.environment)


def _client(public_key: str, rights: RightsRule) -> tuple[ApiClient, KeyState]:
    """The client of the key, with what `rights` grants in its state, and the state."""
    (state, scope), is_fresh = key_state.decide(public_key, rights)
    confirm = None if is_fresh else _Confirmation(public_key, rights)
    return ApiClient(state.public_key, state.app_domain, state.environment, scope, confirm), state


class _Confirmation:
    """Asks the database once what a client's rights are now; none where it is refused altogether.

    Raises ServiceUnavailable.
    """

    __slots__ = ("_answer", "_public_key", "_rights")

    def __init__(self, public_key: str, rights: RightsRule) -> None:
        self._public_key, self._rights = public_key, rights
        self._answer: frozenset[str] | None = None

    def __call__(self) -> frozenset[str]:
        if self._answer is None:
            state = key_state.load(self._public_key)
            try:
                _, self._answer = self._rights(state)
            except TotJWTError:
                self._answer = frozenset()
        return self._answer
