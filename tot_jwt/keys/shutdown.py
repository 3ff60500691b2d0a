"""What a process does when it exits: write the counts of uses that wait."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import groupby
from typing import Any

from django.db import ProgrammingError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from tot_jwt.keys.counts import Counter, counters, database_name
from tot_jwt.models import Tenant
from tot_jwt.utils.logs import one_line, warn


def write_counts() -> None:
    """Write all counts that wait. Never raises.

    Python calls it when the process exits. A server whose process ends otherwise may call it.
    """
    waiting = sorted(counters.waiting(), key=_alias)
    for alias, group in groupby(waiting, _alias):
        try:
            with _own_connection(alias) as connection:
                _write(connection, list(group))
        except Exception as error:
            _report(error)


def _alias(counter: Counter) -> str:
    return counter.tenant[0]


def _write(connection: BaseDatabaseWrapper, group: Iterable[Counter]) -> None:
    """Write the counts of one database. Raises its exception: the rest would take as long."""
    if _is_in_memory(connection):
        return
    for tenant, of_tenant in groupby(group, lambda counter: counter.tenant):
        try:
            _select_schema(connection, tenant)
            name = database_name(tenant[0])
            counters.write(tenant, [each for each in of_tenant if each.database == name])
        except ProgrammingError as error:  # the schema was dropped
            _report(error)


@contextmanager
def _own_connection(alias: str) -> Iterator[BaseDatabaseWrapper]:
    """Use a connection of its own: the host's may be in a transaction, or its pool used up.

    A pool could also not grow: Python starts no threads in a process that exits.
    """
    shared = connections[alias]
    options = {**shared.settings_dict["OPTIONS"]}
    options.pop("pool", None)
    settings = {**shared.settings_dict, "OPTIONS": options, "AUTOCOMMIT": True}
    own = connections[alias] = type(shared)(settings, alias)
    try:
        yield own
    finally:
        connections[alias] = shared
        own.close()


def _is_in_memory(connection: Any) -> bool:
    """Return whether the database ends with the process."""
    return connection.vendor == "sqlite" and bool(connection.is_in_memory_db())


def _select_schema(connection: Any, tenant: Tenant) -> None:
    """Use the schema of the tenant, if the database has schemas (django-tenants)."""
    if tenant[1] is not None:
        connection.set_schema(tenant[1])


def _report(error: Exception) -> None:
    warn("Counts of uses not written at exit: %s", one_line(str(error)))
