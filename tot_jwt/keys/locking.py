"""Row locks of keys and domains.

A transaction that has locked the domain waits for no further lock, so it cannot deadlock.
"""

from django.db import OperationalError, connections

from tot_jwt.exceptions import Conflict
from tot_jwt.models import ApiKey, AppDomain, write_alias

_LOCK_NOT_AVAILABLE = "55P03"  # PostgreSQL
_LOCK_WAIT_TIMEOUT, _LOCK_NOWAIT = 1205, 3572  # MariaDB and MySQL


def lock_key(key: ApiKey, *, wait: bool = False) -> ApiKey:
    """Return the key's row, locked until the transaction ends.

    Raises Conflict if another transaction has locked it, unless `wait`.
    """
    try:
        return ApiKey.objects.select_for_update(nowait=not wait).get(pk=key.pk)
    except OperationalError as error:
        if _is_locked(error):
            raise Conflict from error
        raise


def lock_domain(key: ApiKey) -> None:
    """Lock the row of the key's domain. This serializes counting of the domain's keys."""
    AppDomain.objects.select_for_update().get(pk=key.app_domain_id)


def _is_locked(error: OperationalError) -> bool:
    has_row_locks = connections[write_alias()].features.has_select_for_update_nowait
    sqlstate = getattr(error.__cause__, "sqlstate", None)
    number = error.args[0] if error.args else None
    return has_row_locks and (
        sqlstate == _LOCK_NOT_AVAILABLE or number in (_LOCK_WAIT_TIMEOUT, _LOCK_NOWAIT)
    )
