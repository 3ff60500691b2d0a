"""PostgreSQL, Redis and Varnish servers that tests start and stop, on free ports of 127.0.0.1."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class PostgreSQL:
    """A PostgreSQL server without passwords that keeps its files in the folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.port = free_port()
        self._run(
            "initdb",
            "--auth=trust",
            "--username=postgres",
            "--no-sync",
            "--no-locale",
            "--encoding=UTF8",
        )

    @property
    def settings(self) -> dict[str, Any]:
        """The member of DATABASES for this server."""
        engine = "django.db.backends.postgresql"
        return {
            "ENGINE": engine,
            "NAME": "postgres",
            "HOST": "127.0.0.1",
            "PORT": self.port,
            "USER": "postgres",
        }

    def start(self) -> None:
        """Start the server, and return when it answers."""
        options = f"-h 127.0.0.1 -p {self.port} -k {self.folder} -c fsync=off"
        self._run(
            "pg_ctl", "start", "--wait", f"--options={options}", f"--log={self.folder / 'log'}"
        )

    def stop(self) -> None:
        """Stop the server at once, as a power failure does."""
        self._run("pg_ctl", "stop", "--wait", "--mode=immediate")

    def _run(self, program: str, *arguments: str) -> None:
        command = [
            *_as_postgres(),
            postgresql_program(program),
            f"--pgdata={self.data}",
            *arguments,
        ]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=self.folder)


class Redis:
    """A Redis server that writes nothing to disk."""

    def __init__(self) -> None:
        self.port = free_port()
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start the server, and return when it answers."""
        command = ["redis-server", "--bind", "127.0.0.1", "--port", str(self.port), "--save", ""]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        while "Ready to accept connections" not in (line := self._process.stdout.readline()):
            assert line, "Redis ended"

    def stop(self) -> None:
        """Stop the server at once, if it runs."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


class Varnish:
    """An HTTP cache with the rules that Varnish brings along, before a server on 127.0.0.1."""

    def __init__(self, folder: Path, backend: int) -> None:
        self.folder, self.backend = folder, backend
        self.port = free_port()
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start the cache, and return when it listens."""
        addresses = ["-a", f"127.0.0.1:{self.port}", "-b", f"127.0.0.1:{self.backend}"]
        command = [varnish_program(), "-F", *addresses, "-n", str(self.folder / "varnish")]
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert self._process.stdout is not None
        while "Child starts" not in (line := self._process.stdout.readline()):
            assert line, "Varnish ended"

    def stop(self) -> None:
        """Stop the cache, if it runs."""
        if self._process is not None:
            self._process.terminate()
            self._process.communicate()
            self._process = None


@contextmanager
def varnish(backend: int) -> Iterator[Varnish]:
    """Start Varnish before the server on this port, and stop it afterwards."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)  # Varnish runs as an account of its own.
        server = Varnish(Path(name), backend)
        server.start()
        try:
            yield server
        finally:
            server.stop()


@contextmanager
def postgresql() -> Iterator[PostgreSQL]:
    """Start a PostgreSQL server, and stop it afterwards."""
    with tempfile.TemporaryDirectory() as name:
        if os.geteuid() == 0:
            shutil.chown(name, "postgres")
        server = PostgreSQL(Path(name))
        server.start()
        try:
            yield server
        finally:
            if (server.data / "postmaster.pid").exists():
                server.stop()


@contextmanager
def redis() -> Iterator[Redis]:
    """Start a Redis server, and stop it afterwards."""
    server = Redis()
    server.start()
    try:
        yield server
    finally:
        server.stop()


def postgresql_program(name: str) -> str:
    """Return the path of a program of PostgreSQL, or `""`. Debian does not put them on PATH."""
    return shutil.which(name) or max(
        map(str, Path("/usr/lib/postgresql").glob(f"*/bin/{name}")), default=""
    )


def varnish_program() -> str:
    """Return the path of Varnish, or `""`. Only an administrator has its folder on PATH."""
    return shutil.which("varnishd", path=f"{os.environ.get('PATH', '')}:/usr/sbin") or ""


def free_port() -> int:
    """Return a port on which no server listens at the moment."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
    return port


def _as_postgres() -> list[str]:
    """Return the command that runs another as an unprivileged user, as PostgreSQL demands."""
    if os.geteuid():
        return []
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"]
