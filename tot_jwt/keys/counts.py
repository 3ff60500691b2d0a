"""How often keys are used: counted in the process, written once a minute, by key and hour.

A request adds to a number in memory. `tot_jwt.keys.usage` writes the numbers of a key together
with its time of use, and those of all other keys that have waited for a minute. A process writes
what is left when it exits (`tot_jwt.keys.shutdown`). A process that is killed loses what it has
not written: at most the uses of a minute.
"""

import os
from collections.abc import Iterable
from itertools import islice
from threading import Lock
from typing import NamedTuple
from weakref import WeakValueDictionary

from django.db import connections

from tot_jwt.keys.hours import HOUR, Hour, add_to_rows, prune
from tot_jwt.models import Tenant, current_tenant
from tot_jwt.utils import clock
from tot_jwt.utils.logs import Pacer, log_error

#: Seconds for which counts may wait.
INTERVAL = 60
#: Rows that one statement writes, and keys whose counts one request writes.
BATCH = 200

#: By hours since 1970, how many uses were accepted, and how many were refused.
_Numbers = dict[int, list[int]]


class Use:
    """An accepted use of a key. Call it if the request is refused after all."""

    __slots__ = ("_counter", "_hour", "_losses")

    def __init__(self, counter: "Counter", hour: int) -> None:
        self._counter: Counter | None = counter
        self._hour = hour
        self._losses = counter.losses

    def __call__(self) -> None:
        """Count the use as refused, and no longer as accepted. A second call does nothing."""
        counter, self._counter = self._counter, None
        if counter is not None:
            is_lost = counter.losses != self._losses
            counter.add(self._hour, 0 if is_lost else -1, 1)


class Counter:
    """The uses of one key that this process has counted and has not written."""

    __slots__ = (
        "__weakref__",
        "_counters",
        "_is_writing",
        "_numbers",
        "database",
        "losses",
        "public_key",
        "tenant",
    )

    def __init__(self, counters: "Counters", tenant: Tenant, public_key: str) -> None:
        self.tenant = tenant
        self.public_key = public_key
        #: Tests replace it. What they counted must not reach the real one.
        self.database = database_name(tenant[0])
        #: How often numbers were forgotten.
        self.losses = 0
        self._counters = counters
        self._numbers: _Numbers = {}
        self._is_writing = False

    def accept(self) -> Use:
        """Count an accepted use."""
        hour = int(clock.epoch()) // HOUR
        self.add(hour, 1, 0)
        return Use(self, hour)

    def refuse(self) -> None:
        """Count a refused use."""
        self.add(int(clock.epoch()) // HOUR, 0, 1)

    def add(self, hour: int, accepted: int, refused: int) -> None:
        """Add to the numbers of an hour since 1970."""
        is_first = False
        with self._counters.lock:
            numbers = self._numbers.get(hour)
            if numbers is None:
                is_first = not self._numbers
                numbers = self._numbers[hour] = [0, 0]
            numbers[0] += accepted
            numbers[1] += refused
        if is_first:
            self._counters.let_wait(self)

    def take(self) -> _Numbers:
        """Return the numbers for writing, none while another thread writes some.

        Two threads could write first that a use is not accepted any more, and then that it was.
        """
        with self._counters.lock:
            if self._is_writing:
                return {}
            self._counters.stop_waiting(self)
            numbers, self._numbers = self._numbers, {}
            self._is_writing = bool(numbers)
            return numbers

    def end_write(self) -> None:
        """Let the next thread write."""
        self._is_writing = False

    def forget(self) -> None:
        """Forget the numbers, and the thread that was writing some."""
        self._numbers, self._is_writing = {}, False
        self.losses += 1


class _Taken(NamedTuple):
    """The numbers of an hour that a thread is about to write."""

    counter: Counter
    hour: int
    accepted: int
    refused: int


class Counters:
    """The counters of the keys in use, and which of them have numbers that are not written.

    At most `limit` counters wait, of all tenants together. More displace the oldest.
    """

    def __init__(self, limit: int = 20_000) -> None:
        self.lock = Lock()
        self._limit = limit
        self._counters: WeakValueDictionary[tuple[Tenant, str], Counter] = WeakValueDictionary()
        #: Since when the counters of each tenant have waited (monotonic), the oldest first.
        self._waiting: dict[Tenant, dict[Counter, float]] = {}
        self._number_waiting = 0
        self._losses = Pacer()
        #: The hour in which this process last found no more old rows of the tenant.
        self._pruned: dict[Tenant, int] = {}

    def of(self, public_key: str) -> Counter:
        """Return the counter of a key. Do not ask for keys that may not exist."""
        place = current_tenant(), public_key
        counter = self._counters.get(place)
        if counter is None:
            new = Counter(self, *place)
            with self.lock:
                counter = self._counters.setdefault(place, new)
        return counter

    def write(self, tenant: Tenant, counters: Iterable[Counter]) -> None:
        """Add the numbers of counters of the tenant to their rows, and keep them if that fails.

        Once an hour, delete old rows. Raises the database's exception.
        """
        taken = [
            _Taken(counter, hour, *numbers)
            for counter in counters
            for hour, numbers in counter.take().items()
        ]
        writing = {each.counter for each in taken}
        try:
            _write(tenant[0], taken)
        finally:
            for counter, *numbers in taken:
                counter.add(*numbers)
            for counter in writing:
                counter.end_write()
        if writing:
            self._prune(tenant)

    def overdue(self, tenant: Tenant) -> list[Counter]:
        """Return some counters of the tenant that have waited for a minute, the oldest first."""
        with self.lock:
            oldest = islice(self._waiting.get(tenant, {}).items(), BATCH)
            due = clock.monotonic() - INTERVAL
            return [counter for counter, since in oldest if since <= due]

    def postpone(self, tenant: Tenant) -> None:
        """Let the counters of the tenant wait for another minute, because a write failed."""
        with self.lock:
            waiting = self._waiting.get(tenant, {})
            waiting.update(dict.fromkeys(waiting, clock.monotonic()))

    def waiting(self) -> list[Counter]:
        """Return the counters that wait, those of a tenant together."""
        with self.lock:
            return [counter for waiting in self._waiting.values() for counter in waiting]

    def let_wait(self, counter: Counter) -> None:
        """Let the counter wait, in place of the oldest one if too many wait."""
        with self.lock:
            is_full = self._number_waiting >= self._limit
            if is_full:
                self._displace()
            waiting = self._waiting.setdefault(counter.tenant, {})
            self._number_waiting += counter not in waiting
            waiting[counter] = clock.monotonic()
        if is_full and self._losses.is_due():
            log_error("Counts of uses lost: more than %s keys wait to be written", self._limit)

    def stop_waiting(self, counter: Counter) -> None:
        """Let the counter wait no longer. The lock is held."""
        waiting = self._waiting.get(counter.tenant, {})
        if waiting.pop(counter, None) is not None:
            self._number_waiting -= 1
            if not waiting:
                del self._waiting[counter.tenant]

    def reset(self) -> None:
        """Forget all that is counted. For tests, and in a new process that was forked."""
        # A thread that does not exist in the new process may have held the lock.
        self.lock = Lock()
        for counter in list(self._counters.values()):
            counter.forget()
        self._counters.clear()
        self._waiting.clear()
        self._number_waiting = 0
        self._losses = Pacer()
        self._pruned.clear()

    def _prune(self, tenant: Tenant) -> None:
        hour = int(clock.epoch()) // HOUR
        if self._pruned.get(tenant) != hour and not prune(tenant[0]):
            self._pruned[tenant] = hour

    def _displace(self) -> None:
        oldest = next(iter(next(iter(self._waiting.values()))))
        self.stop_waiting(oldest)
        oldest.forget()


counters = Counters()

if hasattr(os, "register_at_fork"):  # pragma: no branch - not on Windows
    os.register_at_fork(after_in_child=counters.reset)


def database_name(alias: str) -> str:
    """Return the name of the database that the alias stands for now."""
    return str(connections[alias].settings_dict["NAME"])


def _write(alias: str, taken: list[_Taken]) -> None:
    """Write the numbers, and remove from the list what is written."""
    while taken:
        hours = [Hour(each.counter.public_key, each.hour, *each[2:]) for each in taken[:BATCH]]
        add_to_rows(alias, hours)
        del taken[:BATCH]
