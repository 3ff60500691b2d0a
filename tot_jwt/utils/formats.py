"""Text formats that the settings and the rules share."""

import re
from typing import NamedTuple, Self

from django.core.exceptions import ImproperlyConfigured

_SCOPE_TOKEN = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+\Z")
_PERIODS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_RATE = re.compile(
    r"([1-9]\d{0,8})/(s|sec|second|m|min|minute|h|hour|d|day)\Z",
    re.ASCII,
)


def is_scope_token(text: str) -> bool:
    """Return whether the text is a scope-token (RFC 6749 §3.3)."""
    return _SCOPE_TOKEN.match(text) is not None


class Rate(NamedTuple):
    """A number of calls allowed in a period, in seconds."""

    limit: int
    period: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the rate of a text such as ``30/min``, in DRF's notation.

        Raises ImproperlyConfigured.
        """
        match = _RATE.match(text) if isinstance(text, str) else None
        if match is None:
            raise ImproperlyConfigured(f"Invalid rate {text!r}. Use for example '30/min'.")
        return cls(int(match[1]), _PERIODS[match[2][0]])
