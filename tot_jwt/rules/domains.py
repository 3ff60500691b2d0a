"""The canonical form of an appDomain, and the aliases of a domain."""

import re
from collections.abc import Iterable

import idna
from django.utils.translation import gettext_lazy as _

from tot_jwt.exceptions import InvalidValue
from tot_jwt.rules import lengths

#: Labels of 1 to 63 lower-case letters, digits, underscores and inner hyphens, joined by dots: RFC
#: 1123 §2.1 and underscores, which names of apps have (``com.example.my_app``). Databases use this
#: pattern too. They do not agree on a symbol for the end of the text, but `$` that no newline
#: follows means the same to all of them.
PATTERN = (
    r"^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
    r"(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*$(?!\n)"
)

INVALID = _("This is not a valid domain name.")
INVALID_ALIAS = _("Alias %(number)d is not a valid domain name.")
TOO_MANY_ALIASES = _("Use at most %(limit)d aliases.")

#: The aliases of one domain: each use of a key compares them.
MAX_ALIASES = 50

_CANONICAL = re.compile(PATTERN)
# Clients send their Host header (RFC 9110 §7.2).
_PORT_OR_DOT = re.compile(r"\.?(?::[0-9]{1,5})?\Z")


def canonical(text: str) -> str | None:
    """Return the domain in lower case, or None if the text is not an ASCII domain.

    A port and one trailing dot are ignored. Nothing else that clients send is repaired: Python's
    own "idna" codec would turn look-alikes and zero-width characters into another client's domain.
    """
    if not text.isascii() or len(text) > lengths.SENT_DOMAIN:
        return None
    domain = _PORT_OR_DOT.sub("", text.lower(), count=1)
    return domain if len(domain) <= lengths.DOMAIN and _CANONICAL.match(domain) else None


def from_person(text: str) -> str:
    """Return the canonical domain of what a person typed; Unicode is allowed (UTS 46, STD 3).

    Raises InvalidValue.
    """
    # `to_ascii` would reject a port beside Unicode.
    domain = canonical(to_ascii(_PORT_OR_DOT.sub("", text.strip(), count=1)) or "")
    if domain is None:
        raise InvalidValue(INVALID)
    return domain


def aliases_from_person(texts: Iterable[str], domain: str) -> str:
    """Return the canonical aliases of a domain, sorted and separated by spaces.

    Raises InvalidValue with the number of the alias that is not a domain.
    """
    found = set()
    if isinstance(texts, str):
        texts = texts.split()
    for number, text in enumerate(texts, 1):
        try:
            found.add(from_person(text))
        except InvalidValue as error:
            raise InvalidValue(INVALID_ALIAS % {"number": number}) from error
    found.discard(domain)
    if len(found) > MAX_ALIASES:
        raise InvalidValue(TOO_MANY_ALIASES % {"limit": MAX_ALIASES})
    return " ".join(sorted(found))


def to_ascii(text: str) -> str | None:
    """Return the text with its Unicode labels encoded as IDNA does, or None if they cannot be."""
    if text.isascii():
        return text
    try:
        # STD 3 allows no underscores: only the labels with Unicode need its rules.
        labels = idna.uts46_remap(text, std3_rules=False).split(".")
        return ".".join(
            label if label.isascii() else idna.alabel(label).decode("ascii") for label in labels
        )
    except idna.IDNAError:
        return None
