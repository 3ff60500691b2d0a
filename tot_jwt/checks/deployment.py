"""Checks for ``check --deploy``: settings that suit development, but not production."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from django.conf import settings as host_settings
from django.core.checks import CheckMessage, Warning

from tot_jwt.checks import issuer, keys, services
from tot_jwt.checks.values import check_settings
from tot_jwt.conf import DEFAULT_ISSUER, settings
from tot_jwt.tokens.token import MAX_TOKEN, longest_token

#: A stolen token works until it expires: a longer lifetime deserves a warning.
LONG_LIFETIME = timedelta(minutes=15)
#: In seconds. A revoked key works for as long in other processes.
LONG_AGE = 60


class Risk(NamedTuple):
    """A configuration that does harm in production if `applies` returns True."""

    id: str
    applies: Callable[[], bool]
    message: str
    hint: str


def _has_default_issuer() -> bool:
    return settings.ISSUER == DEFAULT_ISSUER


def _has_long_lifetime() -> bool:
    return settings.TOKEN_LIFETIME > LONG_LIFETIME


def _lacks_https() -> bool:
    return not host_settings.SECURE_SSL_REDIRECT and not host_settings.SECURE_PROXY_SSL_HEADER


def _ignores_proxy() -> bool:
    has_proxy = host_settings.SECURE_PROXY_SSL_HEADER or host_settings.USE_X_FORWARDED_HOST
    return bool(has_proxy) and not settings.TRUSTED_PROXIES


def _stores_local_time() -> bool:
    return not host_settings.USE_TZ


def _serves_all_environments() -> bool:
    return len(settings.ENVIRONMENTS) > 1


def _issues_long_tokens() -> bool:
    return longest_token() > MAX_TOKEN


def _remembers_long() -> bool:
    return settings.KEY_STATE_MAX_AGE > LONG_AGE


RISKS = (
    Risk(
        "tot_jwt.W003",
        keys.are_shared,
        "A key in TOT_JWT['SIGNING_KEY'] or TOT_JWT['VERIFYING_KEYS'] is also used for something "
        "else.",
        "Generate a key for tot_jwt alone, or remove the setting to derive one from SECRET_KEY.",
    ),
    Risk(
        "tot_jwt.W004",
        _has_default_issuer,
        "TOT_JWT['ISSUER'] is the default.",
        "Name your API, for example 'https://api.example.com', so that it rejects tokens of other "
        "installations.",
    ),
    Risk(
        "tot_jwt.W005",
        _has_long_lifetime,
        "TOT_JWT['TOKEN_LIFETIME'] is more than 15 minutes.",
        "Use a shorter lifetime: a stolen token works until it expires, and a new one costs a "
        "client one request.",
    ),
    Risk(
        "tot_jwt.W006",
        _lacks_https,
        "Clients may send API keys and tokens without HTTPS.",
        "Set SECURE_SSL_REDIRECT, or SECURE_PROXY_SSL_HEADER if a proxy terminates TLS.",
    ),
    Risk(
        "tot_jwt.W007",
        _ignores_proxy,
        "The application seems to be behind a proxy, but TOT_JWT['TRUSTED_PROXIES'] is 0: every "
        "client has the proxy's address.",
        "Set it to the number of proxies that append to X-Forwarded-For.",
    ),
    Risk(
        "tot_jwt.W009",
        services.counts_per_process,
        "The cache of TOT_JWT['THROTTLE_CACHE'] is not shared: each process counts alone, or not "
        "at all.",
        "Use a cache that all processes share, such as Redis or Memcached.",
    ),
    Risk(
        "tot_jwt.W010",
        _stores_local_time,
        "USE_TZ is False: an expired key works again in the hour when clocks are set back.",
        "Set USE_TZ = True.",
    ),
    Risk(
        "tot_jwt.W011",
        _serves_all_environments,
        "TOT_JWT['ENVIRONMENTS'] lists both environments: test keys reach the data of live keys.",
        "Serve one of them, for example ['live']. If this installation has both kinds of data, "
        "set allowed_environments on your views and silence this check.",
    ),
    Risk(
        "tot_jwt.W012",
        _remembers_long,
        "TOT_JWT['KEY_STATE_MAX_AGE'] is more than 60 seconds: a revoked key works that long.",
        "Use a few seconds: the cached state saves most queries even then.",
    ),
    Risk(
        "tot_jwt.W013",
        keys.derive_from_short_secret,
        "The keys that sign and verify tokens derive from a SECRET_KEY, or a fallback, of less "
        "than 32 bytes.",
        "Use a longer SECRET_KEY, or set TOT_JWT['SIGNING_KEY'] to 32 random bytes.",
    ),
    Risk(
        "tot_jwt.W014",
        services.isolate_above_read_committed,
        "A database of tot_jwt uses an isolation level above READ COMMITTED: transactions see "
        "revoked keys as still valid, and each use of a key in them costs a query.",
        "Use READ COMMITTED, the default of Django, in the OPTIONS of DATABASES. None leaves the "
        "level to the server, whose default is REPEATABLE READ in MySQL and MariaDB.",
    ),
    Risk(
        "tot_jwt.W018",
        issuer.differs_from_metadata,
        "TOT_JWT['ISSUER'] is not the https URL at which its metadata is served, or the metadata "
        "has no token endpoint: clients reject the metadata.",
        "Set it to the URL before /.well-known/, for example 'https://api.example.com', and "
        "include tot_jwt.oauth_urls too. Or do not include tot_jwt.well_known_urls.",
    ),
    Risk(
        "tot_jwt.W019",
        _issues_long_tokens,
        "A token with the longest public key, domain and scopes has more than 4,096 bytes: a "
        "client with such a key gets no token.",
        "Use ES256, whose signatures are short, or a shorter RSA key, or a shorter ISSUER and "
        "AUDIENCE.",
    ),
    Risk(
        "tot_jwt.W015",
        services.lacks_cache_library,
        "The cache of TOT_JWT['THROTTLE_CACHE'], or its client library, cannot be imported: no "
        "limit is enforced.",
        "Install the library that the cache's backend requires, for example redis.",
    ),
)


def check_deployment(**_: Any) -> list[CheckMessage]:
    """Check for settings that suit development, but not production."""
    if any(message.is_serious() for message in check_settings()):
        return []
    return [Warning(risk.message, hint=risk.hint, id=risk.id) for risk in RISKS if risk.applies()]


def check_live_keys(*, databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Check that DEBUG is off if there are live keys: its error pages show local variables."""
    from tot_jwt.models import ApiKey, Environment

    if not host_settings.DEBUG:
        return []
    live_keys = ApiKey.objects.usable().filter(environment=Environment.LIVE)
    if not any(live_keys.using(alias).exists() for alias in databases or ()):
        return []
    message = "DEBUG is on, and there are live API keys."
    return [Warning(message, hint="Set DEBUG = False.", id="tot_jwt.W008")]
