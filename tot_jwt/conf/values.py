"""The values that settings accept, and the constants that they are compared with."""

import re
from functools import partial
from inspect import iscoroutinefunction
from typing import Any

from django.conf import settings as host_settings
from django.utils.module_loading import import_string

from tot_jwt.conf.setting import user_settings
from tot_jwt.utils import predicates

#: The scope that TOKENS_MANAGE_KEYS adds to every token. No key ever has it.
KEYS_MANAGE = "keys:manage"
#: Algorithm → bits of its hash, which are also the least bits of its key (RFC 7518 §3.2).
HMAC_BITS = {"HS256": 256, "HS384": 384, "HS512": 512}
DEFAULT_ALGORITHM = "HS256"
#: Algorithms that sign with a private key, in PEM.
ASYMMETRIC = ("RS256", "ES256", "EdDSA")
#: All algorithms that sign tokens.
ALGORITHMS = (*HMAC_BITS, *ASYMMETRIC)
#: The types of a token in its header: of any JWT, and of RFC 9068.
TOKEN_TYPES = ("JWT", "at+jwt")
#: The environments that a key may belong to.
KNOWN_ENVIRONMENTS = ("live", "test")
#: Characters. A longer claim would not fit into a token of 4,096 bytes beside the longest scopes.
MAX_CLAIM = 200
#: Headers that already mean something else.
OTHER_HEADERS = {
    *("accept", "cache-control", "connection", "cookie", "date", "dnt", "expect", "forwarded"),
    *("from", "host", "keep-alive", "last-event-id", "max-forwards", "origin", "pragma"),
    *(
        "prefer",
        "priority",
        "proxy-connection",
        "range",
        "referer",
        "set-cookie",
        "te",
        "traceparent",
        "tracestate",
    ),
    *("tot-api-key", "tot-app-domain", "tot-secret-key", "trailer", "transfer-encoding"),
    *("upgrade", "upgrade-insecure-requests", "user-agent", "vary", "via", "warning"),
    *("www-authenticate", "x-csrftoken", "x-http-method-override", "x-real-ip"),
    *("x-requested-with", "x-forwarded-for", "x-forwarded-host", "x-forwarded-port"),
    *("x-forwarded-proto",),
}
#: So do all headers whose names begin so.
OTHER_PREFIXES = ("accept-", "access-control-", "content-", "if-", "sec-")

# Field names of RFC 9110 §5.1. Servers drop names with an underscore, which WSGI cannot tell from
# a hyphen.
_FIELD_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^`|~-]+")
# SSH writes four dashes and a space.
_PEM = re.compile(rb"-{4,5} ?BEGIN ")

is_claim = partial(predicates.is_text, limit=MAX_CLAIM)
are_known_scopes = partial(predicates.are_scopes, reserved=KEYS_MANAGE)
are_failure_rates = partial(predicates.are_rates, names={"address", "key"})
are_environments = partial(predicates.are_choices, names=KNOWN_ENVIRONMENTS)


def is_algorithm(value: Any) -> bool:
    """Return whether the value is an algorithm that signs tokens."""
    return isinstance(value, str) and value in ALGORITHMS


def is_token_type(value: Any) -> bool:
    """Return whether the value is a type of tokens."""
    return isinstance(value, str) and value in TOKEN_TYPES


def is_pem(key: str | bytes) -> bool:
    """Return whether the key has the marker of a PEM file, even if the rest is damaged."""
    return _PEM.search(as_bytes(key)) is not None


def is_key(value: Any) -> bool:
    """Return whether the value is a key in PEM, or a secret of the length that ALGORITHM needs."""
    if predicates.is_blank(value):
        return False
    # PyJWT alone only warns about a short key.
    bits = HMAC_BITS.get(_algorithm(), HMAC_BITS[DEFAULT_ALGORITHM])
    return is_pem(value) or len(as_bytes(value)) * 8 >= bits


def is_signing_key(value: Any) -> bool:
    """Return whether ALGORITHM can sign with the value; None stands for a derived secret."""
    if not is_algorithm(user_settings().get("ALGORITHM", DEFAULT_ALGORITHM)):
        return value is None or is_key(value)  # the check of ALGORITHM reports the error
    is_asymmetric = _algorithm() in ASYMMETRIC
    if value is None:
        return not is_asymmetric
    return is_key(value) and is_pem(value) == is_asymmetric


def are_keys(value: Any) -> bool:
    """Return whether the value is a list of keys; None stands for the derived secret."""
    return isinstance(value, list | tuple) and all(key is None or is_key(key) for key in value)


def is_function_path(value: Any) -> bool:
    """Return whether the value is the dotted path of a function, or None."""
    if value is None:
        return True
    try:
        function = import_string(value)
    except Exception:  # the host's module may raise anything
        return False
    return callable(function) and not iscoroutinefunction(function)


def _algorithm() -> Any:
    algorithm = user_settings().get("ALGORITHM", DEFAULT_ALGORITHM)
    return algorithm if is_algorithm(algorithm) else DEFAULT_ALGORITHM


def is_cache(value: Any) -> bool:
    """Return whether the value is an alias of CACHES."""
    return isinstance(value, str) and value in host_settings.CACHES


def is_token_header(value: Any) -> bool:
    """Return whether the value is the name of a header that may carry tokens."""
    is_name = isinstance(value, str) and _FIELD_NAME.fullmatch(value) is not None
    if not is_name or value.lower().startswith(OTHER_PREFIXES):
        return False
    return value.lower() not in OTHER_HEADERS


def as_bytes(key: str | bytes) -> bytes:
    """Return a signing key as bytes: text is encoded as UTF-8."""
    # Python reads bytes of an environment variable that are not UTF-8 as surrogates. An error about
    # them would show a part of the key.
    return key.encode(errors="surrogatepass") if isinstance(key, str) else key
