"""The canonical form of an appDomain."""

import re

import idna
from django.utils.translation import gettext_lazy as _

from tot_jwt.exceptions import InvalidValue

MAX_LENGTH = 253
#: RFC 1123 §2.1, in lower case: labels of 1 to 63 letters, digits and inner hyphens, joined by dots. Databases use it
#: too, and do not agree on a word for the very end of a text; a line's end that no newline follows is one to all.
PATTERN = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$(?!\n)"

_CANONICAL = re.compile(PATTERN)


def canonical(text: str) -> str | None:
    """The domain in lower case, or None where the text is not an ASCII domain.

    Nothing else is mapped: what clients send is compared, not repaired. Python's own "idna" codec would turn
    look-alikes and zero-width characters into somebody's domain.
    """
    if not text.isascii() or len(text) > MAX_LENGTH:
        return None
    lowered = text.lower()
    return lowered if _CANONICAL.match(lowered) else None


def from_person(text: str) -> str:
    """The canonical domain of what a person typed, Unicode allowed (UTS 46 with the STD 3 rules).

    Raises InvalidValue.
    """
    text = text.strip()
    try:
        ascii_text = (
            text
            if text.isascii()
            else idna.encode(text, uts46=True, std3_rules=True).decode("ascii")
        )
    except idna.IDNAError as error:
        raise InvalidValue(_("This is not a valid domain name.")) from error
    domain = canonical(ascii_text)
    if domain is None:
        raise InvalidValue(_("This is not a valid domain name."))
    return domain
