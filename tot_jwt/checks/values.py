"""The check of the settings' values: one message for each invalid setting.

No message holds a key: only messages of PyJWT and of `tot_jwt.tokens` are passed on.
"""

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from django.conf import settings as host_settings
from django.core.checks import CheckMessage, Error, Warning
from django.core.exceptions import ImproperlyConfigured

from tot_jwt.conf import SETTINGS, settings, user_settings
from tot_jwt.tokens.backend import backend
from tot_jwt.tokens.ring import require_secrets

_KEYS_HINT = (
    "HS256, HS384 and HS512 need random bytes. RS256, ES256 and EdDSA need a private key in PEM, "
    "which manage.py tot_jwt create_signing_key prints."
)


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


def _unknown_names(values: Mapping[str, Any]) -> Iterable[CheckMessage]:
    names = [setting.name for setting in SETTINGS]
    for name in sorted(values.keys() - set(names), key=str):
        nearest = difflib.get_close_matches(str(name), names, n=1)
        hint = f"Did you mean {nearest[0]}?" if nearest else f"Use one of {', '.join(names)}."
        yield Warning(f"TOT_JWT[{name!r}] is not a setting.", hint=hint, id="tot_jwt.W001")


def _unusable_keys() -> list[CheckMessage]:
    """Return an error if keys cannot be derived or read, or if ALGORITHM cannot use them."""
    try:
        if settings.SIGNING_KEY is None or None in settings.VERIFYING_KEYS:
            require_secrets(host_settings.SECRET_KEY, host_settings.SECRET_KEY_FALLBACKS)
    except ImproperlyConfigured as error:
        hint = "Use random strings, or remove the entry. Or set TOT_JWT['SIGNING_KEY']."
        return [Error(str(error), hint=hint, id="tot_jwt.E022")]
    try:
        backend().check()
    except ImproperlyConfigured as error:
        return [Error(str(error), hint=_KEYS_HINT, id="tot_jwt.E014")]
    return []
