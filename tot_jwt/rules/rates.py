"""The rate limits of keys and domains: ``600/min``, or an empty text for none of its own."""

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from tot_jwt.exceptions import InvalidValue
from tot_jwt.utils.predicates import is_rate

_INVALID = _("Use a number per sec, min, hour or day, for example: 600/min.")


def check_rate(text: str) -> str:
    """Return the rate if it is one, or empty. Raises InvalidValue."""
    if text and not is_rate(text):
        raise InvalidValue(_INVALID)
    return text


def validate_rate(text: str) -> None:
    """Validate a rate for Django's models and forms. Raises ValidationError."""
    if text and not is_rate(text):
        raise ValidationError(_INVALID, code="invalid_rate")
