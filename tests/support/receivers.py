"""What signals send."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.dispatch import Signal


@contextmanager
def received_from(signal: Signal) -> Iterator[list[dict[str, Any]]]:
    """Yield the list of the arguments with which the signal is sent."""
    sent: list[dict[str, Any]] = []

    def receive(*, signal: Signal, sender: object, **named: Any) -> None:
        sent.append(named)

    signal.connect(receive)
    try:
        yield sent
    finally:
        signal.disconnect(receive)
