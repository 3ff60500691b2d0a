"""One exchange for many threads, tasks and event loops."""

import asyncio
import threading

import httpx
import pytest

from tests.client.flows import MANY, ORDERS, new_auth, send_tasks, send_threads
from tests.support.client import Api, Program, rejected
from tests.support.threads import run_threads
from tot_jwt.client import InvalidCredentials, TooManyRequests


@pytest.fixture
def api():
    return Api()


@pytest.fixture
def auth(api):
    return new_auth(api)


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
