"""WebSockets of Channels, as docs/other-frameworks.md says."""

import pytest
from asgiref.sync import async_to_sync, sync_to_async

from tests.support.faults import database_gone
from tests.support.requests import bearer
from tests.support.token_requests import all_kinds
from tests.tools.async_urls import websocket
from tests.tools.packages import needed
from tot_jwt.keys import lifecycle
from tot_jwt.keys import state as key_state

WebsocketCommunicator = needed("channels.testing").WebsocketCommunicator

pytestmark = pytest.mark.urls("tests.tools.async_urls")


def open_socket(headers):
    """Return a connection that sends these headers in its handshake."""
    sent = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    return WebsocketCommunicator(websocket, "/orders", headers=sent)


async def shake_hands(headers):
    """Return whether the server accepts, and the code with which it closes."""
    return await open_socket(headers).connect()


def test_handshake_needs_a_token(make_key, make_token):
    statuses = {"without scope": 403, "elsewhere": 403, "two methods": 400}
    for name, headers in all_kinds(make_key, make_token).items():
        answer = async_to_sync(shake_hands)(headers)
        expected = (True, None) if name == "good" else (False, 4000 + statuses.get(name, 401))
        assert answer == expected, name


def test_each_message_needs_the_key(make_key, make_token):
    key = make_key(scopes=["orders:read"])
    headers = bearer(make_token(key))

    async def talk():
        socket = open_socket(headers)
        await socket.connect()
        await socket.send_json_to({})
        first = await socket.receive_json_from()
        await sync_to_async(lifecycle.revoke_key)(key)
        await socket.send_json_to({})
        return first, await socket.receive_output()

    first, last = async_to_sync(talk)()

    assert first == {"domain": key.app_domain.domain}
    assert (last["type"], last["code"]) == ("websocket.close", 4401)


def test_unavailable_database_closes_with_4503(make_key, make_token):
    headers = bearer(make_token(make_key(scopes=["orders:read"])))
    key_state.reset()

    with database_gone():
        assert async_to_sync(shake_hands)(headers) == (False, 4503)
