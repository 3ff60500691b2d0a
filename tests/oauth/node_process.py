"""Verifiers for Node.js: each answers one token after another, and keeps its cache of keys."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.oauth.programs import Node, program, trusting
from tests.oauth.server import AUDIENCE, Server

SCRIPTS = Path(__file__).parent / "node_verifiers"


class Verifier:
    """A process that verifies tokens with a library."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def verify(self, token: str) -> Any:
        """Return the claims of the token, or None if the library refuses it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{token}\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline()).get("claims")


@contextmanager
def verifying(node: Node, server: Server, script: Path, **variables: str) -> Iterator[Verifier]:
    """Start a verifier, whose script exports ``verify(token)``."""
    # Node.js looks for packages in the folders above the script.
    folder = node.folder / "verifiers"
    folder.mkdir(exist_ok=True)
    files = [shutil.copy(file, folder) for file in (SCRIPTS / "serve.mjs", script)]
    process = subprocess.Popen(
        [program("node"), *files],
        cwd=node.folder,
        env={
            **os.environ,
            **trusting(server),
            "ISSUER": server.url,
            "AUDIENCE": AUDIENCE,
            **variables,
        },
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        yield Verifier(process)
