"""The names of keys and domains: a person must see them, and they must not disturb a page."""

import unicodedata

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from tot_jwt.exceptions import InvalidValue

INVISIBLE = "Use at least one visible character."
CONTROL = "Control characters, line separators and bidirectional controls are not allowed."

_TEXTS = {
    INVISIBLE: _("Use at least one visible character."),
    CONTROL: _("Control characters, line separators and bidirectional controls are not allowed."),
}

#: Control characters, line and paragraph separators, halves of surrogate pairs.
_FORBIDDEN_CATEGORIES = {"Cc", "Cs", "Zl", "Zp"}
#: ARABIC LETTER MARK, marks, embeddings, overrides and isolates (UAX 9).
_BIDIRECTIONAL = frozenset(
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)
#: Letters and symbols that Unicode shows as blanks.
_BLANK = frozenset("\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\U0001d159")


def name_error(text: str) -> str | None:
    """Return what is wrong with a name, as clients see it, or None.

    Joiners and variation selectors are allowed: Persian and emoji need them.
    """
    if text.isascii() and text.isprintable() and not text.isspace() and text:
        return None
    if any(_is_forbidden(character) for character in text):
        return CONTROL
    return None if any(map(_is_visible, text)) else INVISIBLE


def check_name(text: str) -> str:
    """Return the name if it may be stored. Raises InvalidValue."""
    error = name_error(text)
    if error is not None:
        raise InvalidValue(_TEXTS[error])
    return text


def validate_name(text: str) -> None:
    """Validate a name for Django's models and forms. Raises ValidationError."""
    error = name_error(text)
    if error is not None:
        raise ValidationError(_TEXTS[error], code="invalid_name")


def _is_forbidden(character: str) -> bool:
    return character in _BIDIRECTIONAL or unicodedata.category(character) in _FORBIDDEN_CATEGORIES


def _is_visible(character: str) -> bool:
    # Letters, numbers, punctuation and symbols. Marks need a character to sit on.
    return unicodedata.category(character)[0] in "LNPS" and character not in _BLANK
