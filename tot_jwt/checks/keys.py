"""Whether the keys that sign and verify tokens are weak or shared."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.conf import settings as host_settings
from django.core.exceptions import ImproperlyConfigured
from django.views.decorators.debug import sensitive_variables

from tot_jwt.conf import as_bytes, is_pem, settings

#: In bytes: as many as HMAC-SHA256 needs (RFC 7518 §3.2).
SHORTEST_SECRET = 32


@sensitive_variables()
def are_shared() -> bool:
    """Return whether the host also uses one of our keys for something else."""
    ours = [settings.SIGNING_KEY, *settings.VERIFYING_KEYS]
    simple_jwt = getattr(host_settings, "SIMPLE_JWT", None)
    simple_jwt = simple_jwt if isinstance(simple_jwt, Mapping) else {}
    theirs = [*_secret_keys(), simple_jwt.get("SIGNING_KEY"), simple_jwt.get("VERIFYING_KEY")]
    return not _comparable(ours).isdisjoint(_comparable(theirs))


def derive_from_short_secret() -> bool:
    """Return whether our keys derive from a SECRET_KEY or fallback that is too short."""
    if None not in (settings.SIGNING_KEY, *settings.VERIFYING_KEYS):
        return False
    return min(map(len, _comparable(_secret_keys()))) < SHORTEST_SECRET


def _secret_keys() -> list[Any]:
    return [host_settings.SECRET_KEY, *host_settings.SECRET_KEY_FALLBACKS]


@sensitive_variables()
def _comparable(keys: Iterable[Any]) -> set[bytes]:
    """Return the keys as bytes without surrounding white space; what is not a key is left out.

    A private key and its public half are equal: both become the thumbprint.
    """
    return {_identity(as_bytes(key).strip()) for key in keys if isinstance(key, str | bytes)}


@sensitive_variables()
def _identity(key: bytes) -> bytes:
    if not is_pem(key):
        return key
    try:
        from tot_jwt.tokens.asymmetric import read_pem

        return read_pem(key, "").jwk["kid"].encode()
    except (ImportError, ImproperlyConfigured):
        return key
