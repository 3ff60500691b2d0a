"""Rate limits: failed attempts with API keys, exchanges, and key changes by tokens.

Limits count in fixed windows. Each cache operation is atomic, so threads and processes cannot
exceed a limit together. An attempt counts only after it has failed. The limit on failures therefore
never rejects a valid key's correct secret, and an attacker cannot lock out its owner. If the cache
fails, limits are not enforced.
"""

import hashlib
import logging
from math import ceil

from django.core.cache import caches

from tot_jwt.conf import settings
from tot_jwt.exceptions import TooManyRequests
from tot_jwt.rules import networks
from tot_jwt.rules.credentials import loggable_key
from tot_jwt.utils import clock
from tot_jwt.utils.formats import Rate
from tot_jwt.utils.logs import one_line

logger = logging.getLogger("tot_jwt")


def count_failure(public_key: str, address: str) -> None:
    """Count a failed attempt, for its address and for its key and address.

    The address comes first: once it is over its limit, made-up public keys add no more counters
    to the cache. Raises TooManyRequests.
    """
    rates = settings.EXCHANGE_FAILURE_RATES
    counter = networks.counter_key(address)
    _count(rates.get("address"), "failures of an address", counter)
    _count(rates.get("key"), "failures at a key", counter, public_key)


def count_exchange(public_key: str) -> None:
    """Count an exchange before its token is issued. Raises TooManyRequests."""
    _count(settings.EXCHANGE_RATE, "exchanges of a key", public_key)


def count_key_change(app_domain: str, *, refuse: bool = True) -> None:
    """Count a key change by a token. Raises TooManyRequests, unless `refuse` is False."""
    try:
        _count(settings.KEY_CHANGE_RATE, "key changes in a domain", app_domain)
    except TooManyRequests:
        if refuse:
            raise


def _count(rate_text: str | None, what: str, *whose: str) -> None:
    if rate_text is None:
        return
    rate = Rate.parse(rate_text)
    window, elapsed = divmod(clock.epoch(), rate.period)
    count = _increment(":".join([what, *whose, str(int(window))]), rate)
    if count == rate.limit + 1:
        subject = one_line(" ".join(map(loggable_key, whose)))
        logger.warning(
            "Rate limit exceeded: too many %s in %d seconds: %s", what, rate.period, subject
        )
    if count > rate.limit:
        raise TooManyRequests(ceil(rate.period - elapsed))


def _increment(counter: str, rate: Rate) -> int:
    """Return the counter's new value, or 0 if the cache fails."""
    key = f"tot_jwt:{hashlib.sha256(counter.encode('utf-8', 'backslashreplace')).hexdigest()}"
    try:
        cache = caches[settings.THROTTLE_CACHE]
        # Twice the period, so that the counter cannot expire between these two steps.
        return 1 if cache.add(key, 1, timeout=2 * rate.period) else cache.incr(key)
    except Exception:
        logger.warning("Rate limit skipped: cache error", exc_info=True)
        return 0
