"""Safe logging of text that clients sent."""

import logging
from collections.abc import Mapping
from contextlib import suppress
from threading import Lock

from tot_jwt.utils import clock

logger = logging.getLogger("tot_jwt")

_CONTROL_CHARACTERS = dict.fromkeys([*range(32), 127], " ")
_MAX_LENGTH = 128


def one_line(text: str) -> str:
    """Return the text in printable ASCII, without line breaks, cut to 128 characters."""
    ascii_text = text.encode("ascii", "backslashreplace").decode()
    return ascii_text.translate(_CONTROL_CHARACTERS)[:_MAX_LENGTH]


def log_fields(level: int, message: str, fields: Mapping[str, str]) -> None:
    """Log the message with its ``%(name)s`` replaced. The fields are also in the log's `extra`.

    A host's handler that fails changes no response: its exception is dropped.
    """
    if not logger.isEnabledFor(level):
        return
    shown = {name: one_line(text) for name, text in fields.items()}
    with suppress(Exception):
        logger.log(level, message, shown, extra=shown, stacklevel=2)


def warn(message: str, *args: object) -> None:
    """Log a warning. A host's handler that fails changes no response."""
    with suppress(Exception):
        logger.warning(message, *args, stacklevel=2)


def log_error(message: str, *args: object, exc_info: bool = False) -> None:
    """Log an error, with the traceback if `exc_info`. A host's handler that fails changes nothing.

    The arguments become one line each.
    """
    with suppress(Exception):
        lines = [one_line(str(arg)) for arg in args]
        logger.error(message, *lines, exc_info=exc_info, stacklevel=2)


class Pacer:
    """Lets a message through once a minute in a process."""

    INTERVAL = 60

    def __init__(self) -> None:
        self._lock = Lock()
        self._last: float | None = None

    def is_due(self) -> bool:
        """Return whether a minute has passed since this last returned True."""
        with self._lock:
            now = clock.monotonic()
            if self._last is not None and now - self._last < self.INTERVAL:
                return False
            self._last = now
            return True

    def reset(self) -> None:
        """Let the next message through."""
        with self._lock:
            self._last = None
