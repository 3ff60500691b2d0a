"""How often: wrong guesses at API keys, exchanges, and changes of keys by tokens, counted on Django's cache.

A limit counts first and refuses afterwards, in windows that begin with the clock: one atomic step in the cache, so
that no number of threads or processes gets past it together. Guesses are counted when they have failed. The right
secret therefore never meets a limit on guessing, and nobody locks a key's owner out. A cache that fails stops nobody.
"""

import hashlib
import logging
import re
from math import ceil
from typing import NamedTuple, Self

from django.core.cache import caches
from django.core.exceptions import ImproperlyConfigured

from tot_jwt.conf import settings
from tot_jwt.exceptions import TooManyRequests
from tot_jwt.rules import networks
from tot_jwt.utils import clock
from tot_jwt.utils.logs import key_id, one_line

logger = logging.getLogger("tot_jwt")

_PERIODS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_RATE = re.compile(
    r"([1-9]\d{0,8})/(?:(s)(?:ec|econd)?|(m)(?:in|inute)?|(h)(?:our)?|(d)(?:ay)?)\Z", re.ASCII
)


class Rate(NamedTuple):
    """So many in a period of so many seconds."""

    limit: int
    period: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """``30/min``, written as DRF writes it. Raises ImproperlyConfigured."""
        match = _RATE.match(text) if isinstance(text, str) else None
        if match is None:
            raise ImproperlyConfigured(f"{text!r} is no rate like '30/min'.")
        return cls(int(match[1]), _PERIODS[match[match.lastindex or 0]])


def count_failure(public_key: str, address: str) -> None:
    """Count a wrong guess, for its address and for the key that it was made at. Raises TooManyRequests.

    Where the address has had its share, its guesses at keys are not told apart any more: an attacker who makes up
    public keys fills nobody's cache.
    """
    rates = settings.EXCHANGE_FAILURE_RATES
    bucket = networks.counter_key(address)
    _count(rates.get("address"), "failures of an address", bucket)
    _count(rates.get("key"), "failures at a key", bucket, public_key)


def count_exchange(public_key: str) -> None:
    """Count a token that is about to be issued. Raises TooManyRequests."""
    _count(settings.EXCHANGE_RATE, "exchanges of a key", public_key)


def count_key_change(app_domain: str, *, refuse: bool = True) -> None:
    """Count what a token does to a key of the domain. Raises TooManyRequests, unless it is told not to refuse."""
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
        logger.warning(
            "TooManyRequests: too many %s in %d seconds: %s",
            what,
            rate.period,
            one_line(" ".join(map(key_id, whose))),
        )
    if count > rate.limit:
        raise TooManyRequests(ceil(rate.period - elapsed))


def _increment(counter: str, rate: Rate) -> int:
    """What the counter has come to; 0 where the cache does not say."""
    key = f"tot_jwt:{hashlib.sha256(counter.encode('utf-8', 'backslashreplace')).hexdigest()}"
    try:
        cache = caches[settings.THROTTLE_CACHE]
        # Twice the period, so that no counter ends within its window, between the two steps.
        return 1 if cache.add(key, 1, timeout=2 * rate.period) else cache.incr(key)
    except Exception:
        logger.warning("Not throttled, for the cache failed", exc_info=True)
        return 0
