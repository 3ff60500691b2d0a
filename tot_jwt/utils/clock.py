"""Time, in one place: the package reads no other clock."""

import time
from datetime import datetime

from django.conf import settings
from django.utils import timezone


def now() -> datetime:
    """Return the present as Django stores it: aware, or naive if USE_TZ is False."""
    return timezone.now()


def stored(moment: datetime) -> datetime:
    """Return an aware moment as Django stores it: aware, or naive if USE_TZ is False."""
    return (
        moment if settings.USE_TZ else timezone.make_naive(moment, timezone.get_default_timezone())
    )


def epoch() -> float:
    """Return the seconds since 1970 (RFC 7519 NumericDate)."""
    return time.time()


def monotonic() -> float:
    """Return seconds that never run backwards. Use them for ages, not for dates."""
    return time.monotonic()


def rfc3339(numeric_date: float) -> str:
    """Return a NumericDate as ``2025-10-29T18:38:22.000Z``: whole seconds, always UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(numeric_date))
