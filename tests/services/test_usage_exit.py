"""What processes have counted when they end (security.md D3)."""

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.support.process_faults import Key, process, select, settings_for_processes, sqlite
from tests.support.processes import ROOT, driver, environment
from tests.support.uses import SUMS

pytestmark = pytest.mark.req("D3")

USES = 7


def run(databases: dict[str, Any], key: Key, end: str, **settings: Any) -> tuple[int, str]:
    """Use the key in a process that ends in this way. Return its status and what it logs."""
    command = [sys.executable, "-m", "tests.support.process_uses", json.dumps(key), str(USES), end]
    with settings_for_processes({"DATABASES": databases, **settings}):
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=environment(""),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("end", "written"),
    [("exit", USES), ("fork", USES + 1), ("leave transaction", USES), ("kill", 1)],
)
def test_exiting_process_writes_its_counts(file, file_key, end, written):
    _, logged = run(sqlite(file), file_key, end)

    assert select(file, SUMS) == [(written, 0)]
    assert "not written" not in logged


def test_dead_database_is_logged_at_exit(file, file_key):
    status, logged = run(sqlite(file), file_key, "lose database")

    assert status == 0
    assert logged.splitlines() == [
        "Counts of uses not written at exit: unable to open database file"
    ]


@pytest.mark.parametrize("worker", ["sync", "gthread --threads=4"])
def test_stopped_server_writes_its_counts(file, file_key, monkeypatch, worker):
    driver("gunicorn")
    monkeypatch.setenv("GUNICORN_CMD_ARGS", f"--worker-class={worker}")
    with process(sqlite(file), max_age=5) as app:
        tokens = [app.token(file_key) for _ in range(3)]
        for token in tokens:
            assert app.accepts(token)
        assert app.ask("GET", "/scoped", tokens[0])[0] == 403

    assert select(file, SUMS) == [(6, 1)]


@pytest.mark.services
@pytest.mark.parametrize("options", [{}, {"pool": True}], ids=["plain", "pool"])
def test_exit_writes_to_postgresql(databases, key, query, options):
    driver("psycopg_pool")
    query("DELETE FROM tot_jwt_keyusage")
    default = {**databases["default"], "OPTIONS": options}

    _, logged = run({"default": default}, key, "exit")

    assert (logged, query(SUMS)) == ("", [(USES, 0)])
