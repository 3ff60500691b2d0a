"""Rate limits: requests, exchanges, key changes by tokens, and failed attempts with API keys.

Limits count in fixed windows. Each cache operation is atomic, so threads and processes cannot
exceed a limit together. An attempt counts only after it has failed. The limit on failures therefore
never rejects a valid key's correct secret, and an attacker cannot lock out its owner. Only guesses
at weak secrets count before they are compared: see `tot_jwt.access.guesses`. If the cache
fails, limits are not enforced. Each tenant has counters of its own.
"""

import hashlib
import secrets
from collections.abc import Callable, Iterator
from enum import StrEnum
from functools import partial
from math import ceil
from typing import Any, NamedTuple

from django.core.cache import caches
from django.core.exceptions import ImproperlyConfigured

from tot_jwt.conf import settings
from tot_jwt.exceptions import TooManyRequests
from tot_jwt.models import current_tenant
from tot_jwt.principal import ApiClient, refuse
from tot_jwt.rules import networks
from tot_jwt.signals import request_throttled
from tot_jwt.utils import clock
from tot_jwt.utils.formats import Rate
from tot_jwt.utils.logs import Pacer, one_line, warn

#: The limit on guesses at a weak secret if EXCHANGE_FAILURE_RATES has none for keys.
GUESS_RATE = "10/min"

_cache_errors = Pacer()
_invalid_rates = Pacer()

#: Part of the counters' names in the cache. Only tests change it.
_prefix = "tot_jwt"


class Limit(StrEnum):
    """What is counted. The signal `request_throttled` has the value, the log has it in words."""

    REQUESTS_OF_KEY = "requests_of_a_key"
    REQUESTS_OF_DOMAIN = "requests_of_a_domain"
    EXCHANGES = "exchanges_of_a_key"
    KEY_CHANGES = "key_changes_by_a_key"
    FAILURES_OF_ADDRESS = "failures_of_an_address"
    FAILURES_AT_KEY = "failures_at_a_key"
    GUESSES = "guesses_at_a_weak_secret"


#: A limit, its rate, whose requests count together, and their name in the log.
_LimitOfClient = tuple[Limit, Rate | None, tuple[str, ...], str]


class Quota(NamedTuple):
    """What has been used of a limit in the window that ends in `reset` seconds."""

    rate: Rate
    used: int
    reset: int

    @property
    def remaining(self) -> int:
        """The number of calls that the window still allows."""
        return max(0, self.rate.limit - self.used)

    @property
    def is_exceeded(self) -> bool:
        """Whether the last call was one too many."""
        return self.used > self.rate.limit


def count_request(client: ApiClient, address: str) -> dict[Limit, Quota]:
    """Count a request for the key and, if its domain has a limit, for the domain.

    Return the quotas. The last one may be exceeded: the request must then be rejected.
    A request over the key's limit does not count for the domain.
    """
    quotas: dict[Limit, Quota] = {}
    for limit, rate, whose, shown in _limits_of(client):
        quota = _count(rate, limit, *whose, shown=shown)
        if quota is None:
            continue
        quotas[limit] = quota
        if quota.is_exceeded:
            _report(limit, client.pk, address)
            refuse(client)
            break
    return quotas


def _limits_of(client: ApiClient) -> Iterator[_LimitOfClient]:
    own = client.rate_limit
    rate = _stored_rate(own, client.pk) if own else _rate(settings.RATE_LIMIT)
    yield Limit.REQUESTS_OF_KEY, rate, (client.pk,), client.pk
    # The id, because a domain keeps it when it gets another name.
    whose = str(client.app_domain_id), client.environment
    shown = f"{client.app_domain} {client.environment}"
    yield Limit.REQUESTS_OF_DOMAIN, _stored_rate(client.domain_rate_limit, shown), whose, shown


def _rate(text: str | None) -> Rate | None:
    return Rate.parse(text) if text else None


def _stored_rate(text: str, whose: str) -> Rate | None:
    """Return the rate of a row. SQL may have made it invalid: then it is not a limit."""
    try:
        return _rate(text)
    except ImproperlyConfigured as error:
        if _invalid_rates.is_due():
            warn("Rate limit skipped: %s: %s", one_line(whose), one_line(str(error)))
        return None


def count_failure(public_key: str, address: str, *, shown_key: str) -> None:
    """Count a failed attempt, for its address and for its key and address.

    The address comes first: once it is over its limit, made-up public keys add no more counters
    to the cache. The log shows the key as `shown_key`. Raises TooManyRequests.
    """
    rates = settings.EXCHANGE_FAILURE_RATES
    counter = networks.counter_key(address)
    _check(rates.get("address"), Limit.FAILURES_OF_ADDRESS, counter, key=shown_key, address=address)
    shown = f"{counter} {shown_key}"
    at_key = counter, public_key
    _check(
        rates.get("key"),
        Limit.FAILURES_AT_KEY,
        *at_key,
        shown=shown,
        key=shown_key,
        address=address,
    )


def count_exchange(public_key: str, address: str) -> None:
    """Count an exchange before its token is issued. Raises TooManyRequests."""
    rate = settings.EXCHANGE_RATE
    if rate is not None:  # spares the busiest endpoint two calls
        _check(rate, Limit.EXCHANGES, public_key, key=public_key, address=address)


def count_key_change(client: ApiClient, address: str, *, may_refuse: bool = True) -> None:
    """Count a key change by a token of this client. Raises TooManyRequests if `may_refuse`."""
    quota = _count(_rate(settings.KEY_CHANGE_RATE), Limit.KEY_CHANGES, client.pk)
    if may_refuse and quota is not None and quota.is_exceeded:
        _report(Limit.KEY_CHANGES, client.pk, address)
        refuse(client)
        raise TooManyRequests(quota.reset)


def reset() -> None:
    """Forget the counters, and let the next errors be logged. For tests."""
    global _prefix  # noqa: PLW0603 - the cache is the host's: it must keep what else it has
    _prefix = f"tot_jwt:{secrets.token_hex(8)}"
    _cache_errors.reset()
    _invalid_rates.reset()


def _check(
    rate_text: str | None, limit: Limit, *whose: str, key: str, address: str, shown: str = ""
) -> None:
    quota = _count(_rate(rate_text), limit, *whose, shown=shown)
    if quota is not None and quota.is_exceeded:
        _report(limit, key, address)
        raise TooManyRequests(quota.reset)


def _report(limit: Limit, public_key: str, address: str) -> None:
    request_throttled.send_robust(
        TooManyRequests, limit=limit.value, public_key=public_key, address=address
    )


def _count(rate: Rate | None, limit: Limit, *whose: str, shown: str = "") -> Quota | None:
    """Count a call, and return the quota, or None if there is no limit or no cache."""
    if rate is None:
        return None
    window, elapsed = divmod(clock.epoch(), rate.period)
    used = _increment((current_tenant(), limit.value, whose, int(window)), rate)
    if used == rate.limit + 1:
        subject = one_line(shown or " ".join(whose))
        words = limit.replace("_", " ")
        warn("Rate limit exceeded: too many %s in %d seconds: %s", words, rate.period, subject)
    return Quota(rate, used, ceil(rate.period - elapsed)) if used else None


def _increment(counter: tuple[object, ...], rate: Rate) -> int:
    """Return the counter's new value, or 0 if the cache fails."""
    key = _cache_key(counter)
    try:
        cache = caches[settings.THROTTLE_CACHE]
        try:
            return _number(cache.incr(key))
        except ValueError:  # the counter does not exist yet
            # Twice the period, so that the counter cannot expire between these two steps.
            is_new = cache.add(key, 1, timeout=2 * rate.period)
            return 1 if is_new else _number(cache.incr(key))
    except Exception as error:
        _report_cache_error(error)
        return 0


def _number(value: Any) -> int:
    # A cache that hides its errors, such as django-redis, returns None instead of raising. Another
    # returns its server's text. What is not a number raises, and counts as an error of the cache.
    return max(0, int(value or 0))


def _cache_key(counter: tuple[object, ...]) -> str:
    # ascii() separates the parts without ambiguity, and escapes what UTF-8 cannot encode.
    return f"{_prefix}:{hashlib.sha256(ascii(counter).encode()).hexdigest()}"


def _report_cache_error(error: Exception) -> None:
    """Log the error in one line, once a minute: guesses must not fill the log."""
    if _cache_errors.is_due():
        text = one_line(f"{type(error).__name__}: {error}")
        warn("Rate limit skipped: cache error: %s", text)


def reserve_guess(public_key: str, address: str) -> Callable[[], None]:
    """Count a guess at a weak secret before it is compared, for all addresses together.

    Return a function that takes the guess back, for a right secret. Raises TooManyRequests.
    """
    rate = Rate.parse(settings.EXCHANGE_FAILURE_RATES.get("key") or GUESS_RATE)
    window, elapsed = divmod(clock.epoch(), rate.period)
    counter = current_tenant(), Limit.GUESSES.value, public_key, int(window)
    if _increment(counter, rate) <= rate.limit:
        return partial(_decrement, counter)
    # What is not compared is not a guess. Without this, a burst of right secrets after a restart
    # would lock their owner out.
    _decrement(counter)
    warn("Guess at a weak secret rejected without comparing it: key=%s", one_line(public_key))
    _report(Limit.GUESSES, public_key, address)
    raise TooManyRequests(ceil(rate.period - elapsed))


def _decrement(counter: tuple[object, ...]) -> None:
    try:
        caches[settings.THROTTLE_CACHE].decr(_cache_key(counter))
    except ValueError:  # the counter has expired
        return
    except Exception as error:
        _report_cache_error(error)
