"""Settings of server processes that share a PostgreSQL database.

The environment variable TOT_JWT_PROCESS_SETTINGS, a JSON object, overrides any setting.
"""

import json
from os import environ
from typing import Any

from tests.settings import *  # noqa: F403
from tests.settings import ALL_DATABASES

DATABASES = {
    "default": {**ALL_DATABASES["postgresql"], "NAME": environ.get("TOT_JWT_PROCESS_DB", "")}
}
ALLOWED_HOSTS = ["127.0.0.1"]
TOT_JWT = {"KEY_STATE_MAX_AGE": float(environ.get("TOT_JWT_PROCESS_MAX_AGE", "5"))}


class ReadsFromReplica:
    """A database router that reads from a replica, as Django documents it."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return "replica"

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return "default"

    def allow_relation(self, one: Any, other: Any, **hints: Any) -> bool:
        return True


class OursApart:
    """A database router that keeps the package's tables in a separate database."""

    def db_for_read(self, model: Any, **hints: Any) -> str | None:
        return "apart" if model._meta.app_label == "tot_jwt" else None

    db_for_write = db_for_read


globals().update(json.loads(environ.get("TOT_JWT_PROCESS_SETTINGS", "{}")))
