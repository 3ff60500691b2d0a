"""Tries that leave no trace, for tests that make many of them in one world."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.cache import cache
from django.db import transaction

from tot_jwt.testing import reset


@contextmanager
def undone() -> Iterator[None]:
    """Undo what the block does to the database, and forget what the process remembers of it."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
    reset()
    cache.clear()
