"""Whether the host's databases and caches are set up as the package needs them.

The checks read the settings. They connect to no server.
"""

import re
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from django.conf import settings as host_settings
from django.core.cache import InvalidCacheBackendError, caches
from django.db import router

from tot_jwt.checks.defaults import throttle_clients
from tot_jwt.conf import settings

_HIGH_LEVEL = re.compile(r"repeatable[\W_]*read|serializable", re.IGNORECASE)
#: The numbers of the levels in psycopg, whose name Django's documentation spells out.
_PSYCOPG = {3: "repeatable read", 4: "serializable"}
_PSYCOPG2 = {2: "repeatable read", 3: "serializable"}


def counts_per_process() -> bool:
    """Return whether there are limits, and a cache that other processes do not see counts them."""
    failure_rates = settings.EXCHANGE_FAILURE_RATES.values()
    rates = [
        *failure_rates,
        settings.EXCHANGE_RATE,
        settings.KEY_CHANGE_RATE,
        settings.RATE_LIMIT,
    ]
    path = str(host_settings.CACHES[settings.THROTTLE_CACHE]["BACKEND"])
    has_limits = any(rates) or throttle_clients()
    return has_limits and path.endswith((".LocMemCache", ".DummyCache"))


def lacks_cache_library() -> bool:
    """Return whether the cache that counts, or its client library, cannot be imported."""
    try:
        cache = caches.create_connection(settings.THROTTLE_CACHE)
        # Django's caches make their client here, and import its library. None connects yet.
        getattr(cache, "_cache", None)
    except (ImportError, InvalidCacheBackendError):
        return True
    return False


def isolate_above_read_committed() -> bool:
    """Return whether a database that may have our tables uses a higher isolation level."""
    from tot_jwt.models import ApiKey

    return any(
        _has_high_level(database)
        for alias, database in host_settings.DATABASES.items()
        if router.allow_migrate_model(alias, ApiKey)
    )


def _has_high_level(database: Mapping[str, Any]) -> bool:
    options = database.get("OPTIONS") or {}
    if "sqlite" in database.get("ENGINE", ""):  # its option of this name means something else
        return False
    if "isolation_level" in options:
        return _HIGH_LEVEL.search(_name_of_level(options["isolation_level"])) is not None
    # PostgreSQL: "-c default_transaction_isolation=serializable".
    return _HIGH_LEVEL.search(str(options.get("options", ""))) is not None


def _name_of_level(level: Any) -> str:
    if level is None:  # the server's default, which is this one in MySQL and MariaDB
        return "repeatable read"
    if isinstance(level, int):
        numbers = _PSYCOPG2 if find_spec("psycopg") is None else _PSYCOPG
        return getattr(level, "name", None) or numbers.get(level, "")
    return str(level)
