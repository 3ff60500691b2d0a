"""How often keys are used: counted in the process, written once a minute, by key and hour.

A request adds to a number in memory. `tot_jwt.keys.usage` writes the numbers of a key together
with its time of use, and those of a few other keys that have waited for a minute. A process
writes what is left when it exits. A process that is killed loses what it has not written: at most
the uses of a minute.
"""

import atexit
import os
from itertools import chain, islice
from threading import Lock
from typing import Any
from weakref import WeakValueDictionary

from django.db import IntegrityError, connections
from django.db.models import F

from tot_jwt.models import ApiKey, KeyUsage, Tenant, current_tenant
from tot_jwt.utils import clock
from tot_jwt.utils.logs import log_error, one_line, warn

HOUR = 3600
#: Seconds for which counts may wait.
INTERVAL = 60
#: Keys of which one process may have counts that are not written. Others displace the oldest.
MAX_WAITING = 20_000
#: Keys whose counts one request writes beside its own.
BATCH = 10
#: Seconds after which the counts of a key are deleted, when it writes new ones.
RETENTION = 90 * 24 * HOUR

#: The numbers of accepted and of refused uses.
_Numbers = list[int]


class Counter:
    """The uses of one key that this process has counted and has not written."""

    __slots__ = ("__weakref__", "_key_id", "_numbers", "database", "public_key", "tenant")

    def __init__(self, tenant: Tenant, public_key: str) -> None:
        self.tenant = tenant
        self.public_key = public_key
        #: Tests replace it. What they counted must not reach the real one.
        self.database = _database(tenant)
        self._numbers: dict[int, _Numbers] = {}
        self._key_id: int | None = None

    def accept(self) -> "Use":
        """Count an accepted use."""
        hour = int(clock.epoch()) // HOUR
        self.add(hour, 1, 0)
        return Use(self, hour)

    def refuse(self) -> None:
        """Count a refused use."""
        self.add(int(clock.epoch()) // HOUR, 0, 1)

    def add(self, hour: int, accepted: int, refused: int) -> None:
        """Add to the numbers of an hour since 1970."""
        with _lock:
            if not self._numbers:
                _wait(self)
            numbers = self._numbers.get(hour)
            if numbers is None:
                numbers = self._numbers[hour] = [0, 0]
            numbers[0] += accepted
            numbers[1] += refused

    def write(self) -> None:
        """Add the numbers to the rows of the key. Keep them if that fails.

        Raises the database's exception.
        """
        for hour, numbers in self._take().items():
            try:
                self._write_hour(hour * HOUR, *numbers)
            except Exception:
                self.add(hour, *numbers)
                raise

    def _take(self) -> dict[int, _Numbers]:
        with _lock:
            _waiting.get(self.tenant, {}).pop(self, None)
            numbers, self._numbers = self._numbers, {}
            return numbers

    def _write_hour(self, at: int, accepted: int, refused: int) -> None:
        key_id, usage = self._find_key(), KeyUsage.objects.using(self.tenant[0])
        if key_id is None:
            return
        rows = usage.filter(key_id=key_id, at=at)
        added = {"accepted": F("accepted") + accepted, "refused": F("refused") + refused}
        if rows.update(**added):
            return
        try:
            usage.bulk_create([KeyUsage(key_id=key_id, at=at)], ignore_conflicts=True)
        except IntegrityError:  # the key was erased
            return
        rows.update(**added)
        usage.filter(key_id=key_id, at__lt=at - RETENTION).delete()

    def _find_key(self) -> int | None:
        if self._key_id is None:
            key = ApiKey.objects.using(self.tenant[0]).get_exact(self.public_key)
            self._key_id = None if key is None else key.pk
        return self._key_id


class Use:
    """An accepted use of a key. Call it if the request is refused after all."""

    __slots__ = ("_counter", "_hour")

    def __init__(self, counter: Counter, hour: int) -> None:
        self._counter: Counter | None = counter
        self._hour = hour

    def __call__(self) -> None:
        """Count the use as refused, and no longer as accepted. A second call does nothing."""
        counter, self._counter = self._counter, None
        if counter is not None:
            counter.add(self._hour, -1, 1)


_lock = Lock()
#: By their tenants, the counters whose numbers are not written, and since when (monotonic).
_waiting: dict[Tenant, dict[Counter, float]] = {}
#: One counter for each key in use.
_counters: WeakValueDictionary[tuple[Tenant, str], Counter] = WeakValueDictionary()


def counter_of(public_key: str) -> Counter:
    """Return the counter of a key. Do not ask for keys that may not exist."""
    place = current_tenant(), public_key
    counter = _counters.get(place)
    return _counters.setdefault(place, Counter(*place)) if counter is None else counter


def overdue() -> list[Counter]:
    """Return some counters of this tenant that have waited for a minute, the oldest first."""
    with _lock:
        oldest = islice(_waiting.get(current_tenant(), {}).items(), BATCH)
        due = clock.monotonic() - INTERVAL
        return [counter for counter, since in oldest if since <= due]


@atexit.register
def write_all() -> None:
    """Write everything, when the process exits. Never raises."""
    with _lock:
        counters = list(chain.from_iterable(_waiting.values()))
    try:
        for counter in counters:
            if counter.database == _database(counter.tenant):
                _select_schema(counter.tenant)
                counter.write()
    except Exception as error:
        warn("Counts of uses not written at exit: %s", one_line(str(error)))


def reset() -> None:
    """Forget what is not written. For tests, and in a new process that was forked."""
    global _lock  # noqa: PLW0603 - the process that was forked may have held it
    _lock = Lock()
    for counter in chain.from_iterable(_waiting.values()):
        counter._numbers = {}
    _waiting.clear()
    _counters.clear()


def _wait(counter: Counter) -> None:
    """Let the counter wait, in place of the oldest one if there are too many."""
    waiting = _waiting.setdefault(counter.tenant, {})
    if len(waiting) >= MAX_WAITING:
        oldest = next(iter(waiting))
        del waiting[oldest]
        oldest._numbers = {}
        log_error("Counts of uses lost: too many keys wait: key=%s", oldest.public_key)
    waiting[counter] = clock.monotonic()


def _database(tenant: Tenant) -> str:
    return str(connections[tenant[0]].settings_dict["NAME"])


def _select_schema(tenant: Tenant) -> None:
    """Let the connection use the tenant's schema, if it has schemas (django-tenants)."""
    alias, schema = tenant
    if schema is not None:
        connection: Any = connections[alias]
        connection.set_schema(schema)


if hasattr(os, "register_at_fork"):  # pragma: no branch - not on Windows
    os.register_at_fork(after_in_child=reset)
