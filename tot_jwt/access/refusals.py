"""The trace of refused requests: who, from where, and which rule; never a secret or a token."""

import logging
import secrets
from typing import Any

from django.conf import settings as host_settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.crypto import salted_hmac
from django.views.decorators.debug import sensitive_variables

from tot_jwt.exceptions import ExpiredToken, InvalidCredentials, TotJWTError
from tot_jwt.principal import ApiClient, refuse
from tot_jwt.rules.credentials import looks_like_secret
from tot_jwt.signals import access_refused
from tot_jwt.utils.logs import log_fields, one_line

_MESSAGE = "Access refused: reason=%(reason)s key=%(public_key)s jti=%(jti)s address=%(address)s"
_HINT_LENGTH = 8
#: For hosts without a SECRET_KEY.
_PROCESS_KEY = secrets.token_bytes(32)


def report_refusal(
    refusal: TotJWTError, *, address: str, public_key: str = "", jti: str = ""
) -> None:
    """Log the refusal and send `access_refused`. Never raises.

    `public_key` and `jti` are the caller's: of a token only after its signature was verified.
    Expired tokens are common, so they do not count as warnings.
    """
    level = logging.INFO if isinstance(refusal, ExpiredToken) else logging.WARNING
    fields = {
        "reason": refusal.reason,
        "public_key": shown_key(public_key, refusal),
        "jti": jti,
        "address": address,
    }
    log_fields(level, _MESSAGE, fields)
    access_refused.send_robust(type(refusal), **fields)


def reject(refusal: TotJWTError, client: ApiClient, *, address: str, jti: str = "") -> None:
    """Report the refusal of a client whose credentials were accepted, and count it as refused."""
    report_refusal(refusal, public_key=client.pk, jti=jti, address=address)
    refuse(client)


def shown_key(public_key: str, refusal: TotJWTError) -> str:
    """Return the public key as logs and signals show it: a hint if it does not exist."""
    is_unknown = isinstance(refusal, InvalidCredentials) and refusal.reason == "unknown_key"
    return key_hint(public_key) if is_unknown or looks_like_secret(public_key) else public_key


@sensitive_variables()
def key_hint(text: str) -> str:
    """Return the first characters and a hash of what a client sent as its public key.

    Some clients send their secret there, in any format. A short text shows less than eight
    characters. The hash is keyed, so that it does not help to guess a short secret.
    """
    start = one_line(text[: min(_HINT_LENGTH, len(text) // 4)])
    digest = salted_hmac("tot_jwt.key_hint", text, _hash_key(), algorithm="sha256").hexdigest()
    return f"{start}...#{digest[:8]}"


def _hash_key() -> Any:
    try:
        return host_settings.SECRET_KEY
    except ImproperlyConfigured:  # it is empty: a host with a SIGNING_KEY may do without it
        return _PROCESS_KEY
