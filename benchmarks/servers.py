"""Context managers that run PostgreSQL, Redis and gunicorn on 127.0.0.1.

Each server has its own port and its own files.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from benchmarks.report import ROOT

HOST = "127.0.0.1"
WORKERS = 2
START_SECONDS = 30


class PostgreSQL:
    """A PostgreSQL cluster without passwords.

    PostgreSQL refuses to run as root. In that case it runs as the user `postgres`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "postgresql"
        self._folder.mkdir()
        if os.geteuid() == 0:
            folder.chmod(0o711)
            shutil.chown(self._folder, "postgres", "postgres")
        self.port = free_port()
        self._call("initdb", "--auth", "trust", "--username", "postgres")

    @property
    def url(self) -> str:
        """The URL for the settings."""
        return f"postgresql://postgres@{HOST}:{self.port}/postgres"

    def start(self) -> None:
        """Start the cluster and wait until it accepts connections."""
        options = f"-h {HOST} -p {self.port} -k {self._folder}"
        self._call(
            "pg_ctl", "start", "--wait", "--options", options, "--log", str(self._folder / "log")
        )

    def stop(self) -> None:
        """Stop the cluster like a crash, without waiting for clients."""
        self._call("pg_ctl", "stop", "--mode", "immediate")

    def _call(self, program: str, *arguments: str) -> None:
        user = "postgres" if os.geteuid() == 0 else None
        subprocess.run(
            [_postgresql_program(program), *arguments, "--pgdata", str(self._folder / "data")],
            cwd=self._folder,
            user=user,
            group=user,
            extra_groups=None if user is None else [],
            stdout=subprocess.DEVNULL,
            check=True,
        )


@contextmanager
def postgresql(folder: Path) -> Iterator[PostgreSQL]:
    """Run a cluster."""
    cluster = PostgreSQL(folder)
    cluster.start()
    try:
        yield cluster
    finally:
        # An interrupted run may have stopped it already.
        with suppress(subprocess.CalledProcessError):
            cluster.stop()


@contextmanager
def redis(folder: Path) -> Iterator[str]:
    """Run a Redis without persistence. Yield its URL."""
    port = free_port()
    command = [
        program("redis-server"),
        "--bind",
        HOST,
        "--port",
        str(port),
        "--save",
        "",
        "--dir",
        str(folder),
    ]
    with _running(command, port):
        yield f"redis://{HOST}:{port}/0"


@contextmanager
def gunicorn() -> Iterator[int]:
    """Run the benchmark project with sync workers. Yield its port.

    The environment of this process configures it.
    """
    port = free_port()
    options = [
        "--workers",
        str(WORKERS),
        "--bind",
        f"{HOST}:{port}",
        "--log-level",
        "error",
        "--no-control-socket",
    ]
    application = "django.core.wsgi:get_wsgi_application()"
    with _running([sys.executable, "-m", "gunicorn", *options, application], port):
        yield port


def program(name: str) -> str:
    """Return the path of a program. Exit if it is not installed."""
    found = shutil.which(name)
    if found is None:
        raise SystemExit(
            f"Not installed: {name}. On Debian: apt install wrk postgresql redis-server"
        )
    return found


def free_port() -> int:
    """Return a port that is not in use."""
    with socket.create_server((HOST, 0)) as listening:
        return int(listening.getsockname()[1])


def _postgresql_program(name: str) -> str:
    """Return the path of a program. Debian has a folder for each version, outside of PATH."""
    return next(
        map(str, sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)), ""
    ) or program(name)


@contextmanager
def _running(command: list[str], port: int) -> Iterator[None]:
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        _wait_for(process, port)
        yield
    finally:
        process.terminate()
        process.wait()


def _wait_for(process: "subprocess.Popen[bytes]", port: int) -> None:
    end = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < end:
        with socket.socket() as attempt:
            if attempt.connect_ex((HOST, port)) == 0:
                return
        time.sleep(0.1)
    raise SystemExit(f"{process.args!r} did not start.")
