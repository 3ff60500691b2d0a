"""The canonical form of an appDomain."""

import re

import idna
from django.utils.translation import gettext_lazy as _

from tot_jwt.exceptions import InvalidValue
from tot_jwt.rules import lengths

#: RFC 1123 §2.1 in lower case: labels of 1 to 63 letters, digits and inner hyphens, joined by
#: dots. Databases use this pattern too. They do not agree on a symbol for the end of the text,
#: but `$` that no newline follows means the same to all of them.
PATTERN = (
    r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
    r"(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$(?!\n)"
)

INVALID = _("This is not a valid domain name.")

_CANONICAL = re.compile(PATTERN)


def canonical(text: str) -> str | None:
    """Return the domain in lower case, or None if the text is not an ASCII domain.

    What clients send is compared, not repaired: Python's own "idna" codec would turn look-alikes
    and zero-width characters into another client's domain.
    """
    if not text.isascii() or len(text) > lengths.DOMAIN:
        return None
    lowered = text.lower()
    return lowered if _CANONICAL.match(lowered) else None


def from_person(text: str) -> str:
    """Return the canonical domain of what a person typed; Unicode is allowed (UTS 46, STD 3).

    Raises InvalidValue.
    """
    text = text.strip()
    try:
        domain = canonical(text if text.isascii() else _to_ascii(text))
    except idna.IDNAError as error:
        raise InvalidValue(INVALID) from error
    if domain is None:
        raise InvalidValue(INVALID)
    return domain


def _to_ascii(text: str) -> str:
    return idna.encode(text, uts46=True, std3_rules=True).decode("ascii")
