"""Proxies that verify tokens with the configurations of docs/verify-elsewhere.md."""

import http.client
import json
import re
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.oauth.programs import program
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
        self.wfile.write(json.dumps(self.headers.items()).encode())

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
    ) -> tuple[int, list[tuple[str, str]]]:
        """Send a request. Return the status, and the headers that the service got.

        If the proxy answers itself: those of its answer.
        """
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.putrequest(method, path)
        for header in [*headers, ("Content-Length", str(len(body)))]:
            connection.putheader(*header)
        connection.endheaders(body.encode())
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        is_passed = answer.status == 200
        seen = json.loads(text) if is_passed else answer.getheaders()
        return answer.status, [(name.lower(), value) for name, value in seen]


@contextmanager
def haproxy(
    folder: Path, server: Server, algorithm: str, next_key: str | None = None
) -> Iterator[Proxy]:
    """Start HAProxy with the server's public key in a file, and with the next one beside it."""
    key, other = folder / "public-key.pem", folder / "next-key.pem"
    key.write_text(public_key(algorithm))
    config = folder / "haproxy.cfg"
    with serving_orders() as upstream:
        port = _free_port()
        changes = {
            "bind :8080": f"bind 127.0.0.1:{port}",
            "127.0.0.1:8000": f"127.0.0.1:{upstream}",
            "https://api.example.com": server.url,
            "/etc/haproxy/public-key.pem": str(key),
            "ES256": algorithm,
        }
        text = _config("HAProxy", "haproxy", changes)
        if next_key is not None:
            other.write_text(next_key)
            (line,) = (line for line in text.splitlines() if "acl signature" in line)
            text = text.replace(line, f"{line}\n{line.replace(str(key), str(other))}")
        config.write_text(text)
        with _running([program("haproxy"), "-db", "-f", str(config)], folder, port) as proxy:
            yield proxy


@contextmanager
def envoy(folder: Path, server: Server, cache: str = "300s") -> Iterator[Proxy]:
    """Start Envoy, which fetches the public keys itself."""
    config = folder / "envoy.yaml"
    with serving_orders() as upstream:
        port = _free_port()
        changes = {
            "address: 0.0.0.0, port_value: 8080": f"address: 127.0.0.1, port_value: {port}",
            "port_value: 8000": f"port_value: {upstream}",
            "https://api.example.com": server.url,
            "address: api.example.com, port_value: 443": (
                f"address: 127.0.0.1, port_value: {server.port}"
            ),
            "api.example.com": "localhost",
            "cache_duration: 300s": f"cache_duration: {cache}",
            SYSTEM_CA: str(server.ca),
        }
        config.write_text(_config("Envoy", "yaml", changes))
        command = [program("envoy"), "--use-dynamic-base-id", "--concurrency", "1", "-l", "error"]
        with _running([*command, "-c", str(config)], folder, port) as proxy:
            yield proxy


@contextmanager
def nginx(folder: Path, server: Server) -> Iterator[Proxy]:
    """Start nginx, which asks the server about each token."""
    config = folder / "nginx.conf"
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    places = " ".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    with serving_orders() as upstream:
        port = _free_port()
        changes = {
            "listen 8080": f"listen 127.0.0.1:{port}",
            "127.0.0.1:8000": f"127.0.0.1:{upstream}",
            "https://api.example.com": server.url,
            SYSTEM_CA: str(server.ca),
        }
        config.write_text(
            f"daemon off; pid {folder}/nginx.pid; error_log stderr; events {{}}\n"
            f"http {{ access_log off; {places}\n{_config('nginx', 'nginx', changes)} }}\n"
        )
        with _running([program("nginx"), "-e", "stderr", "-c", str(config)], folder, port) as proxy:
            yield proxy


@contextmanager
def serving_orders() -> Iterator[int]:
    """Start the service behind a proxy, and return its port."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Orders) as orders:
        threading.Thread(target=orders.serve_forever, daemon=True).start()
        yield orders.server_port
        orders.shutdown()


def _config(title: str, language: str, changes: dict[str, str]) -> str:
    """Return the configuration in a section of the page, with other addresses and files."""
    (text,) = blocks(section(PAGE, title), language)
    assert [old for old in changes if old not in text] == []
    # In one pass, so that it changes no replacement. The longest first.
    pattern = "|".join(map(re.escape, sorted(changes, key=len, reverse=True)))
    return re.sub(pattern, lambda match: changes[match[0]], text)


@contextmanager
def _running(command: list[str], folder: Path, port: int) -> Iterator[Proxy]:
    """Start the proxy, and return when it listens."""
    log = folder / "proxy.log"
    with log.open("wb") as file:
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT)
    try:
        for _ in range(TRIES):
            assert process.poll() is None, log.read_text()
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(PAUSE)
        yield Proxy(port)
    finally:
        process.terminate()
        process.wait(60)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
    return port
