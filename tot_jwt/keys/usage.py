"""When keys were last used, and how often: written at most once a minute for each key.

`tot_jwt.keys.counts` counts. Each process caches what it wrote, so that a key in steady use costs a
look-up in a dict. The row tells other processes: the UPDATE of the time matches it only if its time
is at least a minute old.
"""

import logging
from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import partial
from threading import Lock
from typing import NamedTuple

from django.db import connections, transaction
from django.db.models import Q

from tot_jwt.keys import counts
from tot_jwt.keys.counts import INTERVAL, Counter, Use
from tot_jwt.keys.loading import KeyState
from tot_jwt.models import ApiKey, KeyUsage, Tenant, write_alias
from tot_jwt.rules.credentials import PresentedSecret
from tot_jwt.utils import clock
from tot_jwt.utils.memory import BoundedDict

logger = logging.getLogger("tot_jwt")

#: A use that is no longer cached costs an UPDATE that changes nothing.
MAX_USES = 20_000


class _Due(NamedTuple):
    """A key, and the column and the hash of its secret if that was used. Its repr shows no hash."""

    tenant: Tenant
    public_key: str
    #: ``""`` if a token of the key was used.
    column: str
    secret_hash: str

    def __repr__(self) -> str:
        return f"<Due: {self.public_key}>"


_recorded: BoundedDict[_Due, float] = BoundedDict(MAX_USES)
_lock = Lock()


def key_used(public_key: str) -> tuple[Counter, Use]:
    """Record that a token of the key was used. Return its counter, and this use. Never raises."""
    counter = counts.counter_of(public_key)
    use = counter.accept()
    _note(counter, "", "")
    return counter, use


def secret_used(secret: PresentedSecret, state: KeyState) -> Use:
    """Record that a secret of the key was used, which matched this state. Never raises."""
    counter = counts.counter_of(state.public_key)
    use = counter.accept()
    if secret.matches(state.secret_hash):
        _note(counter, "secret", state.secret_hash)
    else:
        _note(counter, "previous_secret", state.previous_secret_hash)
    return use


def key_refused(public_key: str) -> None:
    """Record that a use of a key was refused. The key must exist. Never raises."""
    counter = counts.counter_of(public_key)
    counter.refuse()
    overdue = counts.overdue()
    if overdue:
        _soon(counter, partial(_write_counts, overdue))


def of_key(public_key: str, start: int, end: int) -> list[KeyUsage]:
    """Return the key's usage in the hours that begin from `start` to before `end` (NumericDates).

    What this process has counted is written first, unless a transaction is open.
    """
    counter = counts.counter_of(public_key)
    if not connections[write_alias()].in_atomic_block:
        _attempt(counter, counter.write)
    rows = KeyUsage.objects.filter(key__public_key=public_key, at__gte=start, at__lt=end)
    return list(rows.order_by("at"))


def reset() -> None:
    """Forget what was recorded, and what is not written. For tests."""
    with _lock:
        _recorded.clear()
    counts.reset()


def _note(counter: Counter, column: str, secret_hash: str) -> None:
    due = _Due(counter.tenant, counter.public_key, column, secret_hash)
    if _is_due(due):
        _soon(counter, partial(_write, due, counter))


def _soon(counter: Counter, write: Callable[[], None]) -> None:
    """Write now or, in a host's transaction, after the commit.

    A failing statement would break the host's transaction on PostgreSQL, and a successful one
    would lock the row until its end.
    """
    attempt, alias = partial(_attempt, counter, write), counter.tenant[0]
    if connections[alias].in_atomic_block:
        transaction.on_commit(attempt, using=alias, robust=True)
    else:
        attempt()


def _attempt(counter: Counter, write: Callable[[], None]) -> None:
    """Write, and log if that fails."""
    try:
        # With autocommit off a transaction is always open, and Django reports no commit.
        if connections[counter.tenant[0]].get_autocommit():
            write()
    except Exception:
        logger.warning("Use of a key not recorded: key=%s", counter.public_key, exc_info=True)


def _write(due: _Due, counter: Counter) -> None:
    if _claim(due):
        _update(due, due.tenant[0])
        _write_counts([counter, *counts.overdue()])


def _write_counts(counters: Iterable[Counter]) -> None:
    for counter in counters:
        counter.write()


def _update(due: _Due, alias: str) -> None:
    # QuerySet.update sends no signals, which would drop the cached states.
    now = clock.now()
    key = ApiKey.objects.using(alias).filter(public_key=due.public_key)
    if not due.column:
        key.filter(_is_old("last_used_at")).update(last_used_at=now)
        return
    column = f"{due.column}_last_used_at"
    # A rotation may have replaced the secret meanwhile, or moved it to the other column.
    key = key.filter(_is_old(column), (f"{due.column}_hash", due.secret_hash))
    key.update(**{"last_used_at": now, column: now})


def _is_old(column: str) -> Q:
    return Q((column, None)) | Q((f"{column}__lte", clock.now() - timedelta(seconds=INTERVAL)))


def _is_due(due: _Due) -> bool:
    recorded_at = _recorded.get(due)
    return recorded_at is None or clock.monotonic() - recorded_at >= INTERVAL


def _claim(due: _Due) -> bool:
    """Return True for only one thread a minute: that thread writes."""
    with _lock:
        if not _is_due(due):
            return False
        now = clock.monotonic()
        _recorded.put(due, now)
        # The use of a secret is a use of the key, too.
        _recorded.put(due._replace(column="", secret_hash=""), now)
        return True
