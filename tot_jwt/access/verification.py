"""Verify a token or API keys: return the client that presented them."""

from collections.abc import Callable

from tot_jwt.access import limits
from tot_jwt.access.decisions import Grant, grant_keys, grant_token
from tot_jwt.exceptions import InvalidCredentials, TotJWTError
from tot_jwt.keys import state as key_state
from tot_jwt.keys import usage
from tot_jwt.keys.state import KeyState
from tot_jwt.principal import ApiClient, ApiKeyAuth
from tot_jwt.rules.credentials import Credentials
from tot_jwt.tokens.backend import backend
from tot_jwt.tokens.memory import TokenMemory
from tot_jwt.tokens.token import TOKEN_TYPE, ApiToken, unverified_token_type

#: Returns what is granted on a state, or raises.
Rule = Callable[[KeyState | None], Grant]


def verify_token(raw: str, *, address: str) -> tuple[ApiClient, ApiToken]:
    """Return the client of a token, and the token.

    A string is verified once and cached. The token's expiry and its key are checked at each use.
    Raises MalformedToken, InvalidToken, ExpiredToken, RevokedToken, InsufficientPermissions,
    ServiceUnavailable.
    """
    memory = backend().verified
    token = memory.get(raw)
    if token is None:
        return _verify_new(raw, memory, address)
    return _client_of(token, address), token


def verify_own_token(raw: str, *, address: str) -> tuple[ApiClient, ApiToken] | None:
    """Verify as `verify_token` does, but return None for what is not a JWT of our type.

    The unverified type only routes the token; it is not trusted.
    """
    # Not built on verify_token: the call would cost every request 4 microseconds.
    memory = backend().verified
    token = memory.get(raw)
    if token is not None:
        return _client_of(token, address), token
    if unverified_token_type(raw) != TOKEN_TYPE:
        return None
    return _verify_new(raw, memory, address)


def verify_keys(credentials: Credentials, *, address: str) -> tuple[ApiClient, ApiKeyAuth]:
    """Return the client of API keys, and the key's description.

    Raises InvalidCredentials, InsufficientPermissions, TooManyRequests, ServiceUnavailable.
    """

    def rule(state: KeyState | None) -> Grant:
        return grant_keys(credentials, state, address)

    try:
        client, state = _client(credentials.public_key, rule)
    except InvalidCredentials:
        limits.count_failure(credentials.public_key, address)
        raise
    usage.secret_used(credentials.secret, state)
    return client, ApiKeyAuth(client.pk, client.app_domain, client.environment)


def _verify_new(
    raw: str, memory: TokenMemory[ApiToken], address: str
) -> tuple[ApiClient, ApiToken]:
    token = ApiToken(raw)
    client = _client_of(token, address)
    memory.put(raw, token.public_key, token)
    return client, token


def _client_of(token: ApiToken, address: str) -> ApiClient:
    token.check_exp()

    def rule(state: KeyState | None) -> Grant:
        return grant_token(token, state, address)

    client, _ = _client(token.public_key, rule)
    usage.key_used(client.pk)
    return client


def _client(public_key: str, rule: Rule) -> tuple[ApiClient, KeyState]:
    """Return the client with the scopes that the rule grants, and the key's state."""
    (state, scopes), is_fresh = key_state.decide(public_key, rule)
    confirm = None if is_fresh else _Confirmation(public_key, rule)
    client = ApiClient(state.public_key, state.app_domain, state.environment, scopes, confirm)
    return client, state


class _Confirmation:
    """The scopes that the client has now, read from the database once; none if the rule rejects.

    Raises ServiceUnavailable.
    """

    # A class, because a closure with the same memory would cost every request more.
    __slots__ = ("_answer", "_public_key", "_rule")

    def __init__(self, public_key: str, rule: Rule) -> None:
        self._public_key, self._rule = public_key, rule
        self._answer: frozenset[str] | None = None

    def __call__(self) -> frozenset[str]:
        if self._answer is None:
            state = key_state.load(self._public_key)
            try:
                self._answer = self._rule(state).scopes
            except TotJWTError:
                self._answer = frozenset()
        return self._answer
