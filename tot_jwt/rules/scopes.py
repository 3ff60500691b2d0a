"""Which scopes exist, which a key may have, and which its tokens carry."""

from collections.abc import Iterable

from django.utils.translation import gettext_lazy as _

from tot_jwt.conf import KEYS_MANAGE as KEYS_MANAGE
from tot_jwt.conf import settings
from tot_jwt.exceptions import InvalidValue
from tot_jwt.rules import lengths
from tot_jwt.utils.formats import is_scope_token

#: The scope of clients that may introspect tokens. The host gives it to resource servers.
TOKENS_INTROSPECT = "tokens:introspect"

#: A token carries its scopes, and must stay below 4,096 bytes.
MAX_SCOPES = 50

_MANAGE = frozenset({KEYS_MANAGE})


def split(text: str) -> frozenset[str]:
    """Return the scopes of a stored or signed space-separated list (RFC 9068 §2.2.3)."""
    return frozenset(text.split())


def join(scopes: Iterable[str]) -> str:
    """Return the sorted, space-separated list of the scopes."""
    return " ".join(sorted(scopes))


def token_scopes(key_scopes: frozenset[str]) -> frozenset[str]:
    """Return what a key's tokens may carry: its scopes, and `keys:manage` if TOKENS_MANAGE_KEYS."""
    return key_scopes | _MANAGE if settings.TOKENS_MANAGE_KEYS else key_scopes - _MANAGE


def validate(scopes: Iterable[str], *, known: Iterable[str] = ()) -> frozenset[str]:
    """Return the scopes if a key may have them. `known` are allowed even if SCOPES lacks them.

    Raises InvalidValue.
    """
    scopes = frozenset(scopes)
    for scope in sorted(scopes):
        _validate_one(scope, known)
    if len(scopes) > MAX_SCOPES:
        raise InvalidValue(_("A key has at most %(limit)d scopes.") % {"limit": MAX_SCOPES})
    if len(join(scopes)) > lengths.SCOPES:
        message = _("The scopes are too long: use at most %(limit)d characters in all.")
        raise InvalidValue(message % {"limit": lengths.SCOPES})
    return scopes


def _validate_one(scope: str, known: Iterable[str]) -> None:
    if not is_scope_token(scope):
        raise InvalidValue(
            _("“%(scope)s” is not a scope (RFC 6749 section 3.3).") % {"scope": scope}
        )
    if scope == KEYS_MANAGE:
        message = _("“%(scope)s” cannot be given to a key: only tokens carry it.")
        raise InvalidValue(message % {"scope": scope})
    allowed = settings.SCOPES
    if allowed and scope not in allowed and scope not in known:
        message = _("“%(scope)s” is not a scope that TOT_JWT['SCOPES'] lists.")
        raise InvalidValue(message % {"scope": scope})
