"""Time, in one place: the client reads no other clock."""

import asyncio
import time
from concurrent.futures import Future
from contextlib import suppress

from tot_jwt.client.exceptions import Unavailable


class Clock:
    """The clocks of the system. Tests use one of their own."""

    def monotonic(self) -> float:
        """Return seconds that never run backwards."""
        return time.monotonic()

    def epoch(self) -> float:
        """Return the seconds since 1970."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Block the thread."""
        time.sleep(seconds)

    async def asleep(self, seconds: float) -> None:
        """Suspend the task."""
        await asyncio.sleep(seconds)

    def wait(self, end: Future[None], seconds: float) -> None:
        """Block the thread until the end, at most for this time."""
        with suppress(TimeoutError):
            end.result(seconds)

    async def await_(self, end: Future[None], seconds: float) -> None:
        """Suspend the task until the end, at most for this time."""
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.wrap_future(end), seconds)


class Deadline:
    """The moment by which a caller has a token or an exception."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self.at = clock.monotonic() + seconds

    def rest(self) -> float:
        """Return the seconds until then. Raises Unavailable if there are none."""
        rest = self.at - self._clock.monotonic()
        if rest <= 0:
            raise Unavailable("The token URL does not answer in time")
        return rest
