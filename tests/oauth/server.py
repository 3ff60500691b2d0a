"""An HTTPS server with the endpoints, on a database of its own, and the keys of its clients."""

import json
import os
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.support.processes import ROOT

DOMAIN = "myapp.com"
AUDIENCE = "orders-api"
SCOPES = {
    "orders:read": "Read orders",
    "orders:write": "Place orders",
    "tokens:introspect": "Introspect tokens",
}


class Server:
    """The server. `restart` lets it run with other settings on the same port and database."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = _free_port()
        self.url = f"https://localhost:{self.port}"
        #: The certificate that clients must trust.
        self.ca = folder / "ca.pem"
        self._certificate, self._key = _write_certificates(folder)
        self.settings: dict[str, Any] = {}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, **settings: Any) -> None:
        """Start with these members of TOT_JWT, and return when it answers."""
        self.settings = {
            "ISSUER": self.url,
            "AUDIENCE": AUDIENCE,
            "SCOPES": SCOPES,
            "KEY_STATE_MAX_AGE": 0,
            "EXCHANGE_FAILURE_RATES": {},
            **settings,
        }
        command = ["gunicorn", "--bind", f"127.0.0.1:{self.port}", "--log-level", "warning"]
        command += [f"--certfile={self._certificate}", f"--keyfile={self._key}", "--threads=4"]
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *command, "tests.support.process_server"],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._wait()

    def stop(self) -> None:
        """Stop the server, if it runs."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(60)
            self._process = None

    def restart(self, **settings: Any) -> None:
        """Start again with these members of TOT_JWT."""
        self.stop()
        self.start(**settings)

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables of the server and of its commands."""
        return {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.oauth.settings",
            "TOT_JWT_OAUTH_DATABASE": str(self.folder / "db.sqlite3"),
            "TOT_JWT_OAUTH_SETTINGS": json.dumps(self.settings),
        }

    def manage(self, *arguments: str) -> str:
        """Run a management command and return what it prints."""
        run = subprocess.run(
            [sys.executable, "-m", "django", *arguments],
            cwd=ROOT,
            env=self.environment,
            check=True,
            capture_output=True,
            text=True,
        )
        return run.stdout

    def create_key(self, *options: str) -> dict[str, Any]:
        """Create a key, with options of ``create_key``. Return it with its `totSecretKey`."""
        command = ["create_key", DOMAIN, "--name", "A client", *options, "--json"]
        key: dict[str, Any] = json.loads(self.manage("tot_jwt", *command))
        return key

    def token(self, key: dict[str, Any]) -> str:
        """Exchange the key for a token at the package's own endpoint."""
        names = ("appDomain", "totApiKey", "totSecretKey")
        body = json.dumps({name: key[name] for name in names}).encode()
        headers = {"Content-Type": "application/json"}
        request = Request(f"{self.url}/api/internal/auth/token", body, headers)
        with urlopen(request, context=self.trust()) as answer:
            return str(json.load(answer)["token"])

    def trust(self) -> ssl.SSLContext:
        """Return a TLS context that trusts the server."""
        return ssl.create_default_context(cafile=self.ca)

    def _wait(self) -> None:
        for _ in range(300):
            assert self._process is not None
            assert self._process.poll() is None, (self.folder / "server.log").read_text()
            try:
                urlopen(f"{self.url}/.well-known/jwks.json", context=self.trust()).close()
            except OSError:
                time.sleep(0.1)  # a bounded poll: gunicorn does not say when it listens
            else:
                return
        raise AssertionError((self.folder / "server.log").read_text())


@contextmanager
def running(folder: Path, **settings: Any) -> Iterator[Server]:
    """Start a server with these members of TOT_JWT on a new database, and stop it afterwards."""
    server = Server(folder)
    server.settings = {"SCOPES": SCOPES}
    server.manage("migrate", "-v0")
    server.manage("tot_jwt", "create_domain", DOMAIN)
    try:
        server.start(**settings)
        yield server
    finally:
        server.stop()


def _write_certificates(folder: Path) -> tuple[Path, Path]:
    """Write ca.pem, and a certificate for localhost that it signs. Return that one, and its key."""
    ca_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Tests")])
    ca = (
        _certificate(ca_name, ca_name, ca_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key()), False)
        .sign(ca_key, hashes.SHA256())
    )
    names = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
    own = (
        _certificate(
            x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")]), ca_name, key
        )
        .add_extension(x509.SubjectAlternativeName(names), False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), False
        )
        .sign(ca_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "ca.pem").write_bytes(ca.public_bytes(pem))
    (folder / "server.pem").write_bytes(own.public_bytes(pem))
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "server.key").write_bytes(key.private_bytes(pem, *plain))
    return folder / "server.pem", folder / "server.key"


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=1))
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    others = dict.fromkeys(
        [
            "digital_signature",
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "encipher_only",
            "decipher_only",
        ],
        False,
    )
    return x509.KeyUsage(key_cert_sign=signs, crl_sign=signs, **others)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
    return port
