"""ApiToken: the claims of a token, and the checks that each token must pass."""

import json
import re
import secrets
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, NoReturn, Self

from rest_framework_simplejwt.tokens import Token

from tot_jwt.conf import settings
from tot_jwt.exceptions import ExpiredToken, InvalidToken, MalformedToken, ServiceUnavailable
from tot_jwt.principal import ApiClient
from tot_jwt.rules import lengths, scopes
from tot_jwt.tokens.backend import TokenBackend, backend
from tot_jwt.tokens.claims import CLAIMS, host_claims
from tot_jwt.utils import clock
from tot_jwt.utils.copying import CopiesToItself
from tot_jwt.utils.json_values import freeze
from tot_jwt.utils.logs import log_error

#: Never simplejwt's "access", so that a user's token and a client's cannot replace each other.
TOKEN_TYPE = "tot_api"  # noqa: S105 - a name

#: In bytes.
MAX_TOKEN = 4096
#: Seconds by which the clock of the node that issued a token may be ahead.
MAX_CLOCK_SKEW = 10
#: The greatest `ver`: the database stores 32 bits.
MAX_GENERATION = 2**31 - 1
#: The last second of the year 9999: no datetime exists after it.
MAX_NUMERIC_DATE = 253_402_300_799

_ENVELOPE = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\Z")


class ApiToken(CopiesToItself, Token):
    """A verified token: immutable, shared between threads; its str and repr show no claims.

    ``ApiToken(raw)`` verifies everything except what changes while a token lives: its expiry and
    its key's state. `check_exp` and `tot_jwt.access.decisions` check those at each use.
    Raises MalformedToken, InvalidToken.
    """

    token_type = TOKEN_TYPE
    payload: Mapping[str, Any]  # type: ignore[assignment]
    scopes: frozenset[str]
    #: The client of the request: only `request.auth` has it.
    client: ApiClient

    def __init__(self, token: str, verify: bool = True) -> None:
        if not is_envelope(token):
            raise MalformedToken
        claims = backend().decode(token, verify)
        _check(claims)
        try:
            self._freeze(claims)
        except ValueError:
            raise InvalidToken("too_deep") from None

    @classmethod
    def issue(cls, client: ApiClient, *, generation: int) -> tuple[str, Self]:
        """Return a new token of the client: its signed form (JWS compact), and itself.

        Raises ServiceUnavailable if TOKEN_CLAIMS adds what no token can carry.
        """
        issuer = backend()
        claims = host_claims(client) | _own_claims(issuer, client, generation)
        raw = issuer.encode(claims)
        if len(raw) > MAX_TOKEN:
            message = (
                "No token issued: %s bytes are too long. Shorten TOKEN_CLAIMS (%s) or the key."
            )
            log_error(message, len(raw), settings.TOKEN_CLAIMS)
            raise ServiceUnavailable("token_too_long")
        token = cls.__new__(cls)
        token._freeze(claims)
        return raw, token

    @property
    def lifetime(self) -> timedelta:  # type: ignore[override]
        """The time from `iat` to `exp`."""
        return timedelta(seconds=self["exp"] - self["iat"])

    @property
    def public_key(self) -> str:
        """The `sub` claim."""
        sub: str = self.payload["sub"]
        return sub

    def verify(self) -> None:
        """Check the expiry; the constructor has checked the rest. Raises ExpiredToken."""
        self.check_exp()

    def check_exp(self, claim: str = "exp", current_time: Any = None) -> None:
        """Raise ExpiredToken at `exp` or later."""
        if clock.epoch() >= self.payload["exp"]:
            raise ExpiredToken

    def get_token_backend(self) -> TokenBackend:
        """Return the backend on our own key ring, not that of the host's SIMPLE_JWT."""
        return backend()

    def presented_by(self, client: ApiClient) -> Self:
        """Return the same token for one request, with its client."""
        # The token itself is cached: requests and threads share it.
        presented = object.__new__(type(self))
        vars(presented).update(vars(self), client=client)
        return presented

    def _freeze(self, claims: dict[str, Any]) -> None:
        vars(self).update(payload=freeze(claims), scopes=scopes.split(claims["scope"]))

    def __repr__(self) -> str:
        return f"<ApiToken {self.payload['jti']}>"

    __str__ = __repr__

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise AttributeError("A token cannot be changed.")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError("A token cannot be changed.")


def is_envelope(token: str) -> bool:
    """Return whether the string has a token's form: three base64url parts without padding."""
    return (
        len(token) <= MAX_TOKEN
        and _ENVELOPE.match(token) is not None
        and all(len(part) % 4 != 1 for part in token.split("."))
    )


def unverified_token_type(raw: str) -> object:
    """Return the `token_type` that a JWT claims to have, or None if the string is not a JWT."""
    parts = raw.split(".")
    if len(parts) != 3:
        return None
    try:
        claims = json.loads(urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, RecursionError):
        return None
    return claims.get("token_type") if isinstance(claims, dict) else None


def longest_token() -> int:
    """Return the bytes of the longest token that these settings lead to, without TOKEN_CLAIMS."""
    longest_scopes = frozenset({"s" * lengths.SCOPES, scopes.KEYS_MANAGE})
    public_key, domain = "k" * lengths.PUBLIC_KEY, "d" * lengths.DOMAIN
    client = ApiClient(public_key, domain, 0, "live", longest_scopes)
    issuer = backend()
    return len(issuer.encode(_own_claims(issuer, client, MAX_GENERATION)))


def _own_claims(issuer: TokenBackend, client: ApiClient, generation: int) -> dict[str, Any]:
    issued_at = int(clock.epoch())
    return {
        "iss": issuer.issuer,
        "aud": issuer.audience,
        "sub": client.pk,
        "client_id": client.pk,
        "appDomain": client.app_domain,
        "env": client.environment,
        "scope": scopes.join(client.scopes),
        "ver": generation,
        "token_type": TOKEN_TYPE,
        "iat": issued_at,
        "exp": issued_at + int(settings.TOKEN_LIFETIME.total_seconds()),
        "jti": secrets.token_hex(16),
    }


def _check(claims: dict[str, Any]) -> None:
    for name, kind in CLAIMS.items():
        value = claims.get(name)
        # Databases cannot compare a NUL or half a surrogate pair.
        if type(value) is not kind or (isinstance(value, str) and not value.isprintable()):
            raise InvalidToken(f"claim_{name}")
    if claims["token_type"] != TOKEN_TYPE:
        raise InvalidToken("claim_token_type")
    if claims["client_id"] != claims["sub"]:
        raise InvalidToken("claim_client_id")
    if not claims["jti"]:
        raise InvalidToken("claim_jti")
    if not 0 <= claims["iat"] < claims["exp"] <= MAX_NUMERIC_DATE:
        raise InvalidToken("claim_times")
    if claims["iat"] > clock.epoch() + MAX_CLOCK_SKEW:
        raise InvalidToken("issued_in_future")
