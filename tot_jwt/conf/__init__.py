"""The settings: ``TOT_JWT = {…}`` in the host's settings module, all optional.

Each setting is stated once, in `Settings`: name, default, check, hint and documentation line.
``settings.ISSUER`` reads the value at each use, so a changed setting takes effect at once.
Values are not validated here: the system checks (`tot_jwt.checks`) call `Setting.accepts`.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from tot_jwt.conf import values
from tot_jwt.conf.setting import Setting, user_settings
from tot_jwt.conf.values import (
    ALGORITHMS,
    ASYMMETRIC,
    DEFAULT_ALGORITHM,
    HMAC_BITS,
    KEYS_MANAGE,
    KNOWN_ENVIRONMENTS,
    MAX_CLAIM,
    TOKEN_TYPES,
    as_bytes,
    is_pem,
)
from tot_jwt.utils import predicates

__all__ = [
    "ALGORITHMS",
    "ASYMMETRIC",
    "DEFAULT_ALGORITHM",
    "DEFAULT_ISSUER",
    "HMAC_BITS",
    "KEYS_MANAGE",
    "KNOWN_ENVIRONMENTS",
    "MAX_CLAIM",
    "SETTINGS",
    "TOKEN_TYPES",
    "Setting",
    "Settings",
    "as_bytes",
    "current",
    "is_pem",
    "settings",
    "user_settings",
]

DEFAULT_ISSUER = "tot-jwt"


class Settings:
    """The value of each setting: the host's in ``TOT_JWT``, or the default."""

    ALGORITHM = Setting(
        DEFAULT_ALGORITHM,
        "tot_jwt.E002",
        values.is_algorithm,
        f"Use one of {', '.join(ALGORITHMS)}.",
        "Algorithm that signs tokens: `HS256`, `HS384`, `HS512`, or with a key pair `RS256`, "
        "`ES256` or `EdDSA`.",
    )
    SIGNING_KEY = Setting[str | bytes | None](
        None,
        "tot_jwt.E003",
        values.is_signing_key,
        "Use at least as many random bytes as the algorithm's hash has (32 for HS256), or None "
        "to derive the key from SECRET_KEY. RS256, ES256 and EdDSA need a private key in PEM: "
        "run manage.py tot_jwt create_signing_key.",
        "Key that signs tokens, `str` or `bytes`: a private key in PEM for `RS256`, `ES256` and "
        "`EdDSA`, otherwise a secret at least as long as the algorithm's hash (32 bytes for "
        "HS256). `None` derives the secret from `SECRET_KEY`; tokens signed with secrets derived "
        "from `SECRET_KEY_FALLBACKS` still verify.",
    )
    VERIFYING_KEYS = Setting[Sequence[str | bytes | None]](
        (),
        "tot_jwt.E004",
        values.are_keys,
        "Use a list of keys, str or bytes: in PEM, or secrets that are each at least as long as "
        "the hash of the algorithm. None stands for the secret derived from SECRET_KEY.",
        "Keys that verify tokens but do not sign them: earlier values of `SIGNING_KEY`, or the "
        "next one. Keys in PEM are published in the JWKS; of private keys, only the public half "
        "is used.",
    )
    TOKEN_TYP = Setting(
        "JWT",
        "tot_jwt.E024",
        values.is_token_type,
        f"Use one of {', '.join(TOKEN_TYPES)}.",
        "`typ` in the header of new tokens: `JWT`, or `at+jwt` for verifiers that require "
        "RFC 9068. Tokens of both types verify.",
    )
    TOKEN_CLAIMS = Setting[str | None](
        None,
        "tot_jwt.E025",
        values.is_function_path,
        "Use the dotted path of a function that takes an ApiClient and returns a dict, or None. "
        "Its module must be importable, and the function must not be async.",
        "Dotted path of a function that takes the `ApiClient` and returns more claims for its new "
        "token, as a dict.",
    )
    ISSUER = Setting(
        DEFAULT_ISSUER,
        "tot_jwt.E005",
        values.is_claim,
        f"Use a string of 1 to {MAX_CLAIM} printable characters.",
        "Claim `iss`. Name your API, so that it rejects tokens of other installations.",
    )
    AUDIENCE = Setting(
        "tot-jwt-api",
        "tot_jwt.E006",
        values.is_claim,
        f"Use a string of 1 to {MAX_CLAIM} printable characters.",
        "Claim `aud`.",
    )
    TOKEN_LIFETIME = Setting(
        timedelta(minutes=15),
        "tot_jwt.E007",
        predicates.is_lifetime,
        "Use a timedelta of whole seconds, for example timedelta(minutes=15).",
        "Lifetime of a token, a `timedelta` of whole seconds.",
    )
    SCOPES = Setting[Mapping[str, str]](
        {},
        "tot_jwt.E008",
        values.are_known_scopes,
        "Use a dict from scope to description. A scope is printable ASCII without spaces, quotes "
        f"and backslashes. {KEYS_MANAGE} is reserved.",
        "Scopes that a key may have, as name → description. An empty dict allows any scope.",
    )
    TOKENS_MANAGE_KEYS = Setting(
        True,
        "tot_jwt.E009",
        predicates.is_bool,
        "Use True or False.",
        "Whether every token carries the scope `keys:manage`.",
    )
    CREATED_KEY_MAX_LIFETIME = Setting(
        timedelta(days=90),
        "tot_jwt.E020",
        predicates.is_lifetime,
        "Use a timedelta of whole seconds, for example timedelta(days=90).",
        "Maximum lifetime of a key that a token creates, a `timedelta` of whole seconds. It is "
        "also the default.",
    )
    ENVIRONMENTS = Setting[Sequence[str]](
        list(KNOWN_ENVIRONMENTS),
        "tot_jwt.E021",
        values.are_environments,
        'Use ["live"], ["test"] or ["live", "test"].',
        "Environments that this installation serves. Keys and tokens of other environments are "
        "rejected with 403.",
    )
    KEY_STATE_MAX_AGE = Setting[float](
        5,
        "tot_jwt.E010",
        predicates.is_age,
        "Use a number of seconds, 0 or more.",
        "Seconds for which a process may use the cached state of a key. `0` queries the database "
        "at each request.",
    )
    MAX_ACTIVE_KEYS_PER_DOMAIN = Setting(
        100,
        "tot_jwt.E015",
        predicates.is_count,
        "Use a whole number of keys, 0 or more.",
        "Maximum number of active keys per domain and environment that tokens can reach. "
        "Administrators may exceed it.",
    )
    RATE_LIMIT = Setting[str | None](
        None,
        "tot_jwt.E026",
        predicates.is_rate,
        "Use a number per sec, min, hour or day, for example '600/min', or None.",
        'Requests allowed per key on views with `ApiKeyThrottle`, for example `"600/min"`, if '
        "neither the key nor its creator has a limit. `None` sets no limit.",
    )
    EXCHANGE_FAILURE_RATES = Setting[Mapping[str, str | None]](
        {"address": "30/min", "key": "10/min"},
        "tot_jwt.E016",
        values.are_failure_rates,
        "Use a dict with a rate for 'address', for 'key', or for both: "
        "{'address': '30/min', 'key': '10/min'}.",
        "Failed attempts with API keys allowed per client address, and per address and key. "
        "An entry that is missing or `None` sets no limit. Guesses at a weak imported secret "
        "always have one.",
    )
    EXCHANGE_RATE = Setting[str | None](
        None,
        "tot_jwt.E017",
        predicates.is_rate,
        "Use a number per sec, min, hour or day, for example '20/min', or None.",
        'Exchanges allowed per key, for example `"20/min"`. `None` sets no limit.',
    )
    KEY_CHANGE_RATE = Setting[str | None](
        "60/hour",
        "tot_jwt.E018",
        predicates.is_rate,
        "Use a number per sec, min, hour or day, for example '60/hour', or None.",
        "Key changes allowed per calling key, rejected ones included. `None` sets no limit. It "
        "never limits administrators, and never rejects a change that only takes away.",
    )
    THROTTLE_CACHE = Setting(
        "default",
        "tot_jwt.E019",
        values.is_cache,
        "Use an alias of CACHES.",
        "Alias in `CACHES` of the cache that stores the counters of these limits. Several "
        "processes need a shared cache, such as Redis or Memcached.",
    )
    TRUSTED_PROXIES = Setting(
        0,
        "tot_jwt.E011",
        predicates.is_count,
        "Use the number of proxies in front of Django, 0 or more.",
        "Number of proxies in front of Django that each append one address to `X-Forwarded-For`.",
    )
    TOKEN_HEADER = Setting(
        "Authorization",
        "tot_jwt.E023",
        values.is_token_header,
        "Use the name of a header without another meaning, for example 'X-Api-Token'. No server "
        "passes on a name with an underscore.",
        "Header that carries `Bearer <token>`, for example `X-Api-Token` if a proxy occupies "
        "`Authorization`, which is then ignored. Django's error reports hide headers with `TOKEN` "
        "or `AUTH` in their names.",
    )
    API_KEYS_IN_QUERY = Setting(
        False,
        "tot_jwt.E012",
        predicates.is_bool,
        "Use True or False.",
        "Whether `ApiKeyAuthentication` accepts keys in the URL's query, which logs, browsers and "
        "error reports keep.",
    )
    REALM = Setting(
        "api",
        "tot_jwt.E013",
        predicates.is_printable_ascii,
        "Use a string of printable ASCII.",
        "The `realm` of `WWW-Authenticate`.",
    )


def current() -> dict[str, Any]:
    """Return the values of all settings, reading the host's settings once."""
    return {**_DEFAULTS, **user_settings()}


#: Every setting, in the order of the documentation.
SETTINGS = tuple(value for value in vars(Settings).values() if isinstance(value, Setting))

_DEFAULTS = {setting.name: setting.default for setting in SETTINGS}

settings = Settings()
