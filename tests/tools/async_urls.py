"""The view for adrf and the WebSocket of docs/other-frameworks.md."""

from typing import Any

from django.urls import include, path

from tests.support.documents import blocks, read, section
from tests.tools.packages import needed

needed("adrf")
URLRouter = needed("channels.routing").URLRouter

PAGE = read("docs/other-frameworks.md")


def run(title: str) -> dict[str, Any]:
    """Run the code of a section and return the names that it defines."""
    names: dict[str, Any] = {"__name__": f"docs.{title}"}
    for block in blocks(section(PAGE, title), "python"):
        exec(compile(block, "docs/other-frameworks.md", "exec"), names)  # noqa: S102 - our own text
    return names


ADRF, CHANNELS = run("adrf"), run("Channels")

urlpatterns = [
    path("api/internal/auth/", include("tot_jwt.urls")),
    path("orders", ADRF["Orders"].as_view()),
]
websocket = CHANNELS["TokenMiddleware"](URLRouter([path("orders", CHANNELS["Orders"].as_asgi())]))
