"""For ASGI servers whose process ends without Python's exit handlers, such as uvicorn's."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from asgiref.sync import sync_to_async

from tot_jwt.keys.shutdown import write_counts

_Event = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[_Event]]
_Send = Callable[[_Event], Awaitable[None]]
_Application = Callable[[Any, Any, Any], Awaitable[Any]]


def write_usage_at_shutdown(application: _Application) -> _Application:
    """Return the application that also writes the counts of uses when its server shuts down.

    It answers the events of the ASGI protocol `lifespan`, which Django's application rejects.
    """

    async def wrapper(scope: _Event, receive: _Receive, send: _Send) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
        else:
            await application(scope, receive, send)

    return wrapper


async def _live(receive: _Receive, send: _Send) -> None:
    while (await receive())["type"] == "lifespan.startup":
        await send({"type": "lifespan.startup.complete"})
    await sync_to_async(write_counts)()
    await send({"type": "lifespan.shutdown.complete"})
