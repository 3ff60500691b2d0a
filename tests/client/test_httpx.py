"""What only HTTPX has: its clients send the exchange."""

import asyncio
import functools

import httpx
import pytest

from tests.support.client import SECRET, Api, Program, StoppedClock, credentials, rejected
from tot_jwt.client import Unavailable, UnexpectedAnswer
from tot_jwt.client.httpx import TokenAuth

ORDERS = "https://api.example.com/orders"


@pytest.fixture
def api():
    return Api()


@pytest.fixture
def auth(api):
    return TokenAuth(f"{api.url}/token", **credentials(clock=StoppedClock()))


@pytest.fixture
def client(api, auth):
    with httpx.Client(auth=auth, transport=httpx.MockTransport(api.handle)) as client:
        yield client


def test_response_is_left_to_the_caller(client, api):
    api.answers["/orders"] = (200, {}, iter([b"orders"]))

    with client.stream("GET", ORDERS) as response:
        assert not response.is_stream_consumed
        assert response.read() == b"orders"


def test_exchange_has_a_timeout(client, api):
    timeouts = []
    client.event_hooks["request"] = [lambda request: timeouts.append(request.extensions["timeout"])]
    # 5 seconds before the client gives up.
    api.replies.append((503, {"Retry-After": "55"}, b""))
    client.get(ORDERS, timeout=99)

    kinds = ["connect", "read", "write", "pool"]
    assert timeouts == [dict.fromkeys(kinds, seconds) for seconds in [10, 5, 99]]


class Answer(httpx.SyncByteStream, httpx.AsyncByteStream):
    """The body of an answer without an end: what happens between two chunks is a function."""

    def __init__(self, size, work):
        self.size, self.work = size, work
        self.chunks, self.is_closed = 0, False

    def __iter__(self):
        while True:
            self.chunks += 1
            yield b" " * self.size
            self.work()

    async def __aiter__(self):
        for chunk in self:
            yield chunk

    def close(self):
        self.is_closed = True

    async def aclose(self):
        self.close()


def get(auth, answer):
    """Get the orders, when the token URL answers with this body."""
    transport = httpx.MockTransport(lambda _: httpx.Response(200, stream=answer))
    with httpx.Client(auth=auth, transport=transport) as client:
        client.get(ORDERS)


def aget(auth, answer):
    """Get the orders with asyncio."""

    async def run():
        transport = httpx.MockTransport(lambda _: httpx.Response(200, stream=answer))
        async with httpx.AsyncClient(auth=auth, transport=transport) as client:
            await client.get(ORDERS)

    asyncio.run(run())


def fail():
    """Lose the connection."""
    raise httpx.ReadError("lost")


@pytest.mark.parametrize("send", [get, aget])
def test_endless_answer_ends(send, api):
    for size, seconds, chunks, error, message in [
        (16_384, 0, 5, UnexpectedAnswer, "not with a token"),
        (1, 2, 31, Unavailable, "in time"),
        (1, None, 1, Unavailable, "cannot be reached: ReadError"),
    ]:
        clock = StoppedClock()
        auth = TokenAuth(f"{api.url}/token", **credentials(clock=clock))
        pause = fail if seconds is None else functools.partial(clock.sleep, seconds)
        answer = Answer(size, pause)

        with pytest.raises(error, match=message) as caught:
            send(auth, answer)

        assert caught.value.__context__ is None
        assert (answer.chunks, answer.is_closed) == (chunks, True)


def test_lost_answer_leaves_old_token(client, api, auth):
    client.get(ORDERS)
    answers = [httpx.Response(200, stream=Answer(1, fail)), httpx.Response(200)]
    auth._clock.now += 870
    transport = httpx.MockTransport(lambda _: answers.pop(0))
    with httpx.Client(auth=auth, transport=transport) as other:
        assert other.get(ORDERS).request.headers["Authorization"] == "Bearer token-1"


def test_history_holds_no_secret(client, api):
    response = client.get(ORDERS)

    exchange = response.history[0].request
    assert exchange.url.path == "/token"
    assert SECRET.encode() not in b"".join(exchange.stream)


def test_lost_exchange_raises_transport_error(api, auth):
    def fail(request):
        raise httpx.ConnectError("refused", request=request)

    async def run():
        transport = httpx.MockTransport(fail)
        async with httpx.AsyncClient(auth=auth, transport=transport) as client:
            await client.get(ORDERS)

    with pytest.raises(httpx.ConnectError):
        asyncio.run(run())


def test_form_with_file_is_not_repeated(servers):
    api = servers[0]()
    api.ended["token-1"] = rejected()
    program = Program("httpx", api)

    assert program.send("/", "POST", files={"file": b"content"}).status_code == 401
    assert program.send("/", "POST", files={"file": b"content"}).status_code == 200
    assert api.tokens == ["Bearer token-1", "Bearer token-2"]
