"""Timed requests through the WSGI handler, in one process.

The subjects take turns in blocks, so a slow moment of the machine affects all of them.
"""

import random
import statistics
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from itertools import islice
from pathlib import Path
from time import perf_counter_ns
from typing import Any, NamedTuple

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import path

from benchmarks import tables

Environ = dict[str, Any]

PATH = "measured"
REFUSED = (400, 401, 403)


class Request(NamedTuple):
    """The environ and the body that a server passes to the application."""

    environ: Environ
    body: bytes


def request(
    method: str = "GET", *, authorization: str = "", body: bytes = b"", type: str = ""
) -> Request:
    """Return a request for the view that is being measured."""
    environ = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": f"/{PATH}",
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "127.0.0.1",
        "HTTP_ACCEPT": "*/*",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    if type:
        environ["CONTENT_TYPE"] = type
    if authorization:
        environ["HTTP_AUTHORIZATION"] = authorization
    return Request(environ, body)


@dataclass
class Subject:
    """A view to measure, requests that it accepts, and one that it rejects."""

    operation: str
    name: str
    view: Callable[..., Any]
    requests: Sequence[Request]
    refused: Request | None
    #: Requests to time, if they must be new each time. `requests` then only warm up.
    unseen: Iterator[Request] | None = None
    keys: int = 0
    file: Path | None = None
    blocks: list[float] = field(default_factory=list)
    queries: int = 0

    def __post_init__(self) -> None:
        self.urlconf = (path(PATH, self.view),)

    def enter(self) -> None:
        """Make this view the only one of the project, so its position in a list costs nothing."""
        settings.ROOT_URLCONF = self.urlconf
        if self.file:
            tables.use(self.file)

    def check(self) -> None:
        """Count the queries. Exit unless valid credentials are accepted and wrong ones rejected."""
        self.enter()
        if self.refused and (status := send(self.refused)[0]) not in REFUSED:
            raise SystemExit(f"{self.name}: wrong credentials returned status {status}.")
        for one in self.requests:
            self._accepted(one)
        with CaptureQueriesContext(connection) as captured:
            self._accepted(next(self.unseen) if self.unseen else self.requests[0])
        self.queries = len(captured)

    def run_block(self) -> None:
        """Send all requests to warm up, then send and time them again."""
        self.enter()
        for one in self.requests:
            self._accepted(one)
        timed = list(islice(self.unseen, len(self.requests))) if self.unseen else self.requests
        self.blocks.append(statistics.median(map(self._accepted, timed)))

    def _accepted(self, one: Request) -> int:
        status, elapsed = send(one)
        if status not in (200, 201):
            raise SystemExit(f"{self.name}: {self.operation} returned status {status}.")
        return elapsed


def measure(subjects: Sequence[Subject], rounds: int) -> None:
    """Run a block of each subject per round, in another order each round."""
    for subject in subjects:
        subject.check()
    shuffler = random.Random(1)
    for _ in range(rounds):
        for subject in shuffler.sample(subjects, len(subjects)):
            subject.run_block()


def send(one: Request) -> tuple[int, int]:
    """Send the request. Return the status of the response and the time in nanoseconds."""
    environ = {**one.environ, "wsgi.input": BytesIO(one.body)}
    began = perf_counter_ns()
    response = _application(environ, _start_response)
    b"".join(response)
    response.close()
    elapsed = perf_counter_ns() - began
    return response.status_code, elapsed


def _start_response(status: str, headers: list[tuple[str, str]]) -> None:
    pass


_application: Any = get_wsgi_application()
