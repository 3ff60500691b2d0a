"""TokenAuth for HTTPX, for `httpx.Client` and `httpx.AsyncClient`."""

from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from contextlib import closing, contextmanager
from typing import Any

import httpx

from tot_jwt.client.answers import MAX_BODY, REDIRECTS, Answer, has_ended
from tot_jwt.client.base import HEADERS, BaseTokenAuth, header_of, lost, timeout_of
from tot_jwt.client.clock import Deadline
from tot_jwt.client.exceptions import Unavailable, UnexpectedAnswer
from tot_jwt.client.origins import check_origin, is_allowed
from tot_jwt.client.redacted import Redacted
from tot_jwt.client.steps import Steps


class TokenAuth(BaseTokenAuth, httpx.Auth):
    """``httpx.Client(auth=TokenAuth(…))``: send a token with each request, and renew it in time.

    The client itself sends the exchange, with its proxies, certificates and transports.
    """

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, Any, None]:
        """Yield the requests to send, for `httpx.Client`."""
        with closing(self._flow(request, blocking=True)) as flow:
            step = next(flow)
            while step is not None:
                is_request = isinstance(step, httpx.Request)
                step = _send(flow, (yield step) if is_request else step.run())

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, Any]:
        """Yield the requests to send, for `httpx.AsyncClient`."""
        with closing(self._flow(request, blocking=False)) as flow:
            step = next(flow)
            while step is not None:
                is_request = isinstance(step, httpx.Request)
                step = _send(flow, (yield step) if is_request else await step.arun())

    def _flow(self, request: httpx.Request, *, blocking: bool) -> Steps[None]:
        check_origin(str(request.url), self._origins)
        token = yield from self._session.token(blocking=blocking)
        response = yield _authorize(request, token)
        if response.status_code != 401 or not is_allowed(str(response.url), self._origins):
            return
        yield _Read(response)
        if has_ended(response.headers, response.content):
            self._session.reject(token)
            # HTTPX cannot send the bytes of a file or of a generator twice.
            if isinstance(request.stream, httpx.ByteStream):
                token = yield from self._session.token(blocking=blocking)
                yield _authorize(request, token)

    def _post(self, deadline: Deadline) -> Steps[Answer]:
        secret = _Once(self._credentials.body())
        url = httpx.URL(self._credentials.token_url)
        own = {"Host": url.netloc.decode(), "Content-Length": str(secret.length)}
        request = httpx.Request(
            "POST",
            url,
            headers=own | HEADERS,
            stream=secret,
            extensions={"timeout": httpx.Timeout(timeout_of(deadline)).as_dict()},
        )
        response = yield request
        if response.request is not request:
            # The client follows redirects by itself: another URL gave this answer.
            raise UnexpectedAnswer(REDIRECTS)
        response.stream = body = _Bounded(response.stream, deadline)
        # HTTPX would decompress any amount.
        response.headers.pop("Content-Encoding", None)
        yield _Read(response)
        if body.error is not None:
            raise body.error
        return Answer(response.status_code, response.headers, response.content)


class _Once(httpx.ByteStream):
    """A body with the secret, for one request. Another that reads it sends blanks.

    So a redirect does not carry the secret to another URL, and no exception or response keeps it.
    """

    def __init__(self, body: bytes) -> None:
        self._body = body
        self.length = len(body)

    def _take(self) -> bytes:
        body, self._body = self._body, b" " * self.length
        return body

    def __iter__(self) -> Iterator[bytes]:
        yield self._take()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._take()


class _Bounded(httpx.SyncByteStream, httpx.AsyncByteStream):
    """The body of an answer. It ends early if it is too large, too slow, or breaks off.

    It raises nothing: HTTPX could then not send the next request of the flow.
    """

    def __init__(self, stream: Any, deadline: Deadline) -> None:
        self._stream, self._deadline = stream, deadline
        self._left = MAX_BODY
        self.error: Unavailable | None = None

    def __iter__(self) -> Iterator[bytes]:
        with self._errors():
            for chunk in self._stream:
                yield chunk
                if self._is_last(chunk):
                    return

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with self._errors():
            async for chunk in self._stream:
                yield chunk
                if self._is_last(chunk):
                    return

    def _is_last(self, chunk: bytes) -> bool:
        self._deadline.rest()
        self._left -= len(chunk)
        return self._left < 0

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (httpx.TransportError, Unavailable) as error:
            self.error = lost(error)

    def close(self) -> None:
        self._stream.close()

    async def aclose(self) -> None:
        await self._stream.aclose()


class _Read:
    """Read the body of a response, which a client of HTTPX leaves to the flow."""

    def __init__(self, response: httpx.Response) -> None:
        self._response = response

    def run(self) -> None:
        self._response.read()

    async def arun(self) -> None:
        await self._response.aread()


def _send(flow: Steps[None], reply: Any) -> Any:
    """Return the next step, or None at the end."""
    try:
        return flow.send(reply)
    except StopIteration:
        return None


def _authorize(request: httpx.Request, token: Redacted) -> httpx.Request:
    request.headers["Authorization"] = header_of(token)
    return request
