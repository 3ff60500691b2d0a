"""Exchanges that end without a token: cancelled, lost or abandoned ones block no other caller."""

import asyncio
import os
import warnings
from contextlib import suppress

import httpx
import pytest

from tests.client.flows import (
    MANY,
    ORDERS,
    begin,
    begin_in_thread,
    new_auth,
    send_tasks,
    send_threads,
)
from tests.support.client import Api, StoppedClock, rejected
from tests.support.threads import run_threads
from tot_jwt.client import Unavailable


@pytest.fixture
def api():
    return Api()


@pytest.fixture
def auth(api):
    return new_auth(api)


class Unreachable:
    """An API whose token URL cannot be reached."""

    def __init__(self):
        self.calls = 0

    def handle(self, request):
        self.calls += 1
        raise httpx.ConnectError("refused", request=request)

    async def ahandle(self, request):
        await asyncio.sleep(0)
        return self.handle(request)


def test_cancelled_exchange_blocks_no_task(api, auth):
    began = []

    async def stall_once(request):
        if request.url.path == "/token" and not began:
            began.append(request)
            await asyncio.Event().wait()
        return api.handle(request)

    async def run():
        transport = httpx.MockTransport(stall_once)
        async with httpx.AsyncClient(auth=auth, transport=transport) as client:
            first, second, third = [asyncio.create_task(client.get(ORDERS)) for _ in range(3)]
            while not began:
                await asyncio.sleep(0)
            await asyncio.sleep(0)
            # A task that waits, and then the task that it waits for.
            third.cancel()
            await asyncio.sleep(0)
            first.cancel()
            response = await second
            return first.cancelled(), response.status_code

    assert asyncio.run(run()) == (True, 200)
    assert len(api.exchanges) == 1


def test_lost_connection_is_shared_by_threads(api, auth):
    network, errors = Unreachable(), []

    def send(client):
        try:
            client.get(ORDERS)
        except (httpx.ConnectError, Unavailable) as error:
            errors.append(type(error))

    with httpx.Client(auth=auth, transport=httpx.MockTransport(network.handle)) as client:
        run_threads(send, [client] * MANY)

    assert (errors.count(httpx.ConnectError), errors.count(Unavailable)) == (1, MANY - 1)
    assert network.calls == 1
    auth._clock.now += 5
    assert send_threads(api, auth) == [200] * MANY
    assert len(api.exchanges) == 1


def test_lost_connection_is_shared_by_tasks(api, auth):
    network = Unreachable()

    errors = asyncio.run(send_tasks(network, auth))

    assert (errors.count(httpx.ConnectError), errors.count(Unavailable)) == (1, MANY - 1)
    assert network.calls == 1
    auth._clock.now += 5
    assert asyncio.run(send_tasks(api, auth)) == [200] * MANY


def test_interrupted_exchange_is_no_failure(api, auth):
    def interrupt(request):
        raise KeyboardInterrupt

    transport = httpx.MockTransport(interrupt)
    with httpx.Client(auth=auth, transport=transport) as client, pytest.raises(KeyboardInterrupt):
        client.get(ORDERS)

    assert send_threads(api, auth) == [200] * MANY


def test_abandoned_flow_is_no_failure(api, auth):
    flow = auth.async_auth_flow(httpx.Request("GET", ORDERS))
    # As after the end of an event loop: none runs.
    for step in [anext(flow), flow.aclose()]:
        with suppress(StopIteration):
            step.send(None)

    assert send_threads(api, auth) == [200] * MANY


def test_late_rejection_keeps_newer_token(api, auth):
    send_threads(api, auth)
    api.ended["token-1"] = rejected()
    flows = [auth.sync_auth_flow(httpx.Request("GET", ORDERS)) for _ in range(2)]
    first, second = [(flow, next(flow)) for flow in flows]

    def reply(flow, request):
        response = api.handle(request)
        response.request = request
        return flow.send(response)

    exchange = reply(*first)
    repeated = reply(first[0], exchange)
    late = reply(*second)

    assert exchange.url.path == "/token"
    shown = [request.headers["Authorization"] for request in (repeated, late)]
    assert shown == ["Bearer token-2"] * 2
    first[0].close()
    second[0].close()


def test_thread_never_waits_for_itself(auth):
    flow, path = begin(auth)
    nested, nested_path = begin(auth)

    assert (path, nested_path) == ("/token", "/token")
    flow.close()
    nested.close()


def test_wait_for_thread_ends(api):
    clock = StoppedClock()
    clock.is_impatient = True
    auth = new_auth(api, clock=clock)
    flow = begin_in_thread(auth)

    with pytest.raises(Unavailable, match="in time"):
        begin(auth)

    # After that time, another thread makes the exchange.
    second, path = begin(auth)
    assert path == "/token"
    flow.close()
    second.close()


def test_late_waiter_takes_over(api):
    clock = StoppedClock()
    clock.is_impatient = True
    auth = new_auth(api, clock=clock)
    flow = begin_in_thread(auth)
    clock.now += 50

    second, path = begin(auth)

    # A minute after the beginning of the first exchange, rather than of its own wait.
    assert (path, clock.now) == ("/token", 1060)
    flow.close()
    second.close()


def test_wait_for_task_ends(api):
    class Impatient(StoppedClock):
        async def await_(self, end, seconds):
            await super().await_(end, 0)
            self.now += seconds

    auth = new_auth(api, clock=Impatient())
    flow = begin_in_thread(auth)

    with pytest.raises(Unavailable, match="in time"):
        asyncio.run(anext(auth.async_auth_flow(httpx.Request("GET", ORDERS))))
    flow.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_forked_process_makes_its_own_exchange(api):
    clock = StoppedClock()
    clock.is_impatient = True
    auth = new_auth(api, clock=clock)
    flow = begin_in_thread(auth)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # other tests' threads
        child = os.fork()
    if child == 0:  # pragma: no cover: it runs in the child
        status = 1
        try:
            status = 0 if begin(auth)[1] == "/token" else 2
        finally:
            os._exit(status)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    flow.close()
