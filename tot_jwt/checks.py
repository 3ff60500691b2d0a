"""System checks: one for each setting, and the risks of production for ``check --deploy``."""

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from django.conf import settings as host_settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured

from tot_jwt.conf import DEFAULT_ISSUER, SETTINGS, settings, user_settings
from tot_jwt.tokens.backend import backend

#: A stolen token works until it expires: a longer lifetime deserves a warning.
LONG_LIFETIME = timedelta(minutes=15)


class Risk(NamedTuple):
    """A configuration that does harm in production if `applies` returns True."""

    id: str
    applies: Callable[[], bool]
    message: str
    hint: str


def _shares_signing_key() -> bool:
    if settings.SIGNING_KEY is None:
        return False
    simple_jwt = getattr(host_settings, "SIMPLE_JWT", None) or {}
    secret_keys = [host_settings.SECRET_KEY, *host_settings.SECRET_KEY_FALLBACKS]
    return settings.SIGNING_KEY in [*secret_keys, simple_jwt.get("SIGNING_KEY")]


def _has_default_issuer() -> bool:
    return settings.ISSUER == DEFAULT_ISSUER


def _has_long_lifetime() -> bool:
    return settings.TOKEN_LIFETIME > LONG_LIFETIME


def _lacks_https() -> bool:
    return not host_settings.SECURE_SSL_REDIRECT and not host_settings.SECURE_PROXY_SSL_HEADER


def _ignores_proxy() -> bool:
    has_proxy = host_settings.SECURE_PROXY_SSL_HEADER or host_settings.USE_X_FORWARDED_HOST
    return bool(has_proxy) and not settings.TRUSTED_PROXIES


def _counts_per_process() -> bool:
    failure_rates = settings.EXCHANGE_FAILURE_RATES.values()
    rates = [*failure_rates, settings.EXCHANGE_RATE, settings.KEY_CHANGE_RATE]
    path = str(host_settings.CACHES[settings.THROTTLE_CACHE]["BACKEND"])
    return any(rates) and path.endswith((".LocMemCache", ".DummyCache"))


def _stores_local_time() -> bool:
    return not host_settings.USE_TZ


RISKS = (
    Risk(
        "tot_jwt.W003",
        _shares_signing_key,
        "TOT_JWT['SIGNING_KEY'] is also used for something else.",
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
        _counts_per_process,
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
)


def register_all() -> None:
    """Register the checks. The app's configuration calls this once."""
    register(check_settings, Tags.security)
    register(check_authentication_order, Tags.security)
    register(check_deployment, Tags.security, deploy=True)
    register(check_live_keys, Tags.database, deploy=True)


def check_settings(**_: Any) -> list[CheckMessage]:
    """Check the value of each setting, and that each name exists."""
    values = user_settings()
    if not isinstance(values, Mapping):
        hint = 'For example: TOT_JWT = {"ISSUER": "https://api.example.com"}.'
        return [Error("TOT_JWT must be a dict.", hint=hint, id="tot_jwt.E001")]
    invalid: list[CheckMessage] = [
        Error(f"TOT_JWT[{setting.name!r}] is invalid.", hint=setting.hint, id=setting.check_id)
        for setting in SETTINGS
        if not setting.accepts(getattr(settings, setting.name))
    ]
    return [*invalid, *_unknown_names(values), *([] if invalid else _unusable_keys())]


def check_authentication_order(**_: Any) -> list[CheckMessage]:
    """Check that our class comes before simplejwt's, which rejects every other Bearer."""
    rest_framework = getattr(host_settings, "REST_FRAMEWORK", {})
    classes: Sequence[str] = rest_framework.get("DEFAULT_AUTHENTICATION_CLASSES", ())
    paths = [path if isinstance(path, str) else _path(path) for path in classes]
    ours = _position(paths, "tot_jwt.authentication.")
    theirs = _position(paths, "rest_framework_simplejwt.authentication.")
    if ours is None or theirs is None or ours < theirs:
        return []
    return [
        Warning(
            "In DEFAULT_AUTHENTICATION_CLASSES simplejwt's class comes before tot_jwt's and "
            "rejects its tokens.",
            hint="Put tot_jwt.authentication.JWTAuthentication first: it leaves other tokens to "
            "the next class.",
            id="tot_jwt.W002",
        )
    ]


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


def _unknown_names(values: Mapping[str, Any]) -> Iterable[CheckMessage]:
    names = [setting.name for setting in SETTINGS]
    for name in values.keys() - set(names):
        nearest = difflib.get_close_matches(str(name), names, n=1)
        hint = f"Did you mean {nearest[0]}?" if nearest else f"Use one of {', '.join(names)}."
        yield Warning(f"TOT_JWT[{name!r}] is not a setting.", hint=hint, id="tot_jwt.W001")


def _unusable_keys() -> Iterable[CheckMessage]:
    """Yield an error if PyJWT rejects a key, for example because it looks like a PEM file."""
    try:
        backend().check()
    except ImproperlyConfigured as error:
        yield Error(str(error), hint="Use random bytes.", id="tot_jwt.E014")


def _path(authentication_class: Any) -> str:
    return f"{authentication_class.__module__}.{authentication_class.__qualname__}"


def _position(paths: Sequence[str], prefix: str) -> int | None:
    return next((i for i, path in enumerate(paths) if path.startswith(prefix)), None)
