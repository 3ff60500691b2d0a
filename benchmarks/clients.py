"""Those who call the servers of `benchmarks.load`: wrk, a few threads, and the administrator's commands."""

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
#: Of each wrk; twice as many are more than the workers can take at a time.
CONNECTIONS = 8
#: Seconds between two requests of a probe.
PAUSE = 0.05
NO_ANSWER = 0

Key = dict[str, Any]


class Call(NamedTuple):
    """A request: with a token, or the exchange of keys."""

    token: str = ""
    keys: Key | None = None

    @property
    def path(self) -> str:
        return PROTECTED if self.keys is None else EXCHANGE

    @property
    def line(self) -> str:
        """As statuses.lua reads it."""
        return self.token if self.keys is None else json.dumps(self.keys)

    @property
    def public_key(self) -> str:
        return str((self.keys or {})["totApiKey"])

    def with_secret(self, secret: str) -> "Call":
        """The same exchange with another secret."""
        return Call(keys={**(self.keys or {}), "totSecretKey": secret})

    def token_from(self, port: int) -> str:
        """The token that the exchange gives."""
        status, body = self.send(port)
        if status != 200:
            raise SystemExit(f"The exchange was answered {status}.")
        return str(json.loads(body)["token"])

    def send(self, port: int) -> tuple[int, bytes]:
        """The status and the body of the answer."""
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
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


class Seen(NamedTuple):
    """When a request was sent, on the monotonic clock, and the status of its answer."""

    at: float
    status: int


class Probe(threading.Thread):
    """Sends one call again and again, at a modest rate, and notes what it sees."""

    def __init__(self, port: int, call: Call) -> None:
        super().__init__(daemon=True)
        self._port, self._call = port, call
        self._ended = threading.Event()
        self.seen: list[Seen] = []

    def run(self) -> None:
        while not self._ended.wait(PAUSE):
            at = time.monotonic()
            try:
                status, _ = self._call.send(self._port)
            except (OSError, http.client.HTTPException):
                status = NO_ANSWER
            self.seen.append(Seen(at, status))

    def end(self) -> None:
        """Send no more, and wait for the last answer."""
        self._ended.set()
        self.join()


def manage(*arguments: str) -> Any:
    """The JSON that ``manage.py tot_jwt …`` prints, in a process of its own."""
    command = [sys.executable, "-m", "django", "tot_jwt", *arguments, "--json"]
    return json.loads(subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout)


def make_key() -> Key:
    """The credentials of a new key."""
    made = manage("create_key", DOMAIN, "--name", "Benchmark", "--scope", "orders:read")
    return {name: made[name] for name in ("appDomain", "totApiKey", "totSecretKey")}


def saturate(
    port: int, calls: Iterable[Call], seconds: float, folder: Path
) -> "subprocess.Popen[str]":
    """A wrk that sends these calls, all to one path, as fast as they are answered. `answers_of` waits for it."""
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
    """How many answers had which status when it ends."""
    _, printed = wrk.communicate()
    if wrk.returncode:
        raise SystemExit(printed)
    answers = json.loads(printed)
    return {NO_ANSWER: answers["unanswered"]} | {
        int(status): n for status, n in answers["statuses"].items()
    }


def throughput(port: int, path: str, token: str, seconds: float) -> float:
    """How many requests a second are answered. Ends everything where one is refused."""
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
