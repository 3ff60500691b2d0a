"""From a token, or from API keys, to the client that presented them."""

from collections.abc import Callable

from tot_jwt import addresses, domains, key_state, scopes, throttling, usage
from tot_jwt.credentials import NO_SECRET, Credentials
from tot_jwt.exceptions import (
    InsufficientPermissions,
    InvalidCredentials,
    InvalidToken,
    RevokedToken,
    TotJWTError,
)
from tot_jwt.key_state import KeyState
from tot_jwt.principal import ApiClient, ApiKeyAuth
from tot_jwt.signing import backend
from tot_jwt.status import previous_secret_is_live, status_of
from tot_jwt.token_memory import TokenMemory
from tot_jwt.tokens import TOKEN_TYPE, ApiToken, unverified_token_type

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
    return _verify_new(raw, memory, address) if token is None else (_client_of(token, address), token)


def verify_own_token(raw: str, *, address: str) -> tuple[ApiClient, ApiToken] | None:
    """The same, but None for what is no token of ours: an opaque one, or a JWT of another type.

    The type that an unverified token claims only routes it; it is not trusted.
    """
    memory = backend().verified
    token = memory.get(raw)
    if token is not None:
        return _client_of(token, address), token
    return _verify_new(raw, memory, address) if unverified_token_type(raw) == TOKEN_TYPE else None


def _verify_new(raw: str, memory: TokenMemory[ApiToken], address: str) -> tuple[ApiClient, ApiToken]:
    token = ApiToken(raw)
    client = _client_of(token, address)
    memory.put(raw, token.public_key, token)
    return client, token


def _client_of(token: ApiToken, address: str) -> ApiClient:
    token.check_exp()

    def rights(state: KeyState | None) -> Rights:
        live = check_token(token, state)
        _check_address(live, address)
        return live, token.scopes & scopes.held(live.scopes)

    client, _ = _client(token.public_key, rights)
    usage.key_used(client.pk)
    return client


def verify_keys(credentials: Credentials, *, address: str) -> tuple[ApiClient, ApiKeyAuth]:
    """The client that API keys stand for, and the key's description.

    Raises InvalidCredentials, InsufficientPermissions, Throttled, ServiceUnavailable.
    """

    def rights(state: KeyState | None) -> Rights:
        live = check_credentials(credentials, state, address)
        return live, live.scopes - {scopes.KEYS_MANAGE}

    try:
        client, state = _client(credentials.public_key, rights)
    except InvalidCredentials:
        throttling.count_failure(credentials.public_key, address)
        raise
    usage.secret_used(credentials.secret, state)
    return client, ApiKeyAuth(client.pk, client.app_domain, client.environment)


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
    if not addresses.is_allowed(address, state.allowed_ips):
        raise InsufficientPermissions("address_not_allowed")


def _client(public_key: str, rights: RightsRule) -> tuple[ApiClient, KeyState]:
    """The client of the key, with what `rights` grants in its state, and the state."""
    (state, scope), is_fresh = key_state.granted(public_key, rights)
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
