"""Rate limits: failed attempts with API keys, exchanges, and key changes by tokens.

Limits count in fixed windows. Each cache operation is atomic, so threads and processes cannot
exceed a limit together. An attempt counts only after it has failed. The limit on failures therefore
never rejects a valid key's correct secret, and an attacker cannot lock out its owner. Only guesses
at weak secrets count before they are compared: see `tot_jwt.access.guesses`. If the cache
fails, limits are not enforced. Each tenant has counters of its own.
"""

import hashlib
from collections.abc import Callable
from functools import partial
from math import ceil

from django.core.cache import caches

from tot_jwt.conf import settings
from tot_jwt.exceptions import TooManyRequests
from tot_jwt.models import current_tenant
from tot_jwt.rules import networks
from tot_jwt.utils import clock
from tot_jwt.utils.formats import Rate
from tot_jwt.utils.logs import Pacer, one_line, warn

#: The limit on guesses at a weak secret if EXCHANGE_FAILURE_RATES has none for keys.
GUESS_RATE = "10/min"

_cache_errors = Pacer()


def count_failure(public_key: str, address: str, *, shown_key: str) -> None:
    """Count a failed attempt, for its address and for its key and address.

    The address comes first: once it is over its limit, made-up public keys add no more counters
    to the cache. The log shows the key as `shown_key`. Raises TooManyRequests.
    """
    rates = settings.EXCHANGE_FAILURE_RATES
    counter = networks.counter_key(address)
    _count(rates.get("address"), "failures of an address", counter)
    shown = f"{counter} {shown_key}"
    _count(rates.get("key"), "failures at a key", counter, public_key, shown=shown)


def count_exchange(public_key: str) -> None:
    """Count an exchange before its token is issued. Raises TooManyRequests."""
    _count(settings.EXCHANGE_RATE, "exchanges of a key", public_key)


def count_key_change(public_key: str, *, refuse: bool = True) -> None:
    """Count a key change by a token of this key. Raises TooManyRequests if `refuse` is True."""
    try:
        _count(settings.KEY_CHANGE_RATE, "key changes by a key", public_key)
    except TooManyRequests:
        if refuse:
            raise


def reset() -> None:
    """Let the next error of the cache be logged. For tests."""
    _cache_errors.reset()


def _count(rate_text: str | None, what: str, *whose: str, shown: str = "") -> None:
    if rate_text is None:
        return
    rate = Rate.parse(rate_text)
    window, elapsed = divmod(clock.epoch(), rate.period)
    count = _increment((current_tenant(), what, whose, int(window)), rate)
    if count == rate.limit + 1:
        subject = one_line(shown or whose[0])
        warn("Rate limit exceeded: too many %s in %d seconds: %s", what, rate.period, subject)
    if count > rate.limit:
        raise TooManyRequests(ceil(rate.period - elapsed))


def _increment(counter: tuple[object, ...], rate: Rate) -> int:
    """Return the counter's new value, or 0 if the cache fails."""
    key = _cache_key(counter)
    try:
        cache = caches[settings.THROTTLE_CACHE]
        # Twice the period, so that the counter cannot expire between these two steps.
        return 1 if cache.add(key, 1, timeout=2 * rate.period) else cache.incr(key)
    except Exception as error:
        _report_cache_error(error)
        return 0


def _cache_key(counter: tuple[object, ...]) -> str:
    # ascii() separates the parts without ambiguity, and escapes what UTF-8 cannot encode.
    return f"tot_jwt:{hashlib.sha256(ascii(counter).encode()).hexdigest()}"


def _report_cache_error(error: Exception) -> None:
    """Log the error in one line, once a minute: guesses must not fill the log."""
    if _cache_errors.is_due():
        text = one_line(f"{type(error).__name__}: {error}")
        warn("Rate limit skipped: cache error: %s", text)


def reserve_guess(public_key: str) -> Callable[[], None]:
    """Count a guess at a weak secret before it is compared, for all addresses together.

    Return a function that takes the guess back, for a right secret. Raises TooManyRequests.
    """
    rate = Rate.parse(settings.EXCHANGE_FAILURE_RATES.get("key") or GUESS_RATE)
    window, elapsed = divmod(clock.epoch(), rate.period)
    counter = current_tenant(), "guesses at a weak secret", public_key, int(window)
    if _increment(counter, rate) <= rate.limit:
        return partial(_decrement, counter)
    # What is not compared is not a guess. Without this, a burst of right secrets after a restart
    # would lock their owner out.
    _decrement(counter)
    warn("Guess at a weak secret rejected without comparing it: key=%s", one_line(public_key))
    raise TooManyRequests(ceil(rate.period - elapsed))


def _decrement(counter: tuple[object, ...]) -> None:
    try:
        caches[settings.THROTTLE_CACHE].decr(_cache_key(counter))
    except ValueError:  # the counter has expired
        return
    except Exception as error:
        _report_cache_error(error)
