"""Dependencies that fail."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from django.db import OperationalError, connection


@contextmanager
def database_gone() -> Iterator[None]:
    """Fail every query, as if the database did not answer."""

    def fail(*_: Any) -> NoReturn:
        raise OperationalError("gone")

    with connection.execute_wrapper(fail):
        yield
