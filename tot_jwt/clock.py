"""The one seam for time: everything in the package that needs to know it asks here."""

import time
from datetime import datetime

from django.utils import timezone


def now() -> datetime:
    """The present as Django stores it: aware, or naive where USE_TZ is False."""
    return timezone.now()


#: Seconds since 1970 (RFC 7519 NumericDate).
epoch = time.time
#: Seconds that never run backwards, for ages rather than dates.
monotonic = time.monotonic


def rfc3339(numeric_date: float) -> str:
    """A NumericDate as ``2025-10-29T18:38:22.000Z``: UTC whatever TIME_ZONE says, whole seconds."""
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(numeric_date))
