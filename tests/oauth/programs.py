"""What the tests of this folder run: client libraries, interpreters and other programs."""

import importlib
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from tests.oauth.server import Server

#: ``tox run -e oauth`` sets it: there, no test may be skipped.
REQUIRED = bool(os.environ.get("TOT_JWT_REQUIRE_OAUTH"))

#: The mark of each module of tests.
in_this_environment = pytest.mark.skipif(
    not REQUIRED and settings.SETTINGS_MODULE != "tests.oauth.settings",
    reason="needs packages and programs of its own: tox run -e oauth",
)

NODE = Path(__file__).parent / "node"


def library(name: str) -> Any:
    """Return a module. Skip the test without it, unless it is required."""
    return importlib.import_module(name) if REQUIRED else pytest.importorskip(name)


def program(name: str) -> str:
    """Return the path of a program. Skip the test without it, unless it is required."""
    path = shutil.which(name)
    if path is None:
        (pytest.fail if REQUIRED else pytest.skip)(f"needs the program {name}")
    return path


def run(
    command: list[str | Path], server: Server, folder: Path | None = None, **variables: str
) -> str:
    """Run a program as `attempt` does. Return its output, and fail if the program fails."""
    done = attempt(command, server, folder, **variables)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def attempt(
    command: list[str | Path], server: Server, folder: Path | None = None, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run a program that trusts the server, with more environment variables."""
    return subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **trusting(server), **variables},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def trusting(server: Server) -> dict[str, str]:
    """Return the environment variables that make programs trust the server's certificate."""
    names = ("CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")
    return dict.fromkeys(names, str(server.ca))


def install_node(folder: Path) -> Path:
    """Install the packages of package-lock.json, with the scripts beside them. Return the folder.

    Node.js resolves imports from the folder of the script, and the checkout stays clean.
    """
    copy = Path(shutil.copytree(NODE, folder / "node"))
    command = [program("npm"), "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
    done = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return copy


class Node:
    """Scripts of the folder ``node``, which print JSON."""

    def __init__(self, folder: Path, server: Server) -> None:
        self.folder = folder
        self._server = server

    def run(self, script: str, *arguments: str, **variables: str) -> Any:
        """Run a script and return what it prints."""
        command: list[str | Path] = [program("node"), self.folder / script, *arguments]
        return json.loads(run(command, self._server, self.folder, **variables))
