"""The times of use in the database, and the UPDATEs that write them."""

import re
from contextlib import contextmanager

from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.support.times import DAY, NOON
from tot_jwt.keys import lifecycle, usage
from tot_jwt.testing import reset

#: After the last hour.
FOREVER = 2**60

#: The numbers of accepted and of refused uses in a database.
SUMS = "SELECT coalesce(sum(accepted), 0), coalesce(sum(refused), 0) FROM tot_jwt_keyusage"


def used(key):
    """Return when the key and its previous secret were used, in seconds after NOON."""
    key.refresh_from_db()
    return tuple(
        moment and (moment - NOON).total_seconds()
        for moment in (key.last_used_at, key.previous_secret_last_used_at)
    )


def forget():
    """Forget what the process remembers of keys and of their use."""
    reset()


def rotate(key):
    """Rotate the key; return its current and its previous secret."""
    previous = key.secret
    _, new = lifecycle.rotate_key(key, grace=DAY)
    key.secret = new.reveal()
    return key.secret, previous


def counted(key):
    """Return how many uses of the key are counted: the accepted and the refused ones."""
    rows = usage.of_key(key.public_key, 0, FOREVER)
    return sum(row.accepted for row in rows), sum(row.refused for row in rows)


@contextmanager
def statements():
    """Yield a list, which holds the command and the table of each statement at the end."""
    sent = []
    with CaptureQueriesContext(connection) as captured:
        yield sent
    sent += [_summary(query["sql"]) for query in captured if "tot_jwt_" in query["sql"]]


def _summary(sql):
    table = re.search(r"tot_jwt_(\w+)", sql)[1]
    return f"{sql.split()[0]} {table}"


@contextmanager
def updates():
    """Yield a list, which holds the UPDATEs of times of use at the end: those of counts are not."""
    with statements() as sent:
        yield sent
    sent[:] = [statement for statement in sent if statement == "UPDATE apikey"]


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
