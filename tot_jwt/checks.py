"""System checks: every setting has one of its own, and ``check --deploy`` adds the risks of production."""

import difflib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from django.conf import settings as host_settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured

from tot_jwt.access.limits import Rate
from tot_jwt.conf import given, names, settings
from tot_jwt.rules.scopes import KEYS_MANAGE, is_scope_token
from tot_jwt.tokens.backend import backend
from tot_jwt.tokens.ring import SYMMETRIC

#: Longer ones, beside the longest scopes and domain, would not fit into a token of 4,096 bytes.
MAX_CLAIM = 255
#: From here on a stolen token is worth a warning.
LONG_LIFETIME = timedelta(minutes=15)


class Rule(NamedTuple):
    """What a setting must be; the hint says it in words."""

    id: str
    name: str
    accepts: Callable[[Any], bool]
    hint: str


class Risk(NamedTuple):
    """What does harm in production where `applies` says so."""

    id: str
    applies: Callable[[], bool]
    message: str
    hint: str


def _is_claim(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(json.dumps(value)) - 2 <= MAX_CLAIM


def _is_key(value: Any) -> bool:
    """Whether the algorithm accepts a key of this length (RFC 7518 §3.2: PyJWT alone only warns)."""
    least = SYMMETRIC[settings.ALGORITHM][1] if settings.ALGORITHM in SYMMETRIC else 0
    return (
        isinstance(value, str | bytes)
        and len(value.encode() if isinstance(value, str) else value) >= least
    )


def _are_keys(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(map(_is_key, value))


def _is_lifetime(value: Any) -> bool:
    return isinstance(value, timedelta) and value >= timedelta(seconds=1) and not value.microseconds


def _is_catalogue(value: Any) -> bool:
    return isinstance(value, Mapping) and all(
        isinstance(scope, str) and is_scope_token(scope) and scope != KEYS_MANAGE for scope in value
    )


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool)


def _is_age(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_cache(value: Any) -> bool:
    return isinstance(value, str) and value in host_settings.CACHES


def _is_rate(value: Any) -> bool:
    try:
        return value is None or bool(Rate.parse(value))
    except ImproperlyConfigured:
        return False


def _are_failure_rates(value: Any) -> bool:
    return (
        isinstance(value, Mapping)
        and value.keys() <= {"address", "key"}
        and all(map(_is_rate, value.values()))
    )


def _is_realm(value: Any) -> bool:
    return isinstance(value, str) and value.isascii() and value.isprintable() and bool(value)


RULES = (
    Rule(
        "tot_jwt.E002",
        "ALGORITHM",
        lambda value: value in tuple(SYMMETRIC),
        f"Use one of {', '.join(SYMMETRIC)}.",
    ),
    Rule(
        "tot_jwt.E003",
        "SIGNING_KEY",
        lambda value: value is None or _is_key(value),
        "Use at least as many random bytes as the algorithm's hash has (32 for HS256), or None to derive the key "
        "from SECRET_KEY.",
    ),
    Rule(
        "tot_jwt.E004",
        "VERIFYING_KEYS",
        _are_keys,
        "Use a list of earlier signing keys, str or bytes, each at least as long as the algorithm's hash.",
    ),
    Rule("tot_jwt.E005", "ISSUER", _is_claim, f"Use a string of 1 to {MAX_CLAIM} characters."),
    Rule("tot_jwt.E006", "AUDIENCE", _is_claim, f"Use a string of 1 to {MAX_CLAIM} characters."),
    Rule(
        "tot_jwt.E007",
        "TOKEN_LIFETIME",
        _is_lifetime,
        "Use a timedelta of whole seconds, timedelta(minutes=15).",
    ),
    Rule(
        "tot_jwt.E008",
        "SCOPES",
        _is_catalogue,
        f"Use a dict from scope to description. A scope is printable ASCII without spaces, quotes and backslashes; "
        f"{KEYS_MANAGE} is not yours to list.",
    ),
    Rule("tot_jwt.E009", "TOKENS_MANAGE_KEYS", _is_bool, "Use True or False."),
    Rule("tot_jwt.E010", "KEY_STATE_MAX_AGE", _is_age, "Use a number of seconds, 0 or more."),
    Rule(
        "tot_jwt.E015",
        "MAX_ACTIVE_KEYS_PER_DOMAIN",
        _is_count,
        "Use the number of keys, 0 or more.",
    ),
    Rule(
        "tot_jwt.E016",
        "EXCHANGE_FAILURE_RATES",
        _are_failure_rates,
        "Use a dict with a rate for 'address', for 'key', or for both: {'address': '30/min', 'key': '10/min'}.",
    ),
    Rule(
        "tot_jwt.E017",
        "EXCHANGE_RATE",
        _is_rate,
        "Use a number per sec, min, hour or day, '20/min', or None.",
    ),
    Rule(
        "tot_jwt.E018",
        "KEY_CHANGE_RATE",
        _is_rate,
        "Use a number per sec, min, hour or day, '60/hour', or None.",
    ),
    Rule("tot_jwt.E019", "THROTTLE_CACHE", _is_cache, "Use an alias of CACHES."),
    Rule(
        "tot_jwt.E011",
        "TRUSTED_PROXIES",
        _is_count,
        "Use the number of proxies before the application, 0 or more.",
    ),
    Rule("tot_jwt.E012", "API_KEYS_IN_QUERY", _is_bool, "Use True or False."),
    Rule("tot_jwt.E013", "REALM", _is_realm, "Use a string of printable ASCII."),
)


RISKS = (
    Risk(
        "tot_jwt.W003",
        lambda: settings.SIGNING_KEY is not None and settings.SIGNING_KEY in _shared_secrets(),
        "TOT_JWT['SIGNING_KEY'] is used for something else too.",
        "Generate one for tot_jwt alone, or leave it out: the key is then derived from SECRET_KEY.",
    ),
    Risk(
        "tot_jwt.W004",
        lambda: settings.ISSUER == "tot-jwt",
        "TOT_JWT['ISSUER'] is the default.",
        "Name your API, so that tokens of another installation are refused: 'https://api.example.com'.",
    ),
    Risk(
        "tot_jwt.W005",
        lambda: settings.TOKEN_LIFETIME > LONG_LIFETIME,
        "TOT_JWT['TOKEN_LIFETIME'] is more than 15 minutes.",
        "Tokens cost one request to renew; a stolen one works until it expires.",
    ),
    Risk(
        "tot_jwt.W006",
        lambda: not host_settings.SECURE_SSL_REDIRECT and not host_settings.SECURE_PROXY_SSL_HEADER,
        "API keys and tokens may travel without HTTPS.",
        "Set SECURE_SSL_REDIRECT, or SECURE_PROXY_SSL_HEADER where a proxy ends TLS.",
    ),
    Risk(
        "tot_jwt.W007",
        lambda: not settings.TRUSTED_PROXIES and _is_behind_proxy(),
        "There seems to be a proxy, but TOT_JWT['TRUSTED_PROXIES'] is 0: every client has the proxy's address.",
        "Set it to the number of proxies that append to X-Forwarded-For.",
    ),
    Risk(
        "tot_jwt.W009",
        lambda: _has_rates() and _counts_alone(),
        "The cache of TOT_JWT['THROTTLE_CACHE'] is one in memory, or none: each process counts alone, or does not.",
        "Name a cache that all processes share, on Redis or Memcached.",
    ),
    Risk(
        "tot_jwt.W010",
        lambda: not host_settings.USE_TZ,
        "USE_TZ is False: when clocks are set back, a key that has expired in that hour is good once more.",
        "Set USE_TZ = True.",
    ),
)


def register_all() -> None:
    """Register the checks; called when the app is ready."""
    register(check_settings, Tags.security)
    register(check_authentication_order, Tags.security)
    register(check_deployment, Tags.security, deploy=True)
    register(check_live_keys, Tags.database, deploy=True)


def check_settings(**_: Any) -> list[CheckMessage]:
    """Is each value one that works, and each name one that exists?"""
    values = given()
    if not isinstance(values, Mapping):
        return [
            Error(
                "TOT_JWT must be a dict.",
                hint='For example: TOT_JWT = {"ISSUER": "…"}.',
                id="tot_jwt.E001",
            )
        ]
    wrong: list[CheckMessage] = [
        Error(f"TOT_JWT[{rule.name!r}] has a value that does not work.", hint=rule.hint, id=rule.id)
        for rule in RULES
        if not rule.accepts(getattr(settings, rule.name))
    ]
    return [*wrong, *_unknown_names(values), *([] if wrong else _unusable_keys())]


def check_authentication_order(**_: Any) -> list[CheckMessage]:
    """simplejwt refuses every Bearer that it did not make, so where both are defaults ours must stand before it."""
    classes: Sequence[str] = getattr(host_settings, "REST_FRAMEWORK", {}).get(
        "DEFAULT_AUTHENTICATION_CLASSES", ()
    )
    paths = [
        path if isinstance(path, str) else f"{path.__module__}.{path.__qualname__}"
        for path in classes
    ]
    ours = _position(paths, "tot_jwt.authentication.")
    theirs = _position(paths, "rest_framework_simplejwt.authentication.")
    if ours is None or theirs is None or ours < theirs:
        return []
    return [
        Warning(
            "In DEFAULT_AUTHENTICATION_CLASSES simplejwt's class stands before tot_jwt's and refuses its tokens.",
            hint="Put tot_jwt.authentication.JWTAuthentication first: it leaves to others what is not its own.",
            id="tot_jwt.W002",
        )
    ]


def check_deployment(**_: Any) -> list[CheckMessage]:
    """What is right on a desk and wrong on the internet."""
    if any(message.is_serious() for message in check_settings()):
        return []
    return [Warning(risk.message, hint=risk.hint, id=risk.id) for risk in RISKS if risk.applies()]


def check_live_keys(*, databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """With DEBUG an error page shows what an exception's frames hold, to whoever caused it."""
    from tot_jwt.models import ApiKey, Environment

    if not host_settings.DEBUG or not any(
        ApiKey.objects.using(alias).usable().filter(environment=Environment.LIVE).exists()
        for alias in databases or ()
    ):
        return []
    return [
        Warning(
            "DEBUG is on and there are live API keys.", hint="Set DEBUG = False.", id="tot_jwt.W008"
        ),
    ]


def _unknown_names(values: Mapping[str, Any]) -> Iterable[CheckMessage]:
    for name in values.keys() - set(names()):
        nearest = difflib.get_close_matches(str(name), names(), n=1)
        hint = f"Did you mean {nearest[0]}?" if nearest else f"There are {', '.join(names())}."
        yield Warning(f"There is no setting TOT_JWT[{name!r}].", hint=hint, id="tot_jwt.W001")


def _unusable_keys() -> Iterable[CheckMessage]:
    """PyJWT refuses keys that look like something else, a PEM file for example."""
    try:
        backend().check()
    except ImproperlyConfigured as error:
        yield Error(str(error), hint="Use random bytes.", id="tot_jwt.E014")


def _is_behind_proxy() -> bool:
    return bool(host_settings.SECURE_PROXY_SSL_HEADER) or bool(host_settings.USE_X_FORWARDED_HOST)


def _has_rates() -> bool:
    return any(
        [
            *settings.EXCHANGE_FAILURE_RATES.values(),
            settings.EXCHANGE_RATE,
            settings.KEY_CHANGE_RATE,
        ]
    )


def _counts_alone() -> bool:
    path = str(host_settings.CACHES[settings.THROTTLE_CACHE]["BACKEND"])
    return path.endswith((".LocMemCache", ".DummyCache"))


def _position(paths: Sequence[str], prefix: str) -> int | None:
    return next((i for i, path in enumerate(paths) if path.startswith(prefix)), None)


def _shared_secrets() -> Iterable[Any]:
    simple_jwt = getattr(host_settings, "SIMPLE_JWT", {})
    return [
        host_settings.SECRET_KEY,
        *host_settings.SECRET_KEY_FALLBACKS,
        simple_jwt.get("SIGNING_KEY"),
    ]
