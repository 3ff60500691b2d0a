"""The tests' host on a PostgreSQL database of its own, for processes that share it: see test_processes.

TOT_JWT_PROCESS_SETTINGS, a JSON object, has the last word on any setting: see test_faults.
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
    """The database router of a host that writes to one database and reads from its copy, as Django documents it."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return "replica"

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return "default"

    def allow_relation(self, one: Any, other: Any, **hints: Any) -> bool:
        return True


class OursApart:
    """The database router of a host that keeps the package's tables in a database of their own."""

    def db_for_read(self, model: Any, **hints: Any) -> str | None:
        return "apart" if model._meta.app_label == "tot_jwt" else None

    db_for_write = db_for_read


globals().update(json.loads(environ.get("TOT_JWT_PROCESS_SETTINGS", "{}")))
