"""When keys were last used: at most one UPDATE a minute for any one use of a key, and none that disturbs a request.

What was written is remembered in each process, so that a key in steady use costs a look into a dict. Other processes
are told by the row: the UPDATE finds it only where the time that stands there is a minute old.
"""

import logging
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from threading import Lock
from typing import NamedTuple

from django.db import connections, router, transaction
from django.db.models import Q

from tot_jwt.keys.state import KeyState
from tot_jwt.models import ApiKey
from tot_jwt.rules.credentials import PresentedSecret
from tot_jwt.utils import clock

logger = logging.getLogger("tot_jwt")

#: Seconds from one record of a use to the next.
INTERVAL = 60
#: How many uses a process remembers. The oldest go first; one that is forgotten costs an UPDATE that changes nothing.
MAX_USES = 20_000


class Use(NamedTuple):
    """A key, and the hash of its previous secret if that was what came. Its repr shows no hash."""

    public_key: str
    previous_secret_hash: str

    def __repr__(self) -> str:
        return f"<Use: {self.public_key}>"


_recorded: dict[tuple[str, str], float] = {}
_lock = Lock()


def key_used(public_key: str) -> None:
    """Record that a token of the key was used. Never raises."""
    _note(public_key, "")


def secret_used(secret: PresentedSecret, state: KeyState) -> None:
    """Record that a secret of the key was used, which matched in this state. Never raises."""
    is_current = secret.matches(state.secret_hash)
    _note(state.public_key, "" if is_current else state.previous_secret_hash)


def reset() -> None:
    """Forget what was recorded when. For tests that look at times of use, beside `tot_jwt.key_state.reset`."""
    with _lock:
        _recorded.clear()


def _note(public_key: str, previous_secret_hash: str) -> None:
    """Record the use if it is time to.

    In a transaction of the host's that waits for the commit: a statement that fails would spoil the transaction on
    PostgreSQL, and one that succeeds would lock the row until its end.
    """
    if not _is_due((public_key, previous_secret_hash)):
        return
    use = Use(public_key, previous_secret_hash)
    alias = router.db_for_write(ApiKey)
    write: Callable[[], None] = partial(_write, use, alias)
    if connections[alias].in_atomic_block:
        transaction.on_commit(write, using=alias, robust=True)
    else:
        write()


def _write(use: Use, alias: str) -> None:
    if not _claim(use):
        return
    try:
        # With autocommit off there is a transaction all the time, and no commit that tells us.
        if connections[alias].get_autocommit():
            _update(use, alias)
    except Exception:
        logger.warning("Use of a key not recorded: key=%s", use.public_key, exc_info=True)


def _update(use: Use, alias: str) -> None:
    """Set the times of a row whose time is old enough; past the models, whose signals drop the remembered states."""
    now = clock.now()
    key = ApiKey.objects.using(alias).filter(public_key=use.public_key)
    if use.previous_secret_hash:
        # It may have been rotated away by now.
        key = key.filter(
            _is_old("previous_secret_last_used_at"), previous_secret_hash=use.previous_secret_hash
        )
        key.update(last_used_at=now, previous_secret_last_used_at=now)
    else:
        key.filter(_is_old("last_used_at")).update(last_used_at=now)


def _is_old(column: str) -> Q:
    return Q((column, None)) | Q((f"{column}__lte", clock.now() - timedelta(seconds=INTERVAL)))


def _is_due(use: tuple[str, str]) -> bool:
    recorded_at = _recorded.get(use)
    return recorded_at is None or clock.monotonic() - recorded_at >= INTERVAL


def _claim(use: Use) -> bool:
    """Whether the caller is to write: one thread is, and whether or not it succeeds, no other for a minute."""
    with _lock:
        if not _is_due(use):
            return False
        _recorded.pop(use, None)
        if len(_recorded) >= MAX_USES:
            del _recorded[next(iter(_recorded))]
        _recorded[use] = clock.monotonic()
        return True
