"""An API for the tests of the client, its server, a clock that stands still, and ways to send."""

import asyncio
import json
import ssl
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import requests

from tot_jwt.client.clock import Clock
from tot_jwt.client.httpx import TokenAuth as HttpxTokenAuth
from tot_jwt.client.requests import TokenAuth as RequestsTokenAuth

SECRET = "sk_live_a-secret-that-nothing-shows"
#: Status, headers and body.
Reply = tuple[int, dict[str, str], bytes]
JSON = {"Content-Type": "application/json"}
#: For all clients of HTTPX: each would otherwise read the certificates again.
TLS = ssl.create_default_context()


class StoppedClock(Clock):
    """A clock that moves only where it is told to. Nothing sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.pauses: list[float] = []
        #: Whether the wait for another's exchange ends at once, at the end of its time.
        self.is_impatient = False

    def monotonic(self) -> float:
        """Return the time of the clock."""
        return self.now

    def epoch(self) -> float:
        """Return the same time, long after 1970."""
        return 1_700_000_000 + self.now

    def sleep(self, seconds: float) -> None:
        """Move the clock."""
        self.pauses.append(seconds)
        self.now += seconds

    async def asleep(self, seconds: float) -> None:
        """Move the clock, and let other tasks run."""
        self.sleep(seconds)
        await asyncio.sleep(0)

    def wait(self, end: Future[None], seconds: float) -> None:
        """Wait, or pass the time at once."""
        if self.is_impatient:
            self.now += seconds
        else:
            super().wait(end, seconds)


class Api:
    """An API that issues token-1, token-2 … and answers requests that carry one of them."""

    def __init__(self) -> None:
        self.url = "https://api.example.com"
        self.life: Any = 900
        #: The bodies of the exchanges, and the headers of the last one.
        self.exchanges: list[Any] = []
        self.headers: dict[str, str] = {}
        #: Method, path, Authorization and body of all other requests.
        self.requests: list[tuple[str, str, str | None, bytes]] = []
        #: What the next exchanges are answered with. The last one stays if `stays`.
        self.replies: deque[Reply] = deque()
        self.stays = False
        #: What a path, or a path with a token, is answered with.
        self.answers: dict[Any, Reply] = {}
        self.ended: dict[str, Reply] = {}
        self._lock = threading.Lock()

    @property
    def tokens(self) -> list[str | None]:
        """Return the Authorization header of each request that was no exchange."""
        return [authorization for _, _, authorization, _ in self.requests]

    def always(self, *reply: Any) -> None:
        """Answer each exchange with this."""
        self.replies, self.stays = deque([reply]), True

    def answer(self, method: str, path: str, headers: Any, body: bytes) -> Reply:
        """Return the answer to a request."""
        with self._lock:
            if path == "/token":
                self.headers = {name.lower(): text for name, text in headers.items()}
                return self._exchange(body)
            authorization = headers.get("Authorization")
            self.requests.append((method, path, authorization, body))
        token = (authorization or "").removeprefix("Bearer ")
        return self.ended.get(token) or self.answers.get(path) or (200, {}, b"orders")

    def _exchange(self, body: bytes) -> Reply:
        self.exchanges.append(json.loads(body.strip() or b"null"))
        if self.replies:
            return self.replies[0] if self.stays else self.replies.popleft()
        return granted(f"token-{len(self.exchanges)}", self.life)

    def handle(self, request: httpx.Request) -> httpx.Response:
        """Answer a request of `httpx.MockTransport`."""
        reply = self.answer(request.method, request.url.path, request.headers, request.read())
        return httpx.Response(reply[0], headers=reply[1], content=reply[2])

    async def ahandle(self, request: httpx.Request) -> httpx.Response:
        """Answer a request of an asynchronous client, after other tasks have run."""
        await asyncio.sleep(0)
        return self.handle(request)


def granted(token: str, life: Any = 900) -> Reply:
    """Return the answer to an exchange."""
    members = {"token": token, "tokenType": "Bearer", "expiresIn": life, "expiresAt": "…"}
    return 200, JSON, json.dumps(members).encode()


def rejected(status: int = 401, code: str = "token_revoked", **headers: str) -> Reply:
    """Return an answer with a code."""
    return status, JSON | headers, json.dumps({"detail": "…", "code": code}).encode()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        body = self._body()
        status, headers, content = self.server.api.answer(  # type: ignore[attr-defined]
            self.command, self.path, self.headers, body
        )
        self.send_response_only(status)
        for name, text in (headers | {"Content-Length": str(len(content))}).items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = _answer  # noqa: N815 - names of http.server

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            chunks = []
            while size := int(self.rfile.readline(), 16):
                chunks.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(chunks)
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def log_message(self, *_: Any) -> None:
        """Print nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


@contextmanager
def served() -> Iterator[Callable[[], Api]]:
    """Serve APIs on 127.0.0.1. Yield a function that puts a new API in the place of the last."""
    with _Server(("127.0.0.1", 0), _Handler) as server:

        def renew() -> Api:
            server.api = api = Api()  # type: ignore[attr-defined]
            api.url = f"http://127.0.0.1:{server.server_port}"
            return api

        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield renew
        finally:
            server.shutdown()
            thread.join()


def send_with_httpx(auth: Any, method: str, url: str, **options: Any) -> Any:
    """Send a request with `httpx.Client`."""
    with httpx.Client(auth=auth, verify=TLS, trust_env=False, follow_redirects=True) as client:
        return client.request(method, url, **options)


def send_with_async_httpx(auth: Any, method: str, url: str, **options: Any) -> Any:
    """Send a request with `httpx.AsyncClient`, in an event loop of its own."""

    async def send() -> httpx.Response:
        client = httpx.AsyncClient(auth=auth, verify=TLS, trust_env=False, follow_redirects=True)
        async with client:
            return await client.request(method, url, **options)

    return asyncio.run(send())


def send_with_requests(auth: Any, method: str, url: str, **options: Any) -> Any:
    """Send a request with `requests.Session`."""
    if "content" in options:
        options["data"] = options.pop("content")
    with requests.Session() as session:
        return session.request(method, url, auth=auth, timeout=10, **options)


#: Library → its TokenAuth and how it sends a request.
LIBRARIES: dict[str, tuple[Any, Any]] = {
    "httpx": (HttpxTokenAuth, send_with_httpx),
    "async": (HttpxTokenAuth, send_with_async_httpx),
    "requests": (RequestsTokenAuth, send_with_requests),
}


class Program:
    """A client program: a TokenAuth on a clock that stands still, and what sends with it."""

    def __init__(self, library: str, api: Api, **options: Any) -> None:
        self.library = library
        kind, self._send = LIBRARIES[library]
        self.api, self.clock = api, options.pop("clock", None) or StoppedClock()
        self.auth = kind(f"{api.url}/token", **credentials(clock=self.clock, **options))

    def send(self, path: str = "/orders", method: str = "GET", **options: Any) -> Any:
        """Send a request to a path of the API, or to a URL."""
        url = path if "://" in path else self.api.url + path
        return self._send(self.auth, method, url, **options)


def credentials(**changes: Any) -> dict[str, Any]:
    """Return the arguments of TokenAuth."""
    key = {"app_domain": "myapp.com", "api_key": "pk_live_a", "secret_key": SECRET}
    return key | changes
