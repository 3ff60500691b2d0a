"""The metadata of keys and domains: a small JSON object for the host's own use."""

import json
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

#: In bytes, as compact JSON in UTF-8.
MAX_METADATA = 2048

NOT_METADATA = "Not a JSON object of strings with at most 2048 bytes."

_INVALID = _("Use a JSON object whose values are strings, of at most %(limit)d bytes.")


def is_metadata(value: Any) -> bool:
    """Return whether the value is an object of strings that is small enough."""
    if not isinstance(value, dict):
        return False
    texts = [*value.keys(), *value.values()]
    if not all(isinstance(text, str) and _can_be_stored(text) for text in texts):
        return False
    return (
        len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()) <= MAX_METADATA
    )


def validate_metadata(value: Any) -> None:
    """Validate metadata for Django's models and forms. Raises ValidationError."""
    if not is_metadata(value):
        raise ValidationError(_INVALID, code="invalid_metadata", params={"limit": MAX_METADATA})


def _can_be_stored(text: str) -> bool:
    # PostgreSQL stores no NUL, and no database stores half of a surrogate pair.
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)
