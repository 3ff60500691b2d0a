"""uvicorn ends its process without Python's exit handlers. docs/usage.md says what to do."""

import json
import signal
import subprocess
import sys
from contextlib import contextmanager

import requests

from tests.support.documents import blocks, read, section
from tests.support.schema_server import ROOT, environment, free_port
from tests.tools.packages import needed

needed("uvicorn")

USES = 5


def manage(variables, *arguments):
    """Run a command of the example, and return what it prints."""
    command = [sys.executable, "manage.py", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=variables, check=True, capture_output=True)
    return done.stdout


@contextmanager
def uvicorn(variables, *options):
    """Serve the example, and stop the server with SIGTERM at the end."""
    port = free_port()
    command = ["-m", "uvicorn", "example_project.asgi:application", f"--port={port}", *options]
    with subprocess.Popen(
        [sys.executable, *command], cwd=ROOT, env=variables, stderr=subprocess.PIPE, text=True
    ) as process:
        for line in process.stderr:
            if "Uvicorn running on" in line:
                break
        yield f"http://127.0.0.1:{port}"
        process.send_signal(signal.SIGTERM)


def test_stopped_server_writes_its_counts(tmp_path):
    variables = environment(tmp_path / "demo.sqlite3")
    manage(variables, "migrate", "-v0")
    manage(variables, "tot_jwt", "create_domain", "myapp.com")
    key = json.loads(manage(variables, "tot_jwt", "create_key", "myapp.com", "--name=x", "--json"))

    with uvicorn(variables) as url:
        credentials = {name: key[name] for name in ("appDomain", "totApiKey", "totSecretKey")}
        for _ in range(USES):
            answer = requests.post(f"{url}/api/internal/auth/token", json=credentials, timeout=10)
            assert answer.status_code == 200

    usage = json.loads(manage(variables, "tot_jwt", "usage", key["totApiKey"], "--json"))
    assert sum(hour["accepted"] for hour in usage["results"]) == USES


def test_page_shows_the_examples_application():
    (block,) = blocks(section(read("docs/usage.md"), "ASGI servers"), "python")
    example = (ROOT / "example_project/asgi.py").read_text("utf-8")

    assert [line for line in block.splitlines() if line not in example] == []
