"""Many threads and tasks that send requests, and flows that a test drives by hand."""

import asyncio
import threading
from contextlib import suppress

import httpx

from tests.support.client import StoppedClock, credentials
from tests.support.threads import run_threads
from tot_jwt.client import InvalidCredentials, TooManyRequests
from tot_jwt.client.httpx import TokenAuth

MANY = 50
ORDERS = "https://api.example.com/orders"


def new_auth(api, **options):
    """Return a TokenAuth of HTTPX whose clock stands still."""
    return TokenAuth(f"{api.url}/token", **credentials(**{"clock": StoppedClock()} | options))


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


def begin(auth):
    """Begin a flow and return it with its first request, which is not sent."""
    flow = auth.sync_auth_flow(httpx.Request("GET", ORDERS))
    return flow, next(flow).url.path


def begin_in_thread(auth):
    """Begin a flow in a thread that then ends. Return the flow."""
    flows = []
    thread = threading.Thread(target=lambda: flows.append(begin(auth)[0]))
    thread.start()
    thread.join()
    return flows[0]
