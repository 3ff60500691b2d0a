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


#: From here on a moment is no date in one time zone or another, since the calendar ends with the year 9999.
END_OF_CALENDAR = datetime(9999, 12, 30)  # noqa: DTZ001 - in each zone


def rfc3339(numeric_date: float) -> str:
    """A NumericDate as ``2025-10-29T18:38:22.000Z``: UTC whatever TIME_ZONE says, whole seconds."""
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(numeric_date))
