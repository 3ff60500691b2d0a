"""TokenSession: one token for all threads, tasks and event loops of a process.

Its methods are generators of steps. They do no I/O, and hold no lock while a step is made. So one
implementation serves threads and tasks, and a flow that is cancelled blocks no other.
"""

import copy
import os
import threading
import weakref
from concurrent.futures import Future

from tot_jwt.client.clock import Clock, Deadline
from tot_jwt.client.credentials import Credentials
from tot_jwt.client.exceptions import TokenError, Unavailable
from tot_jwt.client.exchange import Post, Usable, exchange
from tot_jwt.client.redacted import Redacted
from tot_jwt.client.shared import Cache, Entry, SharedToken
from tot_jwt.client.steps import Join, Steps, is_lost

#: In seconds. A caller that has no token by then gets an exception.
GIVE_UP_AFTER = 60
#: For so many seconds, all callers get the error of an exchange instead of making another.
REMEMBER_ERROR = 5


class Flight:
    """An exchange that one thread or task makes, and for which the others wait."""

    def __init__(self, started: float) -> None:
        self.stale_at = started + GIVE_UP_AFTER
        self.thread = threading.get_ident()
        self.end: Future[None] = Future()
        # Otherwise a waiting task that is cancelled would cancel it for all.
        self.end.set_running_or_notify_cancel()


class Failure:
    """The error of the last exchange, while it is remembered."""

    def __init__(self, error: TokenError, now: float) -> None:
        self._error = copy.copy(error)  # without the traceback
        self._retry_at = None if error.retry_after is None else now + error.retry_after
        wait = max(error.retry_after or 0, REMEMBER_ERROR)
        self.until = now + min(wait, GIVE_UP_AFTER)

    def again(self, now: float) -> TokenError:
        """Return the error for another caller."""
        error = copy.copy(self._error)
        if self._retry_at is not None:
            error.retry_after = max(round(self._retry_at - now), 0)
        return error


class TokenSession:
    """The current token of one API key, and the exchange that is under way."""

    def __init__(
        self, post: Post, credentials: Credentials, cache: Cache | None, clock: Clock
    ) -> None:
        self._post, self._clock = post, clock
        self._shared = SharedToken(cache, credentials.cache_key())
        self._current: Usable | None = None
        self._rejected: Redacted | None = None
        self._failure: Failure | None = None
        self.forget_flight()
        _sessions.add(self)

    def forget_flight(self) -> None:
        """Begin with a lock that no thread holds, as a forked process must."""
        # Reentrant: the garbage collector may close an abandoned flow in the middle of the next.
        self._lock = threading.RLock()
        self._flight: Flight | None = None

    def token(self, *, blocking: bool) -> Steps[Redacted]:
        """Return the token, and get another if its time has come. Raises TokenError.

        ``blocking`` says that a step blocks the thread.
        """
        deadline = Deadline(self._clock, GIVE_UP_AFTER)
        while (now := self._clock.monotonic()) < deadline.at:
            with self._lock:
                token = self._remembered(now)
                if token is not None:
                    return token
                flight, leads = self._board(now, blocking)
            if leads:
                return (yield from self._lead(flight, deadline, blocking))
            yield Join(self._clock, flight.end, min(deadline.at, flight.stale_at) - now)
        raise Unavailable("Another thread or task did not finish its exchange in time")

    def reject(self, token: Redacted) -> None:
        """Forget a token that the API rejected, unless another has taken its place."""
        with self._lock:
            if self._current is not None and self._current.token.equals(token):
                self._current, self._rejected = None, token

    def _remembered(self, now: float) -> Redacted | None:
        """Return the current token, if it is good. Raises the last error, if it is recent."""
        failure = self._failure if self._failure and now < self._failure.until else None
        is_renewed = self._flight is not None and now < self._flight.stale_at
        current = self._current
        if current is not None and now < current.end:
            # One caller renews it. The others use it, also if that has just failed.
            return current.token if now < current.until or failure or is_renewed else None
        if failure is not None:
            raise failure.again(now)
        return None

    def _board(self, now: float, blocking: bool) -> tuple[Flight, bool]:
        """Return the exchange under way or a new one, and whether the caller must make it."""
        flight = self._flight
        if flight is None or now >= flight.stale_at or self._is_own(flight, blocking):
            self._flight = flight = Flight(now)
            return flight, True
        return flight, False

    def _is_own(self, flight: Flight, blocking: bool) -> bool:
        # A thread that blocks cannot finish the exchange that a task or a hook of its own began.
        return blocking and flight.thread == threading.get_ident()

    def _lead(self, flight: Flight, deadline: Deadline, blocking: bool) -> Steps[Redacted]:
        try:
            return (yield from self._obtain(deadline))
        except TokenError as error:
            token = self._fail(error)
            if token is None:
                raise
            return token
        except GeneratorExit as closed:
            # The HTTP library closes the flow: its connection failed, or the caller gave up.
            if is_lost(closed, blocking=blocking):
                self._fail(Unavailable("The token URL cannot be reached"))
            raise
        finally:
            self._land(flight)

    def _fail(self, error: TokenError) -> Redacted | None:
        """Remember the error. Return the old token, if it is still good."""
        now = self._clock.monotonic()
        with self._lock:
            self._failure = Failure(error, now)
            return self._current.token if self._current and now < self._current.end else None

    def _obtain(self, deadline: Deadline) -> Steps[Redacted]:
        usable = yield from self._from_cache()
        if usable is not None:
            return self._keep(usable)
        good_until = self._current.end if self._current is not None else 0
        usable = yield from exchange(self._post, self._clock, deadline, good_until)
        token = self._keep(usable)
        entry = Entry(token, usable.until - self._clock.monotonic(), usable.end - usable.until)
        yield from self._shared.write(entry, self._clock.epoch())
        return token

    def _from_cache(self) -> Steps[Usable | None]:
        now = self._clock.monotonic()
        if self._rejected is not None:
            # Another token in the cache may have ended with this one.
            yield from self._shared.drop(self._rejected, self._clock.epoch())
            return None
        entry = yield from self._shared.read(self._clock.epoch())
        if entry is None:
            return None
        until = now + entry.good_for
        return Usable(entry.token, until, until + entry.spare)

    def _keep(self, usable: Usable) -> Redacted:
        with self._lock:
            self._current, self._rejected, self._failure = usable, None, None
        return usable.token

    def _land(self, flight: Flight) -> None:
        with self._lock:
            if self._flight is flight:
                self._flight = None
        flight.end.set_result(None)


_sessions: "weakref.WeakSet[TokenSession]" = weakref.WeakSet()


def _forget_flights() -> None:  # pragma: no cover: it runs in forked processes
    # The threads that made them exist only in the parent process.
    for session in _sessions:
        session.forget_flight()


if hasattr(os, "register_at_fork"):  # pragma: no branch: Windows does not have it
    os.register_at_fork(after_in_child=_forget_flights)
