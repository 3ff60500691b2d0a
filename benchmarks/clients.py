"""The clients of `benchmarks.load`: wrk, a few threads, and an operator's commands."""

import http.client
import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.report import ROOT
from benchmarks.servers import HOST, program

EXCHANGE, PROTECTED, EMPTY = "/auth/token", "/protected", "/empty"
DOMAIN = "example.com"
#: Connections of each wrk. Two wrks have more than the workers can accept at a time.
CONNECTIONS = 8
#: Seconds between two requests of a probe.
PAUSE = 0.05
#: Counted like a status.
NO_ANSWER = 0

Key = dict[str, Any]


class Call(NamedTuple):
    """A request with a token, or the exchange of an API key."""

    token: str = ""
    keys: Key | None = None

    @property
    def path(self) -> str:
        """The path of the request."""
        return PROTECTED if self.keys is None else EXCHANGE

    @property
    def line(self) -> str:
        """The line that statuses.lua reads."""
        return self.token if self.keys is None else json.dumps(self.keys)

    @property
    def public_key(self) -> str:
        """The public key of an exchange."""
        return str((self.keys or {})["totApiKey"])

    def with_secret(self, secret: str) -> "Call":
        """Return the same exchange with another secret."""
        return Call(keys={**(self.keys or {}), "totSecretKey": secret})

    def token_from(self, port: int) -> str:
        """Exchange the API key and return the token."""
        status, body = self.send(port)
        if status != 200:
            raise SystemExit(f"The exchange returned status {status}.")
        return str(json.loads(body)["token"])

    def send(self, port: int) -> tuple[int, bytes]:
        """Return the status and the body of the response."""
        connection = http.client.HTTPConnection(HOST, port, timeout=30)
        try:
            if self.keys is None:
                connection.request(
                    "GET", self.path, headers={"Authorization": f"Bearer {self.token}"}
                )
            else:
                connection.request(
                    "POST", self.path, self.line, {"Content-Type": "application/json"}
                )
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()


class Seen(NamedTuple):
    """The time of a request, on the monotonic clock, and the status of its response."""

    at: float
    status: int


class Probe(threading.Thread):
    """A thread that repeats one call at a moderate rate and records the responses."""

    def __init__(self, port: int, call: Call) -> None:
        super().__init__(daemon=True)
        self._port, self._call = port, call
        self._ended = threading.Event()
        self.seen: list[Seen] = []

    def run(self) -> None:
        """Send requests until `end` is called."""
        while not self._ended.wait(PAUSE):
            at = time.monotonic()
            try:
                status, _ = self._call.send(self._port)
            except (OSError, http.client.HTTPException):
                status = NO_ANSWER
            self.seen.append(Seen(at, status))

    def end(self) -> None:
        """Stop sending and wait for the last response."""
        self._ended.set()
        self.join()


def manage(*arguments: str) -> Any:
    """Run ``manage.py tot_jwt …`` in a new process and return the JSON that it prints."""
    command = [sys.executable, "-m", "django", "tot_jwt", *arguments, "--json"]
    return json.loads(subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout)


def make_key() -> Key:
    """Create a key and return its credentials."""
    made = manage("create_key", DOMAIN, "--name", "Benchmark", "--scope", "orders:read")
    return {name: made[name] for name in ("appDomain", "totApiKey", "totSecretKey")}


def saturate(
    port: int, calls: Iterable[Call], seconds: float, folder: Path
) -> "subprocess.Popen[str]":
    """Start a wrk that sends these calls, all to one path, as fast as it can.

    `answers_of` waits for its end.
    """
    calls = list(calls)
    file = folder / f"{calls[0].path.replace('/', '-')}.requests"
    file.write_text("\n".join(call.line for call in calls))
    return subprocess.Popen(
        [
            *(
                program("wrk"),
                "--threads",
                "1",
                "--connections",
                str(CONNECTIONS),
                "--duration",
                f"{seconds:.0f}s",
            ),
            *("--timeout", "30s", "--script", str(ROOT / "benchmarks" / "statuses.lua")),
            *(f"http://{HOST}:{port}{calls[0].path}", "--", str(file)),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def answers_of(wrk: "subprocess.Popen[str]") -> dict[int, int]:
    """Wait for the end of wrk and return the number of responses by status."""
    _, printed = wrk.communicate()
    if wrk.returncode:
        raise SystemExit(printed)
    answers = json.loads(printed)
    return {NO_ANSWER: answers["unanswered"]} | {
        int(status): n for status, n in answers["statuses"].items()
    }


def throughput(port: int, path: str, token: str, seconds: float) -> float:
    """Return the requests per second. Exit if a request is rejected."""
    command = [
        *(
            program("wrk"),
            "--threads",
            "1",
            "--connections",
            str(CONNECTIONS),
            "--duration",
            f"{seconds:.0f}s",
        ),
        *("--header", f"Authorization: Bearer {token}", f"http://{HOST}:{port}{path}"),
    ]
    printed = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    rate = re.search(r"^Requests/sec: +([\d.]+)", printed, re.MULTILINE)
    if rate is None or "Non-2xx" in printed or "Socket errors" in printed:
        raise SystemExit(printed)
    return float(rate[1])
