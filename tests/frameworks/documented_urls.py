"""The views, the API and the ASGI application of docs/other-frameworks.md."""

from typing import Any

from django.urls import include, path

from tests.support.documents import blocks, read, section

PAGE = read("docs/other-frameworks.md")


def run(title: str) -> list[dict[str, Any]]:
    """Run the code of a section and return the names that each of its blocks defines."""
    found = []
    for block in blocks(section(PAGE, title), "python"):
        names: dict[str, Any] = {"__name__": f"docs.{title}"}
        exec(compile(block, "docs/other-frameworks.md", "exec"), names)  # noqa: S102 - our own text
        found.append(names)
    return found


FUNCTION, CLASS = run("Views of Django")
(NINJA,) = run("django-ninja")
(ASGI,) = run("Any other ASGI application")
(BY_HAND,) = run("Verify a token yourself")

urlpatterns = [
    path("api/internal/auth/", include("tot_jwt.urls")),
    path("function", FUNCTION["orders"]),
    path("class", CLASS["Orders"].as_view()),
    path("api/", NINJA["api"].urls),
]
