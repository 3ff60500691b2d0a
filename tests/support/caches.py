"""Caches as a host names them in CACHES: one that fails, and one that records."""

from typing import Any, ClassVar
from uuid import uuid4

from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.locmem import LocMemCache

BROKEN = {"BACKEND": "tests.support.caches.BrokenCache"}
RECORDING = {"BACKEND": "tests.support.caches.RecordingCache"}
SILENT = {"BACKEND": "tests.support.caches.SilentCache"}
FORGETFUL = {"BACKEND": "tests.support.caches.ForgetfulCache"}


class BrokenCache(BaseCache):
    """A cache whose server does not answer."""

    def __init__(self, location: str, params: dict[str, Any]) -> None:
        super().__init__(params)

    def incr(self, *args: Any, **kwargs: Any) -> int:
        """Raise ConnectionError. The package calls no other method first."""
        raise ConnectionError("the cache is gone")


class SilentCache(BaseCache):
    """A cache that hides that its server does not answer, as django-redis can be told to do."""

    def __init__(self, location: str, params: dict[str, Any]) -> None:
        super().__init__(params)

    def incr(self, *args: Any, **kwargs: Any) -> Any:
        """Return None."""
        return None


class RecordingCache(LocMemCache):
    """A cache that records key and timeout of each `add`, and the names of all calls."""

    added: ClassVar[list[tuple[str, Any]]] = []
    calls: ClassVar[list[str]] = []

    def add(self, key: str, value: Any, timeout: Any = None, version: Any = None) -> bool:
        """Record the call and pass it on."""
        self.added.append((key, timeout))
        self.calls.append("add")
        return super().add(key, value, timeout, version)

    def incr(self, key: str, delta: int = 1, version: Any = None) -> int:
        """Record the call and pass it on."""
        self.calls.append("incr")
        return super().incr(key, delta, version)


class ForgetfulCache(LocMemCache):
    """A cache that has dropped each counter before it is decremented."""

    def decr(self, key: str, delta: int = 1, version: Any = None) -> int:
        """Raise ValueError, as Django's caches do for a missing key."""
        self.delete(key, version=version)
        return super().decr(key, delta, version)


def in_memory() -> dict[str, Any]:
    """Return the setting of a new, empty cache in memory."""
    return {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": uuid4().hex}


def cache_errors(caplog: Any) -> list[str]:
    """Return the log's messages about a cache that failed."""
    return [message for message in caplog.messages if message.startswith("Rate limit skipped")]
