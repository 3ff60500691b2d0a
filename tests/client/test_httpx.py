"""What only HTTPX has: its clients send the exchange."""

import asyncio

import httpx
import pytest

from tests.support.client import SECRET, Api, Program, StoppedClock, credentials, rejected
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


def test_exchange_has_a_timeout(client):
    timeouts = {}
    client.event_hooks["request"] = [
        lambda request: timeouts.update({request.url.path: request.extensions["timeout"]})
    ]
    client.get(ORDERS, timeout=99)

    assert timeouts == {
        "/token": {"connect": 10, "read": 10, "write": 10, "pool": 10},
        "/orders": {"connect": 99, "read": 99, "write": 99, "pool": 99},
    }


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
