"""The counters, in the default registry of prometheus_client. Each counts the calls of one signal.

The values of the labels are codes of tot-jwt and of PyJWT. Public keys, domains and addresses are
not labels: they are personal data, and clients could create a new time series with each request.
"""

from collections.abc import Iterable
from typing import Any

from django.dispatch import Signal
from prometheus_client import Counter

from tot_jwt import signals
from tot_jwt.access.limits import Limit
from tot_jwt.models import KeyEvent


def _counter(name: str, help_text: str, label: str, values: Iterable[str]) -> Counter:
    """Return a counter with a label. The time series of these values begin with 0.

    `rate` and `increase` do not see the first event of a series that begins with 1.
    """
    counter = Counter(name, help_text, [label])
    for value in values:
        counter.labels(value)
    return counter


TOKENS_ISSUED = Counter("tot_jwt_tokens_issued", "Tokens issued for API keys.")
EXCHANGES_REJECTED = _counter(
    "tot_jwt_exchanges_rejected",
    "Rejected exchanges of API keys for a token.",
    "reason",
    signals.REJECTION_REASONS,
)
ACCESS_REFUSED = _counter(
    "tot_jwt_access_refused",
    "Refused tokens, API keys sent directly, and requests to change keys.",
    "reason",
    signals.REFUSAL_REASONS,
)
REQUESTS_THROTTLED = _counter(
    "tot_jwt_requests_throttled", "Requests over a rate limit.", "limit", Limit
)
DATABASE_UNAVAILABLE = Counter(
    "tot_jwt_database_unavailable", "Failures of the database at requests of clients."
)
KEY_CHANGES = _counter(
    "tot_jwt_key_changes", "Changes to keys and domains.", "action", KeyEvent.Action.values
)


def connect() -> None:
    """Have the signals count. A second call changes nothing."""
    for signal, receiver in RECEIVERS.items():
        signal.connect(receiver)


def _count_token(**_: Any) -> None:
    TOKENS_ISSUED.inc()


def _count_rejection(*, reason: str, **_: Any) -> None:
    EXCHANGES_REJECTED.labels(reason).inc()


def _count_refusal(*, reason: str, **_: Any) -> None:
    ACCESS_REFUSED.labels(reason).inc()


def _count_throttled(*, limit: str, **_: Any) -> None:
    REQUESTS_THROTTLED.labels(limit).inc()


def _count_unavailable(**_: Any) -> None:
    DATABASE_UNAVAILABLE.inc()


def _count_change(*, event: KeyEvent, **_: Any) -> None:
    KEY_CHANGES.labels(event.action).inc()


#: What counts each signal.
RECEIVERS: dict[Signal, Any] = {
    signals.token_issued: _count_token,
    signals.exchange_rejected: _count_rejection,
    signals.access_refused: _count_refusal,
    signals.request_throttled: _count_throttled,
    signals.database_unavailable: _count_unavailable,
    signals.key_event: _count_change,
}
