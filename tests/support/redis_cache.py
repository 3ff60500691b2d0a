"""An empty cache on Redis for one test."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest

from tests.support.processes import REQUIRED, driver

LOCATION = os.environ.get("REDIS_URL", "redis://127.0.0.1:6379/0")


@contextmanager
def redis_cache() -> Iterator[dict[str, Any]]:
    """Yield the member of CACHES, and close its connections afterwards.

    Skip the test if Redis does not answer, unless services are required.
    """
    redis = driver("redis")
    pools = []

    class Pool(redis.ConnectionPool):  # type: ignore[name-defined]
        """A pool that the test can close: Django keeps one for each thread."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            pools.append(self)

    try:
        with redis.Redis.from_url(LOCATION) as client:
            client.ping()
    except redis.ConnectionError:
        if REQUIRED:
            raise
        pytest.skip("Redis does not answer")
    try:
        yield {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": LOCATION,
            "KEY_PREFIX": uuid4().hex,
            "OPTIONS": {"pool_class": Pool},
        }
    finally:
        for pool in pools:
            pool.disconnect()
