"""When keys were last used: at most one UPDATE a minute for each key, which delays no request.

Each process caches what it wrote, so that a key in steady use costs a look-up in a dict.
The row tells other processes: the UPDATE matches it only if its time is at least a minute old.
"""

import logging
from datetime import timedelta
from functools import partial
from threading import Lock
from typing import NamedTuple

from django.db import connections, transaction
from django.db.models import Q

from tot_jwt.keys.loading import KeyState
from tot_jwt.models import ApiKey, Tenant, current_tenant
from tot_jwt.rules.credentials import PresentedSecret
from tot_jwt.utils import clock
from tot_jwt.utils.memory import BoundedDict

logger = logging.getLogger("tot_jwt")

#: Seconds between two records of the same use.
INTERVAL = 60
#: A use that is no longer cached costs an UPDATE that changes nothing.
MAX_USES = 20_000


class Use(NamedTuple):
    """A key, and the column and the hash of its secret if that was used. Its repr shows no hash."""

    tenant: Tenant
    public_key: str
    #: ``""`` if a token of the key was used.
    column: str
    secret_hash: str

    def __repr__(self) -> str:
        return f"<Use: {self.public_key}>"


_recorded: BoundedDict[Use, float] = BoundedDict(MAX_USES)
_lock = Lock()


def key_used(public_key: str) -> None:
    """Record that a token of the key was used. Never raises."""
    _note(public_key, "", "")


def secret_used(secret: PresentedSecret, state: KeyState) -> None:
    """Record that a secret of the key was used, which matched this state. Never raises."""
    if secret.matches(state.secret_hash):
        _note(state.public_key, "secret", state.secret_hash)
    else:
        _note(state.public_key, "previous_secret", state.previous_secret_hash)


def reset() -> None:
    """Clear what was recorded. For tests, with `tot_jwt.keys.state.reset`."""
    with _lock:
        _recorded.clear()


def _note(public_key: str, column: str, secret_hash: str) -> None:
    """Record the use if it is due. In a host's transaction, wait for the commit.

    A failing statement would break the host's transaction on PostgreSQL, and a successful one
    would lock the row until its end.
    """
    use = Use(current_tenant(), public_key, column, secret_hash)
    if not _is_due(use):
        return
    alias, _ = use.tenant
    write = partial(_write, use, alias)
    if connections[alias].in_atomic_block:
        transaction.on_commit(write, using=alias, robust=True)
    else:
        write()


def _write(use: Use, alias: str) -> None:
    if not _claim(use):
        return
    try:
        # With autocommit off a transaction is always open, and Django reports no commit.
        if connections[alias].get_autocommit():
            _update(use, alias)
    except Exception:
        logger.warning("Use of a key not recorded: key=%s", use.public_key, exc_info=True)


def _update(use: Use, alias: str) -> None:
    # QuerySet.update sends no signals, which would drop the cached states.
    now = clock.now()
    key = ApiKey.objects.using(alias).filter(public_key=use.public_key)
    if not use.column:
        key.filter(_is_old("last_used_at")).update(last_used_at=now)
        return
    column = f"{use.column}_last_used_at"
    # A rotation may have replaced the secret meanwhile, or moved it to the other column.
    key = key.filter(_is_old(column), (f"{use.column}_hash", use.secret_hash))
    key.update(**{"last_used_at": now, column: now})


def _is_old(column: str) -> Q:
    return Q((column, None)) | Q((f"{column}__lte", clock.now() - timedelta(seconds=INTERVAL)))


def _is_due(use: Use) -> bool:
    recorded_at = _recorded.get(use)
    return recorded_at is None or clock.monotonic() - recorded_at >= INTERVAL


def _claim(use: Use) -> bool:
    """Return True for only one thread a minute: that thread writes."""
    with _lock:
        if not _is_due(use):
            return False
        now = clock.monotonic()
        _recorded.put(use, now)
        # The use of a secret is a use of the key, too.
        _recorded.put(use._replace(column="", secret_hash=""), now)
        return True
