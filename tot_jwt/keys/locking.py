"""TODO"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import OperationalError, connections

from tot_jwt.exceptions import Conflict
from tot_jwt.models import ApiKey, write_alias


def lock_key(key: ApiKey, *, wait: bool = False) -> ApiKey:
    """The key's row, locked until the transaction ends. Raises Conflict where somebody else has it, unless we wait."""
    with _conflict():
        return ApiKey.objects.select_for_update(nowait=not wait).get(pk=key.pk)


@contextmanager
def _conflict() -> Iterator[None]:
    """Turns the database's word for a row that somebody else has locked into ours."""
    connection = connections[write_alias()]
    try:
        yield
    except OperationalError as error:
        if connection.features.has_select_for_update_nowait and _says_locked(error):
            raise Conflict from error
        raise


def _says_locked(error: OperationalError) -> bool:
    """PostgreSQL has a state for it (55P03, lock_not_available), MariaDB and MySQL numbers (1205, 3572)."""
    cause = error.__cause__
    return getattr(cause, "sqlstate", None) == "55P03" or error.args[:1] in ((1205,), (3572,))
