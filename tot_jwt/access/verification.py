"""Verify a token or API keys: return the client that presented them."""

from collections.abc import Callable
from weakref import ref

from tot_jwt.access import limits, refusals
from tot_jwt.access.decisions import Grant, grant_keys, grant_token, may_be_used
from tot_jwt.conf import settings
from tot_jwt.exceptions import (
    ExpiredToken,
    InsufficientPermissions,
    InvalidCredentials,
    InvalidToken,
    TotJWTError,
)
from tot_jwt.keys import hashes, usage
from tot_jwt.keys import state as key_state
from tot_jwt.keys.counts import INTERVAL, Counter
from tot_jwt.keys.loading import KeyState, load
from tot_jwt.principal import ApiClient, ApiKeyAuth
from tot_jwt.rules.credentials import Credentials
from tot_jwt.tokens.backend import backend
from tot_jwt.tokens.memory import TokenMemory, entry_size
from tot_jwt.tokens.token import TOKEN_TYPE, ApiToken, unverified_token_type
from tot_jwt.utils import clock

#: Returns what is granted on a state, or raises.
Rule = Callable[[KeyState | None], Grant]


#: The state, which only the cache keeps alive; the scopes; the NumericDate at which the grant ends;
#: the value of TOKENS_MANAGE_KEYS; and what counts the uses of the key.
_Granted = tuple[ref[KeyState], frozenset[str], float, bool, Counter]


class Verified:
    """A verified token, and what its key granted last: `remember` keeps it.

    The grant holds while its state is the cached one, until `_ends_at`. So a token in steady use
    costs a look-up, some comparisons, and its address. Reads and writes take no lock, because the
    grant is one object.
    """

    __slots__ = ("_granted", "token")

    def __init__(self, token: ApiToken) -> None:
        self.token = token
        self._granted: _Granted | None = None

    def remember(self, grant: Grant, counter: Counter) -> None:
        """Keep the grant until the token or its key expires, and for a minute at most."""
        state, scopes = grant
        expires_at = state.expires_at
        # Once a minute the slow path records the use.
        ends_at = min(self.token["exp"], clock.epoch() + INTERVAL)
        if expires_at is not None:
            ends_at = min(ends_at, expires_at.timestamp())
        self._granted = ref(state), scopes, ends_at, settings.TOKENS_MANAGE_KEYS, counter

    def client(self, address: str) -> ApiClient | None:
        """Return the client if the grant still holds, and allows the address, or None."""
        if self._granted is None:
            return None
        same_state, scopes, ends_at, manages_keys, counter = self._granted
        state = key_state.cached(self.token.public_key)
        if (
            state is not None
            and same_state() is state
            and clock.epoch() < ends_at
            and settings.TOKENS_MANAGE_KEYS is manages_keys
            and may_be_used(state, address)
        ):
            confirm = _Confirmation(state.public_key, _rule(self.token, address))
            return _client(Grant(state, scopes), confirm, counter.accept())
        return None


def verify_token(raw: str, *, address: str) -> tuple[ApiClient, ApiToken]:
    """Return the client of a token, and the token.

    A string is verified once and cached. The token's expiry and its key are checked at each use.
    Raises MalformedToken, InvalidToken, ExpiredToken, RevokedToken, InsufficientPermissions,
    ServiceUnavailable.
    """
    memory = backend().verified
    verified = memory.get(raw)
    if verified is None:
        return _verify_new(raw, memory, address)
    return _client_of(verified, address), verified.token


def verify_own_token(raw: str, *, address: str) -> tuple[ApiClient, ApiToken] | None:
    """Verify as `verify_token` does, but return None for what is not a JWT of our type.

    The unverified type only routes the token; it is not trusted.
    """
    # Not built on verify_token: the call would cost every request 4 microseconds.
    memory = backend().verified
    verified = memory.get(raw)
    if verified is not None:
        return _client_of(verified, address), verified.token
    if unverified_token_type(raw) != TOKEN_TYPE:
        return None
    return _verify_new(raw, memory, address)


def recall_token(raw: str, *, address: str) -> tuple[ApiClient, ApiToken] | None:
    """Return what `verify_token` returns, if that needs no query and no time-consuming check.

    Otherwise return None.
    """
    verified = backend().verified.get(raw)
    client = None if verified is None else verified.client(address)
    return None if verified is None or client is None else (client, verified.token)


def verify_keys(credentials: Credentials, *, address: str) -> tuple[ApiClient, ApiKeyAuth]:
    """Return the client of API keys, and the key's description.

    Raises InvalidCredentials, InsufficientPermissions, TooManyRequests, ServiceUnavailable.
    """

    def rule(state: KeyState | None) -> Grant:
        return grant_keys(credentials, state, address)

    public_key = credentials.public_key
    try:
        grant, is_fresh = key_state.decide(public_key, rule)
    except (InvalidCredentials, InsufficientPermissions) as refusal:
        _refuse_keys(public_key, address, refusal)
        raise
    use = usage.secret_used(credentials.secret, grant.state)
    hashes.upgrade(credentials.secret, grant.state)
    client = _client(grant, None if is_fresh else _Confirmation(public_key, rule), use)
    return client, ApiKeyAuth(client.pk, client.app_domain, client.environment)


def _verify_new(
    raw: str, memory: TokenMemory[Verified], address: str
) -> tuple[ApiClient, ApiToken]:
    try:
        token = ApiToken(raw)
    except InvalidToken as refusal:
        refusals.report_refusal(refusal, address=address)
        raise
    verified = Verified(token)
    client = _client_of(verified, address)
    memory.put(raw, token.public_key, verified, size=entry_size(raw, token.payload))
    return client, token


def _refuse_keys(public_key: str, address: str, refusal: TotJWTError) -> None:
    refusals.report_refusal(refusal, public_key=public_key, address=address)
    if isinstance(refusal, InvalidCredentials):
        shown_key = refusals.shown_key(public_key, refusal)
        limits.count_failure(public_key, address, shown_key=shown_key)


def _client_of(verified: Verified, address: str) -> ApiClient:
    remembered = verified.client(address)
    if remembered is not None:
        return remembered
    token = verified.token
    public_key, rule = token.public_key, _rule(token, address)
    try:
        token.check_exp()
        grant, is_fresh = key_state.decide(public_key, rule)
    except (InvalidToken, InsufficientPermissions) as refusal:
        refusals.report_refusal(refusal, public_key=public_key, jti=token["jti"], address=address)
        if isinstance(refusal, ExpiredToken):
            usage.use_refused(public_key)
        raise
    counter, use = usage.key_used(public_key)
    if not grant.state.has_revoked_tokens:
        verified.remember(grant, counter)
    return _client(grant, None if is_fresh else _Confirmation(public_key, rule), use)


def _rule(token: ApiToken, address: str) -> Rule:
    """Return the rule for a token from this address."""
    return lambda state: grant_token(token, state, address)


def _client(
    grant: Grant, confirm: Callable[[], frozenset[str]] | None, use: Callable[[], None]
) -> ApiClient:
    state, scopes = grant
    return ApiClient(
        state.public_key,
        state.app_domain,
        state.app_domain_id,
        state.environment,
        scopes,
        confirm,
        state.rate_limit,
        state.domain_rate_limit,
        use,
    )


class _Confirmation:
    """The scopes that the client has now, read from the database once; none if the rule rejects.

    Raises ServiceUnavailable.
    """

    # A class, because a closure with the same memory would cost every request more.
    __slots__ = ("_public_key", "_rule", "answer")

    def __init__(self, public_key: str, rule: Rule) -> None:
        self._public_key, self._rule = public_key, rule
        self.answer: frozenset[str] | None = None

    def __call__(self) -> frozenset[str]:
        if self.answer is None:
            state = load(self._public_key)
            try:
                self.answer = self._rule(state).scopes
            except TotJWTError:
                self.answer = frozenset()
        return self.answer
