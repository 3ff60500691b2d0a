"""Row locks of keys and domains.

A transaction locks keys first, one statement each in the order of their ids, and the domain last.
Events also lock the domain, on some databases. So transactions cannot deadlock.
"""

from collections.abc import Iterable

from django.db import OperationalError, connections

from tot_jwt.exceptions import Conflict, ResourceNotFound
from tot_jwt.models import ApiKey, AppDomain, write_alias

# PostgreSQL: lock not available, serialization failure, deadlock.
_SQLSTATES = ("55P03", "40001", "40P01")
# MariaDB and MySQL: lock wait timeout, no wait, deadlock.
_NUMBERS = (1205, 3572, 1213)


def lock_key(key: ApiKey, *, wait: bool = False) -> ApiKey:
    """Return the key's row, locked until the transaction ends.

    Raises Conflict if another transaction has locked it, unless `wait`; ResourceNotFound.
    """
    try:
        row = ApiKey.objects.select_for_update(nowait=not wait).filter(pk=key.pk).first()
    except OperationalError as error:
        if _is_locked(error):
            raise Conflict from error
        raise
    if row is None:
        raise ResourceNotFound
    return row


def lock_keys(keys: Iterable[ApiKey]) -> list[ApiKey]:
    """Wait for the rows of these keys, and return them, locked, in the order of their ids."""
    # MariaDB locks the rows of one `IN (…) ORDER BY` in another order.
    return [lock_key(key, wait=True) for key in sorted(keys, key=lambda key: key.pk)]


def lock_domain(key: ApiKey) -> None:
    """Lock the row of the key's domain. This serializes counting of the domain's keys.

    Raises ResourceNotFound.
    """
    _lock_domain(key.app_domain_id)


def lock_domains(domains: Iterable[AppDomain]) -> list[AppDomain]:
    """Wait for the rows of these domains, and return them, locked, in the order of their ids.

    Raises ResourceNotFound.
    """
    return [_lock_domain(pk) for pk in sorted(domain.pk for domain in domains)]


def _lock_domain(pk: int) -> AppDomain:
    row = AppDomain.objects.select_for_update().filter(pk=pk).first()
    if row is None:
        raise ResourceNotFound
    return row


def _is_locked(error: OperationalError) -> bool:
    has_row_locks = connections[write_alias()].features.has_select_for_update_nowait
    sqlstate = getattr(error.__cause__, "sqlstate", None)
    number = error.args[0] if error.args else None
    return has_row_locks and (sqlstate in _SQLSTATES or number in _NUMBERS)
