"""When keys were last used, and how often: written at most once a minute for each key.

`tot_jwt.keys.counts` counts. Each process caches what it wrote, so that a key in steady use costs a
look-up in a dict. The row tells other processes: the UPDATE of the time matches it only if its time
is at least a minute old.
"""

import atexit
import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial
from threading import Lock
from typing import NamedTuple

from django.db import connections, transaction
from django.db.models import Q

from tot_jwt.keys.counts import INTERVAL, Counter, Use, counters
from tot_jwt.keys.loading import KeyState
from tot_jwt.keys.shutdown import write_counts
from tot_jwt.models import ApiKey, KeyUsage, Tenant, current_tenant
from tot_jwt.rules.credentials import PresentedSecret
from tot_jwt.utils import clock
from tot_jwt.utils.memory import BoundedDict

logger = logging.getLogger("tot_jwt")

#: A time that is no longer cached costs an UPDATE that changes nothing.
MAX_TIMES = 20_000


class TimeOfUse(NamedTuple):
    """A key, and the column and the hash of its secret if that was used. Its repr shows no hash."""

    tenant: Tenant
    public_key: str
    #: ``""`` if a token of the key was used.
    column: str
    secret_hash: str

    def __repr__(self) -> str:
        return f"<TimeOfUse: {self.public_key}>"


_recorded: BoundedDict[TimeOfUse, float] = BoundedDict(MAX_TIMES)
_lock = Lock()

atexit.register(write_counts)


def key_used(public_key: str) -> tuple[Counter, Use]:
    """Record that a token of the key was used. Return its counter, and this use. Never raises."""
    counter = counters.of(public_key)
    use = counter.accept()
    _note(counter, "", "")
    return counter, use


def secret_used(secret: PresentedSecret, state: KeyState) -> Use:
    """Record that a secret of the key was used, which matched this state. Never raises."""
    counter = counters.of(state.public_key)
    use = counter.accept()
    if secret.matches(state.secret_hash):
        _note(counter, "secret", state.secret_hash)
    else:
        _note(counter, "previous_secret", state.previous_secret_hash)
    return use


def use_refused(public_key: str | None) -> None:
    """Record that a use of a key was refused, or of one that does not exist (None). Never raises.

    Either way it writes what has waited for a minute: how long a refusal takes must not tell
    whether a key exists.
    """
    if public_key is not None:
        counters.of(public_key).refuse()
    tenant = current_tenant()
    if counters.overdue(tenant):
        _soon(tenant, partial(_attempt, tenant, public_key or "", partial(_write_overdue, tenant)))


def of_key(public_key: str, start: int, end: int) -> list[KeyUsage]:
    """Return the key's usage in the hours that begin from `start` to before `end` (NumericDates).

    What this process has counted is written first, unless a transaction is open.
    """
    counter = counters.of(public_key)
    tenant = counter.tenant
    _attempt(tenant, public_key, partial(counters.write, tenant, [counter]))
    rows = KeyUsage.objects.filter(key__public_key=public_key, at__gte=start, at__lt=end)
    return list(rows.exclude(accepted=0, refused=0).order_by("at"))


def reset() -> None:
    """Forget what was recorded, and what is not written. For tests."""
    with _lock:
        _recorded.clear()
    counters.reset()


def _note(counter: Counter, column: str, secret_hash: str) -> None:
    tenant, public_key = counter.tenant, counter.public_key
    time = TimeOfUse(tenant, public_key, column, secret_hash)
    if _is_due(time):
        _soon(tenant, partial(_write, time, counter))
    elif counters.overdue(tenant):
        _soon(tenant, partial(_attempt, tenant, public_key, partial(_write_overdue, tenant)))


def _soon(tenant: Tenant, write: Callable[[], None]) -> None:
    """Write now or, in a host's transaction, after the commit.

    A failing statement would break the host's transaction on PostgreSQL, and a successful one
    would lock the row until its end.
    """
    alias, _ = tenant
    if connections[alias].in_atomic_block:
        transaction.on_commit(write, using=alias, robust=True)
    else:
        write()


def _write(time: TimeOfUse, counter: Counter) -> None:
    if _claim(time):
        _attempt(time.tenant, time.public_key, partial(_write_all, time, counter))


def _write_all(time: TimeOfUse, counter: Counter) -> None:
    _update(time, time.tenant[0])
    counters.write(time.tenant, {counter, *counters.overdue(time.tenant)})


def _write_overdue(tenant: Tenant) -> None:
    counters.write(tenant, counters.overdue(tenant))


def _attempt(tenant: Tenant, public_key: str, write: Callable[[], None]) -> None:
    """Write if that is possible now, and log if it fails."""
    try:
        if _reaches(tenant):
            write()
    except Exception:
        counters.postpone(tenant)
        with suppress(Exception):  # a handler of the host fails, too
            logger.warning("Use of a key not recorded: key=%s", public_key, exc_info=True)


def _reaches(tenant: Tenant) -> bool:
    """Return whether the connection uses the tenant's schema, and commits each statement.

    A transaction may end after its schema was left. With autocommit off a transaction is always
    open, and Django reports no commit.
    """
    connection = connections[tenant[0]]
    return getattr(connection, "schema_name", None) == tenant[1] and connection.get_autocommit()


def _update(time: TimeOfUse, alias: str) -> None:
    # QuerySet.update sends no signals, which would drop the cached states.
    now = clock.now()
    key = ApiKey.objects.using(alias).filter(public_key=time.public_key)
    if not time.column:
        key.filter(_is_old("last_used_at")).update(last_used_at=now)
        return
    column = f"{time.column}_last_used_at"
    # A rotation may have replaced the secret meanwhile, or moved it to the other column.
    key = key.filter(_is_old(column), (f"{time.column}_hash", time.secret_hash))
    key.update(**{"last_used_at": now, column: now})


def _is_old(column: str) -> Q:
    return Q((column, None)) | Q((f"{column}__lte", clock.now() - timedelta(seconds=INTERVAL)))


def _is_due(time: TimeOfUse) -> bool:
    recorded_at = _recorded.get(time)
    return recorded_at is None or clock.monotonic() - recorded_at >= INTERVAL


def _claim(time: TimeOfUse) -> bool:
    """Return True for only one thread a minute: that thread writes."""
    with _lock:
        if not _is_due(time):
            return False
        now = clock.monotonic()
        _recorded.put(time, now)
        # The use of a secret is a use of the key, too.
        _recorded.put(time._replace(column="", secret_hash=""), now)
        return True
