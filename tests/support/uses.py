"""The times of use in the database, and the UPDATEs that write them."""

from contextlib import contextmanager

from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.support.times import DAY, NOON
from tot_jwt.keys import lifecycle, usage
from tot_jwt.keys import state as key_state


def used(key):
    """Return when the key and its previous secret were used, in seconds after NOON."""
    key.refresh_from_db()
    return tuple(
        moment and (moment - NOON).total_seconds()
        for moment in (key.last_used_at, key.previous_secret_last_used_at)
    )


def forget():
    """Forget what the process remembers of keys and of their use."""
    key_state.reset()
    usage.reset()


def rotate(key):
    """Rotate the key; return its current and its previous secret."""
    previous = key.secret
    _, new = lifecycle.rotate_key(key, grace=DAY)
    key.secret = new.reveal()
    return key.secret, previous


@contextmanager
def updates():
    """Yield a list, which holds the UPDATEs at the end."""
    sent = []
    with CaptureQueriesContext(connection) as captured:
        yield sent
    sent += [query["sql"] for query in captured if query["sql"].startswith("UPDATE")]


@contextmanager
def failing_updates():
    """Have the database refuse all UPDATEs; yield the list of them."""
    failed = []

    def refuse(execute, sql, params, many, context):
        if sql.startswith("UPDATE"):
            failed.append(sql)
            sql, params = "SELECT no_such_column FROM tot_jwt_apikey", ()
        return execute(sql, params, many, context)

    with connection.execute_wrapper(refuse):
        yield failed
