"""Replace the hash of an imported secret when its owner uses it: only then is the secret known.

A strong secret is stored under SHA-256 afterwards, a weak one under a slow hash.
"""

from dataclasses import dataclass, field
from functools import partial
from threading import Lock

from django.db import connections, transaction
from django.views.decorators.debug import sensitive_variables

from tot_jwt.keys import state as key_state
from tot_jwt.keys.loading import KeyState
from tot_jwt.models import ApiKey, Tenant, current_tenant
from tot_jwt.rules.credentials import PresentedSecret
from tot_jwt.utils import clock
from tot_jwt.utils.logs import warn
from tot_jwt.utils.memory import BoundedDict

#: Seconds between two attempts of a process to replace the same hash.
INTERVAL = 60
MAX_ATTEMPTS = 10_000


@dataclass(frozen=True, slots=True)
class _Attempt:
    """A hash to replace, in one of the two columns. Its repr does not show the hash."""

    tenant: Tenant
    public_key: str
    column: str
    stored_hash: str = field(repr=False)


_attempts: BoundedDict[_Attempt, float] = BoundedDict(MAX_ATTEMPTS)
_lock = Lock()


@sensitive_variables()
def upgrade(secret: PresentedSecret, state: KeyState) -> None:
    """Replace the hash that the secret matched in this state, if it needs another. Never raises.

    In a host's transaction, wait for the commit, as `tot_jwt.keys.usage` does.
    """
    is_current = secret.matches(state.secret_hash)
    stored_hash = state.secret_hash if is_current else state.previous_secret_hash
    if secret.is_stored_well(stored_hash):
        return
    column = "secret_hash" if is_current else "previous_secret_hash"
    attempt = _Attempt(current_tenant(), state.public_key, column, stored_hash)
    alias, _ = attempt.tenant
    write = partial(_write, attempt, secret)
    if connections[alias].in_atomic_block:
        transaction.on_commit(write, using=alias, robust=True)
    else:
        write()


def reset() -> None:
    """Forget the attempts. For tests."""
    _attempts.clear()


def _write(attempt: _Attempt, secret: PresentedSecret) -> None:
    if not _claim(attempt):
        return
    try:
        # With autocommit off a transaction is always open, and Django reports no commit.
        if connections[attempt.tenant[0]].get_autocommit():
            _replace(attempt, secret)
    except Exception as error:
        # A traceback would lead error reporters to the hashes.
        key, name = attempt.public_key, type(error).__name__
        warn("Hash of a secret not replaced: key=%s error=%s", key, name)


@sensitive_variables()
def _replace(attempt: _Attempt, secret: PresentedSecret) -> None:
    """Write the new hash, unless a rotation or another process has replaced the old one."""
    alias, _ = attempt.tenant
    new_hash = secret.hash_for_storage()
    key = ApiKey.objects.using(alias).filter(public_key=attempt.public_key)
    if key.filter((attempt.column, attempt.stored_hash)).update(**{attempt.column: new_hash}):
        key_state.reset()


def _claim(attempt: _Attempt) -> bool:
    """Return True for only one thread a minute: that thread writes."""
    with _lock:
        now, last = clock.monotonic(), _attempts.get(attempt)
        if last is not None and now - last < INTERVAL:
            return False
        _attempts.put(attempt, now)
        return True
