"""The server that the tests of this folder share, and the keys of its clients."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.oauth.programs import Node, install_node, trusting
from tests.oauth.server import Server, running
from tests.oauth.tokens import Issuer, issuing
from tot_jwt.tokens.asymmetric import generate_pem


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a running server that signs with ES256."""
    folder: Path = tmp_path_factory.mktemp("server")
    with running(folder, ALGORITHM="ES256", SIGNING_KEY=generate_pem("ES256")) as server:
        yield server


@pytest.fixture(scope="session")
def api_key(server: Server) -> dict[str, Any]:
    """Return the API key of a client that may read orders."""
    return server.create_key("--scope", "orders:read")


@pytest.fixture(scope="session")
def resource_server(server: Server) -> dict[str, Any]:
    """Return the API key of a server that may introspect tokens."""
    return server.create_key("--scope", "tokens:introspect")


@pytest.fixture
def trusted(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the libraries of this process trust the server's certificate."""
    for name, value in trusting(server).items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="session")
def node(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Node:
    """Return the scripts for Node.js, with their packages."""
    return Node(install_node(tmp_path_factory.mktemp("npm")), server)


@pytest.fixture(scope="module")
def issuer(server: Server, api_key: dict[str, Any]) -> Iterator[Issuer]:
    """Return the server with a key of each algorithm."""
    with issuing(server, api_key) as issuer:
        yield issuer
