"""The settings, ``TOT_JWT = {…}`` in the host's settings module, all optional.

``settings.ISSUER`` looks the value up at each use, so that a changed setting counts at once, in tests too.
`tot_jwt.checks` says what is wrong with a value; here nothing is checked.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, Generic, TypeVar

from django.conf import settings as host_settings

T = TypeVar("T")


class Setting(Generic[T]):
    """One setting: its name is its attribute's, its type its default's."""

    def __init__(self, default: T) -> None:
        self.default = default

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: object, owner: type) -> T:
        value: T = given().get(self.name, self.default)
        return value


class Settings:
    """What the host set in ``TOT_JWT``, or the default."""

    #: The JWS algorithm of new tokens (RFC 7518 §3.1).
    ALGORITHM = Setting("HS256")
    #: The key that signs, str (as UTF-8) or bytes; None derives one from SECRET_KEY.
    SIGNING_KEY = Setting[str | bytes | None](None)
    #: Earlier signing keys whose tokens still verify.
    VERIFYING_KEYS = Setting[Sequence[str | bytes]](())
    #: The `iss` claim.
    ISSUER = Setting("tot-jwt")
    #: The `aud` claim.
    AUDIENCE = Setting("tot-jwt-api")
    #: How long a token lives.
    TOKEN_LIFETIME = Setting(timedelta(minutes=15))
    #: The scopes that keys may be given, name → description; empty: any well-formed scope.
    SCOPES = Setting[Mapping[str, str]]({})
    #: Whether tokens carry `keys:manage`.
    TOKENS_MANAGE_KEYS = Setting(True)
    #: Seconds for which a process may grant on what it remembers of a key; 0: the database is asked at each use.
    KEY_STATE_MAX_AGE = Setting[float](5)
    #: How many active keys a domain may have before tokens create no more; administrators may.
    MAX_ACTIVE_KEYS_PER_DOMAIN = Setting(100)
    #: How many wrong guesses at API keys an address may make, and at one key; a member that is missing limits nothing.
    EXCHANGE_FAILURE_RATES = Setting[Mapping[str, str | None]](
        {"address": "30/min", "key": "10/min"}
    )
    #: How often a key may be exchanged for a token; None: as often as it likes.
    EXCHANGE_RATE = Setting[str | None](None)
    #: How often tokens may change keys of their domain; None: as often as they like.
    KEY_CHANGE_RATE = Setting[str | None]("60/hour")
    #: The alias in CACHES of the cache that counts.
    THROTTLE_CACHE = Setting("default")
    #: How many proxies stand before the application, each adding one address to X-Forwarded-For.
    TRUSTED_PROXIES = Setting(0)
    #: Whether API keys in the URL's query are accepted by ApiKeyAuthentication.
    API_KEYS_IN_QUERY = Setting(False)
    #: The `realm` of WWW-Authenticate.
    REALM = Setting("api")


def given() -> Mapping[str, Any]:
    """``TOT_JWT`` as the host wrote it."""
    mapping: Mapping[str, Any] = getattr(host_settings, "TOT_JWT", {})
    return mapping


def current() -> dict[str, Any]:
    """All settings as they are now, for the price of one look at the host's."""
    return {**_DEFAULTS, **given()}


def names() -> Iterator[str]:
    """The names of all settings, in the order in which they are documented."""
    return iter(_DEFAULTS)


_DEFAULTS = {
    name: value.default for name, value in vars(Settings).items() if isinstance(value, Setting)
}

settings = Settings()
