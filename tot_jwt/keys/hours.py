"""The rows that hold the counts of uses. One statement writes those of many keys."""

from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from django.db import connections

from tot_jwt.models import ApiKey, KeyUsage
from tot_jwt.utils import clock

HOUR = 3600
#: Seconds for which rows are kept.
RETENTION = 90 * 24 * HOUR
#: Rows that are deleted at once.
PRUNED = 500


class Hour(NamedTuple):
    """What is counted of a key in one hour since 1970."""

    public_key: str
    hour: int
    accepted: int
    refused: int


def add_to_rows(alias: str, hours: Iterable[Hour]) -> None:
    """Add the numbers to the rows of their keys and hours, which may not exist yet.

    The statement waits for no lock of a key: the table has no constraint on it. Numbers of keys
    that were erased are dropped.
    """
    named = {each.public_key for each in hours}
    keys = ApiKey.objects.using(alias).filter(public_key__in=named).order_by()
    key_ids = dict(keys.values_list("public_key", "pk"))
    sums: dict[tuple[int, int], list[int]] = defaultdict(lambda: [0, 0])
    for each in hours:
        if each.public_key in key_ids:
            numbers = sums[key_ids[each.public_key], each.hour * HOUR]
            numbers[0] += each.accepted
            numbers[1] += each.refused
    if sums:
        # Sorted, so that two processes lock the rows in the same order.
        parameters = [value for place in sorted(sums) for value in (*place, *sums[place])]
        with connections[alias].cursor() as cursor:
            cursor.execute(_sql(connections[alias].vendor, len(sums)), parameters)


def prune(alias: str) -> bool:
    """Delete some of the rows that are too old. Return whether there may be more."""
    usage = KeyUsage.objects.using(alias)
    old = usage.filter(at__lt=int(clock.epoch()) - RETENTION).order_by()
    row_ids = list(old.values_list("pk", flat=True)[:PRUNED])
    if row_ids:
        usage.filter(pk__in=row_ids).delete()
    return len(row_ids) == PRUNED


@lru_cache
def _sql(vendor: str, rows: int) -> str:
    table = KeyUsage._meta.db_table
    if vendor == "mysql":  # pragma: no cover: not on SQLite
        conflict, old, new = "ON DUPLICATE KEY UPDATE", "{}", "VALUES({})"
    else:
        conflict, old, new = (
            "ON CONFLICT (key_id, at) DO UPDATE SET",
            f"{table}.{{}}",
            "excluded.{}",
        )
    sums = [f"{name} = {old} + {new}".format(name, name) for name in ("accepted", "refused")]
    values = ", ".join(["(%s, %s, %s, %s)"] * rows)
    return (
        f"INSERT INTO {table} (key_id, at, accepted, refused) VALUES {values} "  # noqa: S608
        f"{conflict} {', '.join(sums)}"
    )
