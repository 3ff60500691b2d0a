"""The barrier against guessing the secret of a slow hash, which may be weak.

The limit on failures counts per address, and only what has failed: many addresses, or many threads
of one, find a short secret in spite of it. A guess at a slow hash is therefore counted before the
secret is compared, for all addresses together. Over the limit no secret is compared, so a right
one is rejected like a wrong one.

The owner's steady use must not pay the slow hash each time, nor stop because others guess. So a
process remembers, for a hash and a client's address, the secret that was right. Comparing with the
memory is a guess too: a wrong one ends the memory of its own address.
"""

from collections.abc import Callable
from threading import Lock

from django.views.decorators.debug import sensitive_variables

from tot_jwt.access import limits
from tot_jwt.exceptions import TooManyRequests
from tot_jwt.rules import networks
from tot_jwt.rules.credentials import PresentedSecret
from tot_jwt.rules.hashes import NO_SECRET, is_own, is_slow
from tot_jwt.utils.memory import BoundedDict

#: At some 500 bytes each, at most 5 MB in a process.
MAX_SECRETS = 10_000

_Place = tuple[str, str]

# A slow hash and a counter key of an address → the fast hash of the right secret.
_right: BoundedDict[_Place, str] = BoundedDict(MAX_SECRETS)
_lock = Lock()


@sensitive_variables()
def secret_matches(
    secret: PresentedSecret, public_key: str, stored_hash: str, *, address: str
) -> bool:
    """Return whether the stored hash of the key is this secret's.

    Raises TooManyRequests, without comparing, if the hash is slow and there were too many guesses.
    """
    is_guarded = is_slow(stored_hash) or not (secret.is_strong or is_own(stored_hash))
    if not is_guarded or secret.was_compared(stored_hash):
        return secret.matches(stored_hash)
    place = stored_hash, networks.counter_key(address)
    if _is_remembered(secret, place):
        secret.accept(stored_hash)
        return True
    give_back = _reserve(secret, public_key, stored_hash, address)
    if not secret.matches(stored_hash):
        return False
    give_back()
    with _lock:
        _right.put(place, secret.fast_hash)
    return True


def reset() -> None:
    """Forget the right secrets. For tests."""
    _right.clear()


def _reserve(
    secret: PresentedSecret, public_key: str, stored_hash: str, address: str
) -> Callable[[], None]:
    """Reserve a guess. A request decides on a cached and on a fresh state: report it once."""
    if stored_hash in secret.retry_after:
        raise TooManyRequests(secret.retry_after[stored_hash])
    try:
        return limits.reserve_guess(public_key, address)
    except TooManyRequests as refusal:
        secret.retry_after[stored_hash] = refusal.retry_after
        raise


@sensitive_variables()
def _is_remembered(secret: PresentedSecret, place: _Place) -> bool:
    """Return whether the secret is the remembered one. A wrong one ends the memory.

    The lock lets no second guess see what the first one ends.
    """
    with _lock:
        if place not in _right:
            return False
        if secret.matches(_right[place]):
            return True
        _right.put(place, NO_SECRET)
    return False
