"""The example project in a process of its own, for tools that read its schema."""

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
SETTINGS = "tests.support.schema_settings"


class Example(NamedTuple):
    """A running example."""

    url: str
    #: appDomain, totApiKey and totSecretKey of a key with all scopes of the shop.
    keys: dict[str, str]


@contextmanager
def running_example(database: Path) -> Iterator[Example]:
    """Run ``manage.py demo`` without rate limits."""
    port = free_port()
    command = [sys.executable, "manage.py", "demo", "--port", str(port), "--settings", SETTINGS]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment(database),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # a line for each request
        text=True,
    ) as process:
        assert process.stdout is not None
        lines = takewhile(lambda line: not line.startswith("Quit the server"), process.stdout)
        [keys, *_] = re.findall(r'{"appDomain"[^}]+}', "".join(lines))
        yield Example(f"http://127.0.0.1:{port}", json.loads(keys))
        process.kill()


def environment(database: Path, **variables: str) -> dict[str, str]:
    """Return the environment of a process whose example keeps its data here."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        "DEMO_DATABASE": str(database),
        **variables,
    }


def free_port() -> int:
    """Return a port that no server uses at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
