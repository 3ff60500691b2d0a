"""Moments, and clocks that stand still."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

NOON = datetime(2025, 10, 29, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@contextmanager
def stopped_clocks(moment: datetime = NOON) -> Iterator[Callable[[float], None]]:
    """Stop the wall clock and the monotonic clock; yield a function that moves both on.

    time_machine does not stop `time.monotonic`, which tells the age of cached states.
    """
    elapsed = 0

    def pass_time(seconds: float) -> None:
        nonlocal elapsed
        elapsed += round(seconds * 1_000_000)
        traveller.move_to(moment + timedelta(microseconds=elapsed))

    with (
        time_machine.travel(moment, tick=False) as traveller,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(time, "monotonic", lambda: 1000 + elapsed / 1_000_000)
        yield pass_time
