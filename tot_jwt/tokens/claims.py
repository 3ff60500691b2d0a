"""The claims of a token: which there are, and those that the host adds with TOKEN_CLAIMS."""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from django.utils.module_loading import import_string

from tot_jwt.conf import settings
from tot_jwt.exceptions import ServiceUnavailable
from tot_jwt.principal import ApiClient
from tot_jwt.utils.json_values import MAX_DEPTH, freeze, unrepeated
from tot_jwt.utils.logs import log_error

#: Every claim is required, and exactly of this type: True is not an int here.
CLAIMS: Mapping[str, type] = MappingProxyType(
    {
        "iss": str,
        "aud": str,
        "sub": str,
        "client_id": str,
        "appDomain": str,
        "env": str,
        "scope": str,
        "ver": int,
        "token_type": str,
        "iat": int,
        "exp": int,
        "jti": str,
    }
)

#: Claims that other packages believe, or that limit a token's use in ways we do not check.
_RESERVED = {*CLAIMS, "nbf", "cnf", "user_id"}
#: simplejwt believes ``is_superuser`` and the like.
_RESERVED_PREFIX = "is_"


class UnusableClaims(Exception):
    """TOKEN_CLAIMS returned something that no token can carry. Its message says what."""


def host_claims(client: ApiClient) -> dict[str, Any]:
    """Return the claims that the host's function TOKEN_CLAIMS adds to a new token of the client.

    A failing function, or unusable claims, are the host's mistake: the log names it, and no token
    is issued. Raises ServiceUnavailable.
    """
    path = settings.TOKEN_CLAIMS
    if path is None:
        return {}
    try:
        return _checked(import_string(path)(client))
    except Exception as error:
        message = "No token issued: TOKEN_CLAIMS (%s) failed: %s"
        log_error(message, path, error, exc_info=True)
        raise ServiceUnavailable("token_claims") from None


def _checked(claims: Any) -> dict[str, Any]:
    if not isinstance(claims, Mapping):
        raise UnusableClaims(f"it returned {type(claims).__name__}, not a dict")
    return {_checked_name(name): _as_json(name, value) for name, value in claims.items()}


def _checked_name(name: Any) -> str:
    if type(name) is not str:
        raise UnusableClaims(f"the name {name!r} is not a string")
    if name in _RESERVED or name.lower().startswith(_RESERVED_PREFIX):
        raise UnusableClaims(f"the claim {name!r} is reserved")
    return name


def _as_json(name: str, value: Any) -> Any:
    """Return the value as a verifier will read it. Raises UnusableClaims if it is not JSON."""
    try:
        text = json.dumps([name, value], allow_nan=False, ensure_ascii=False)
        text.encode()
        pair = json.loads(text, object_pairs_hook=unrepeated)
        # The pair is as deep as the payload that the claim will be in.
        freeze(pair)
    except (TypeError, ValueError, RecursionError):
        raise UnusableClaims(
            f"the claim {name!r} is not JSON, or nested {MAX_DEPTH} deep or more"
        ) from None
    return pair[1]
