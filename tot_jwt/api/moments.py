"""Moments as clients and operators write them (RFC 3339), and the period between two of them."""

import math
import re
from datetime import datetime
from typing import NamedTuple, Self

from tot_jwt.utils import clock

#: The length of a period without a start, in seconds.
DEFAULT_LENGTH = 30 * 24 * 3600

# `fromisoformat` alone accepts more: weeks, dates without a time, any character after the Z.
_RFC3339 = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)\Z", re.ASCII | re.IGNORECASE
)


def parse_moment(text: str) -> datetime | None:
    """Return a date and time with its time zone. None if the text is anything else."""
    try:
        return datetime.fromisoformat(text.upper()) if _RFC3339.match(text) else None
    except ValueError:
        return None


class Period(NamedTuple):
    """The hours that begin from `start` to before `end` (NumericDates)."""

    start: int
    end: int

    @classmethod
    def between(cls, start: datetime | None, end: datetime | None) -> Self:
        """Return the period. Without an end it includes the present hour."""
        # An hour begins at a whole second. So it begins before a fraction exactly if it begins
        # before the next whole second.
        stop = int(clock.epoch()) + 1 if end is None else math.ceil(end.timestamp())
        return cls(stop - DEFAULT_LENGTH if start is None else math.ceil(start.timestamp()), stop)
