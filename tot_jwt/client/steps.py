"""The steps on the way to a token, each for threads (`run`) and for tasks (`arun`).

`tot_jwt.client.session` decides which step is next, and does no I/O itself.
"""

import asyncio
from collections.abc import Callable, Generator
from concurrent.futures import Future
from contextlib import closing
from typing import Any, Protocol, TypeVar

from tot_jwt.client.clock import Clock

T = TypeVar("T")
#: A generator of steps, with the result T. It is sent the result of each step.
Steps = Generator[Any, Any, T]


class Step(Protocol):
    """Something that takes time."""

    def run(self) -> Any:
        """Do it in this thread."""

    async def arun(self) -> Any:
        """Do it without blocking the event loop."""


class Pause:
    """Wait for a time."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock, self._seconds = clock, seconds

    def run(self) -> None:
        """Block the thread."""
        self._clock.sleep(self._seconds)

    async def arun(self) -> None:
        """Suspend the task."""
        await self._clock.asleep(self._seconds)


class Join:
    """Wait for the end of the exchange that another thread or task makes."""

    def __init__(self, clock: Clock, end: Future[None], seconds: float) -> None:
        self._clock, self._end, self._seconds = clock, end, seconds

    def run(self) -> None:
        """Block the thread."""
        self._clock.wait(self._end, self._seconds)

    async def arun(self) -> None:
        """Suspend the task."""
        await self._clock.await_(self._end, self._seconds)


class Call:
    """Call a function that blocks."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self._function, self._arguments = function, arguments

    def run(self) -> Any:
        """Return what the function returns."""
        return self._function(*self._arguments)

    async def arun(self) -> Any:
        """Return the same, from another thread."""
        return await asyncio.to_thread(self.run)


def is_lost(closed: GeneratorExit, *, blocking: bool) -> bool:
    """Return whether a request of the closed flow failed, rather than its caller giving up."""
    if blocking:
        cause: BaseException | None = closed
        while isinstance(cause, GeneratorExit):
            cause = cause.__context__
        return isinstance(cause, Exception)
    try:
        task = asyncio.current_task()
    except RuntimeError:
        return False  # The event loop is closed: the flow was abandoned.
    return task is not None and not task.cancelling()


def finish(steps: Steps[T]) -> T:
    """Do all steps in this thread and return the result."""
    with closing(steps):
        reply = None
        while True:
            try:
                step: Step = steps.send(reply)
            except StopIteration as end:
                result: T = end.value
                return result
            reply = step.run()
