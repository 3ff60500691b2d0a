"""What scopes are, which exist, and which a key may be given."""

import re
from collections.abc import Iterable

from django.utils.translation import gettext_lazy as _

from tot_jwt.conf import settings
from tot_jwt.exceptions import InvalidValue

#: The right to manage API keys. Every token has it, no key is ever given it.
KEYS_MANAGE = "keys:manage"

#: A token carries its scopes, and must stay below 4,096 bytes.
MAX_SCOPES = 50
MAX_LENGTH = 1800

_SCOPE_TOKEN = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+\Z")


def is_scope_token(text: str) -> bool:
    """Whether the text is a scope-token (RFC 6749 §3.3)."""
    return _SCOPE_TOKEN.match(text) is not None


def split(text: str) -> frozenset[str]:
    """The scopes of a stored or signed space-separated list (RFC 9068 §2.2.3)."""
    return frozenset(text.split())


def join(scopes: Iterable[str]) -> str:
    """The space-separated list, in one order whatever the order given."""
    return " ".join(sorted(scopes))


def token_scopes(key_scopes: frozenset[str]) -> frozenset[str]:
    """What a key's tokens may carry: its own scopes, and `keys:manage` where TOKENS_MANAGE_KEYS."""
    return key_scopes | {KEYS_MANAGE} if settings.TOKENS_MANAGE_KEYS else key_scopes - {KEYS_MANAGE}


def validate(scopes: Iterable[str], *, known: Iterable[str] = ()) -> frozenset[str]:
    """The scopes, if a key may be given them; `known` are allowed although the catalogue does not list them.

    Raises InvalidValue.
    """
    scopes = frozenset(scopes)
    for scope in sorted(scopes):
        _validate_one(scope, known)
    if len(scopes) > MAX_SCOPES:
        raise InvalidValue(_("A key has at most %(limit)d scopes.") % {"limit": MAX_SCOPES})
    if len(join(scopes)) > MAX_LENGTH:
        raise InvalidValue(
            _("The scopes together are too long: %(limit)d characters at most.")
            % {"limit": MAX_LENGTH}
        )
    return scopes


def _validate_one(scope: str, known: Iterable[str]) -> None:
    if not is_scope_token(scope):
        raise InvalidValue(
            _("“%(scope)s” is not a scope (RFC 6749 section 3.3).") % {"scope": scope}
        )
    if scope == KEYS_MANAGE:
        raise InvalidValue(
            _("“%(scope)s” is never given to a key: every token has it.") % {"scope": scope}
        )
    catalogue = settings.SCOPES
    if catalogue and scope not in catalogue and scope not in known:
        raise InvalidValue(
            _("There is no scope “%(scope)s”: TOT_JWT['SCOPES'] does not list it.")
            % {"scope": scope}
        )
