"""One exchange for many threads, tasks and event loops."""

import asyncio
import os
import threading
import warnings
from contextlib import suppress

import httpx
import pytest

from tests.support.client import Api, Program, StoppedClock, credentials, rejected
from tests.support.threads import run_threads
from tot_jwt.client import InvalidCredentials, TooManyRequests, Unavailable
from tot_jwt.client.httpx import TokenAuth

MANY = 50
ORDERS = "https://api.example.com/orders"


@pytest.fixture
def api():
    return Api()


@pytest.fixture
def auth(api):
    return new_auth(api)


def new_auth(api, **options):
    """Return a TokenAuth whose clock stands still."""
    return TokenAuth(f"{api.url}/token", **credentials(clock=StoppedClock(), **options))


def send_threads(api, auth):
    """Send a request from each of many threads, and return the results."""
    barrier = threading.Barrier(MANY)
    results = []

    def send(client):
        barrier.wait()
        with suppress(InvalidCredentials, TooManyRequests):
            results.append(client.get(ORDERS).status_code)

    with httpx.Client(auth=auth, transport=httpx.MockTransport(api.handle)) as client:
        run_threads(send, [client] * MANY)
    return results


async def send_tasks(api, auth):
    """Send a request from each of many tasks, and return the results or exceptions."""
    transport = httpx.MockTransport(api.ahandle)
    async with httpx.AsyncClient(auth=auth, transport=transport) as client:
        requests = [client.get(ORDERS) for _ in range(MANY)]
        results = await asyncio.gather(*requests, return_exceptions=True)
    return [getattr(result, "status_code", type(result)) for result in results]


def test_threads_share_an_exchange(api, auth):
    assert send_threads(api, auth) == [200] * MANY
    assert len(api.exchanges) == 1

    api.ended["token-1"] = rejected()
    assert send_threads(api, auth) == [200] * MANY
    assert len(api.exchanges) == 2


def test_tasks_share_an_exchange(api, auth):
    assert asyncio.run(send_tasks(api, auth)) == [200] * MANY
    assert len(api.exchanges) == 1

    api.ended["token-1"] = rejected()
    assert asyncio.run(send_tasks(api, auth)) == [200] * MANY
    assert len(api.exchanges) == 2


@pytest.mark.parametrize(("status", "error"), [(401, InvalidCredentials), (429, TooManyRequests)])
def test_failed_exchange_is_shared(api, auth, status, error):
    api.always(status, {"Retry-After": "600"}, b"")

    assert send_threads(api, auth) == []
    assert asyncio.run(send_tasks(api, auth)) == [error] * MANY
    assert (len(api.exchanges), api.requests) == (1, [])


def test_threads_with_loops_share_an_exchange(api, auth):
    results = []

    def work(is_async):
        if is_async:
            results.extend(asyncio.run(send_tasks(api, auth)))
        else:
            with httpx.Client(auth=auth, transport=httpx.MockTransport(api.handle)) as client:
                results.append(client.get(ORDERS).status_code)

    run_threads(work, [True, False] * 4)

    assert results == [200] * (4 * MANY + 4)
    assert len(api.exchanges) == 1


def test_threads_of_requests_share_an_exchange(servers):
    api = servers[0]()
    program = Program("requests", api)
    barrier = threading.Barrier(MANY)

    def send(_):
        barrier.wait()
        assert program.send().status_code == 200

    run_threads(send, range(MANY))

    assert len(api.exchanges) == 1


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


def test_lost_connection_blocks_no_thread(api, auth):
    def fail(request):
        raise httpx.ConnectError("refused", request=request)

    with httpx.Client(auth=auth, transport=httpx.MockTransport(fail)) as client:
        for _ in range(2):
            with pytest.raises(httpx.ConnectError):
                client.get(ORDERS)
    assert send_threads(api, auth) == [200] * MANY
    assert len(api.exchanges) == 1


def begin(auth):
    """Begin a flow and return it with its first request, which is not sent."""
    flow = auth.sync_auth_flow(httpx.Request("GET", ORDERS))
    return flow, next(flow).url.path


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


def begin_in_thread(auth):
    """Begin a flow in a thread that then ends. Return the flow."""
    flows = []
    thread = threading.Thread(target=lambda: flows.append(begin(auth)[0]))
    thread.start()
    thread.join()
    return flows[0]


def test_thread_never_waits_for_itself(auth):
    flow, path = begin(auth)
    nested, nested_path = begin(auth)

    assert (path, nested_path) == ("/token", "/token")
    flow.close()
    nested.close()


def test_wait_for_thread_ends(api):
    clock = StoppedClock()
    clock.is_impatient = True
    auth = TokenAuth(f"{api.url}/token", **credentials(clock=clock))
    flow = begin_in_thread(auth)

    with pytest.raises(Unavailable, match="in time"):
        begin(auth)

    # After that time, another thread makes the exchange.
    second, path = begin(auth)
    assert path == "/token"
    flow.close()
    second.close()


def test_wait_for_task_ends(api):
    class Impatient(StoppedClock):
        async def await_(self, end, seconds):
            await super().await_(end, 0)
            self.now += seconds

    auth = TokenAuth(f"{api.url}/token", **credentials(clock=Impatient()))
    flow = begin_in_thread(auth)

    with pytest.raises(Unavailable, match="in time"):
        asyncio.run(anext(auth.async_auth_flow(httpx.Request("GET", ORDERS))))
    flow.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_forked_process_makes_its_own_exchange(api):
    clock = StoppedClock()
    clock.is_impatient = True
    auth = TokenAuth(f"{api.url}/token", **credentials(clock=clock))
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
