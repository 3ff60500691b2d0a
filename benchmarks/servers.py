"""PostgreSQL, Redis and gunicorn on 127.0.0.1, each with a port and files of its own, as long as a `with` lasts."""

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
    """A cluster without passwords, to be stopped and started. It refuses to run as root, who lends it another user."""

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
        """As the settings want it."""
        return f"postgresql://postgres@{HOST}:{self.port}/postgres"

    def start(self) -> None:
        """Start, and wait until it answers."""
        options = f"-h {HOST} -p {self.port} -k {self._folder}"
        self._call(
            "pg_ctl", "start", "--wait", "--options", options, "--log", str(self._folder / "log")
        )

    def stop(self) -> None:
        """Stop like a crash: nobody is waited for."""
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
    """A running cluster."""
    cluster = PostgreSQL(folder)
    cluster.start()
    try:
        yield cluster
    finally:
        with suppress(
            subprocess.CalledProcessError
        ):  # stopped already, where a run ends in between
            cluster.stop()


@contextmanager
def redis(folder: Path) -> Iterator[str]:
    """The URL of a running Redis that keeps nothing."""
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
    """The port of the benchmarks' project, with sync workers, configured by this process's environment."""
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
    """Where the program is; the end, saying so, where it is not."""
    found = shutil.which(name)
    if found is None:
        raise SystemExit(
            f"Not installed: {name}. Debian's packages are wrk, postgresql and redis-server."
        )
    return found


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server((HOST, 0)) as listening:
        return int(listening.getsockname()[1])


def _postgresql_program(name: str) -> str:
    """Debian keeps them off PATH, in a folder for each version."""
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
