"""A process that uses a key some times, and ends in a given way.

Usage: ``python -m tests.support.process_uses KEY TIMES END``. The key is a JSON object.
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django


def use(key: dict[str, Any], times: int) -> None:
    """Exchange the key so many times."""
    from django.test import Client

    names = ("appDomain", "totApiKey", "totSecretKey")
    body, client = {name: key[name] for name in names}, Client(SERVER_NAME="127.0.0.1")
    for _ in range(times):
        answer = client.post("/api/internal/auth/token", body, content_type="application/json")
        assert answer.status_code == 200, answer.content


def fork(key: dict[str, Any]) -> None:
    """Use the key once in a new process, and wait for that."""
    if os.fork():
        os.wait()
    else:
        use(key, 1)


def lose_database(_: dict[str, Any]) -> None:
    """Let the database be unreachable from now on."""
    from django.db import connection

    connection.close()
    file = Path(connection.settings_dict["NAME"])
    file.unlink()
    file.mkdir()


def leave_transaction(_: dict[str, Any]) -> None:
    """Leave a transaction open."""
    from django.db import transaction

    transaction.set_autocommit(False)


#: What happens after the uses.
ENDS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "exit": lambda _: None,
    "kill": lambda _: os.kill(os.getpid(), signal.SIGKILL),
    "fork": fork,
    "lose database": lose_database,
    "leave transaction": leave_transaction,
}


if __name__ == "__main__":
    django.setup()
    given = json.loads(sys.argv[1])
    use(given, int(sys.argv[2]))
    ENDS[sys.argv[3]](given)
