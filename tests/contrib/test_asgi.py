"""The lifespan of an ASGI application. tests/tools/test_uvicorn.py stops a real server."""

from asgiref.sync import async_to_sync
from asgiref.testing import ApplicationCommunicator

from tot_jwt.contrib.asgi import write_usage_at_shutdown


async def application(scope, receive, send):
    """Answer a request, as Django does. Its own answer to other protocols is an exception."""
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 204})


async def send_events(scope_type, *events):
    """Return what the application sends after each event."""
    wrapped = write_usage_at_shutdown(application)
    communicator = ApplicationCommunicator(wrapped, {"type": scope_type})
    answers = []
    for event in events:
        await communicator.send_input({"type": event})
        answers.append((await communicator.receive_output())["type"])
    await communicator.wait()
    return answers


def test_lifespan_is_answered_to_its_end():
    events = ("lifespan.startup", "lifespan.shutdown")

    assert async_to_sync(send_events)("lifespan", *events) == [
        "lifespan.startup.complete",
        "lifespan.shutdown.complete",
    ]


def test_requests_reach_the_application():
    assert async_to_sync(send_events)("http", "http.request") == ["http.response.start"]
