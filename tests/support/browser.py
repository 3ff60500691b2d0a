"""A real browser: where it is, how it starts, and what a page of the admin must be in it."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

REQUIRED = bool(os.environ.get("TOT_JWT_REQUIRE_SERVICES"))
CHROMIUM = os.environ.get("TOT_JWT_CHROMIUM", "/usr/bin/chromium")
#: In which color scheme and at which widths the tests inspect each page.
LOOKS = [
    pytest.param("light", (390, 1280), id="light"),
    pytest.param("dark", (1280, 390), id="dark"),
]
FLAGS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]

#: The cells of a list that the window, or a box around the list, cuts off: ``column: pixels``.
CUT_CELLS = """() => {
    const hidden = (cell) => {
        const { left, right, width } = cell.getBoundingClientRect();
        const beyond = [-left, right - innerWidth];
        for (let box = cell.parentElement; box; box = box.parentElement) {
            if (width && getComputedStyle(box).overflowX !== "visible") {
                const around = box.getBoundingClientRect();
                beyond.push(around.left - left, right - around.right);
            }
        }
        return width ? Math.round(Math.max(...beyond)) : 0;
    };
    return [...document.querySelectorAll("#result_list th, #result_list td")]
        .filter((cell) => hidden(cell) > 1)
        .map((cell) => `${cell.className}: ${hidden(cell)}`);
}"""

#: The visible buttons of our own pages that a finger misses: ``text: height``.
SMALL_BUTTONS = """() => [...document.querySelectorAll(
        ".tot-page .button, .tot-page .closelink, .tot-actions .button"
    )]
    .filter((button) => button.offsetHeight && button.offsetHeight < 40)
    .map((button) => `${button.textContent}: ${button.offsetHeight}`)"""

#: Run axe on the elements that match, and return the serious and critical findings.
FINDINGS = """async (selector) => {
    const include = [...document.querySelectorAll(selector)];
    const { violations } = include.length ? await axe.run({ include }) : { violations: [] };
    return violations
        .filter((finding) => ["serious", "critical"].includes(finding.impact))
        .map((finding) => `${finding.id}: ${finding.nodes.map((node) => node.target).join(" ")}`);
}"""

#: Whether something lies over the middle or an end of the element.
IS_COVERED = """(element) => [...element.getClientRects()].some((box) =>
    [box.left + 1, (box.left + box.right) / 2, box.right - 1].some((x) =>
        !element.contains(document.elementFromPoint(x, (box.top + box.bottom) / 2))))"""


@contextmanager
def running_browser() -> "Iterator[Browser]":
    """Run Chromium."""
    from playwright.sync_api import sync_playwright

    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        # Playwright's synchronous API runs an event loop, in whose thread Django refuses to query.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@contextmanager
def windows(browser: "Browser", url: str, user: Any) -> "Iterator[Callable[..., Page]]":
    """``open_window(390, scheme="dark")``: open a window in which the user is logged in."""
    contexts = []

    def open_window(width: int, scheme: Any = "light", **options: Any) -> "Page":
        viewport: Any = {"width": width, "height": 800}
        context = browser.new_context(
            base_url=url, viewport=viewport, color_scheme=scheme, **options
        )
        contexts.append(context)
        context.set_default_timeout(10_000)
        context.add_cookies([session_cookie(user, url)])
        return context.new_page()

    yield open_window
    for context in contexts:
        context.close()


def session_cookie(user: Any, url: str) -> Any:
    """Return the cookie of a browser in which the user is logged in."""
    client = Client()
    client.force_login(user)
    return {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": url}


@cache
def axe_script() -> str:
    """Return the script of axe-core, which finds what assistive technology cannot use."""
    if not REQUIRED:
        pytest.importorskip("axe_playwright_python")
    return (files("axe_playwright_python") / "axe.min.js").read_text("utf-8")


def needs_browser(test: Any) -> Any:
    """Mark a test as one that needs a browser, and skip it if there is none."""
    missing = not REQUIRED and not Path(CHROMIUM).exists()
    skipped = pytest.mark.skipif(missing, reason=f"there is no {CHROMIUM}")
    return pytest.mark.browser(skipped(test))


def measure(page: "Page") -> dict[str, Any]:
    """Return what is wrong with the sizes of a page. An empty dict means nothing."""
    width: int = page.evaluate("document.scrollingElement.scrollWidth - innerWidth")
    wrong = {
        "too wide": max(width, 0),
        "cut": page.evaluate(CUT_CELLS),
        "small": page.evaluate(SMALL_BUTTONS),
    }
    return {name: value for name, value in wrong.items() if value}


def inspect(page: "Page", selector: str, widths: tuple[int, ...]) -> dict[tuple[int, str], Any]:
    """Return what is wrong with a page at these widths and, at the last one, what axe finds."""
    found: dict[tuple[int, str], Any] = {}
    page.evaluate("new Promise((done) => requestIdleCallback(done))")  # its scripts have run
    for width in widths:
        page.set_viewport_size({"width": width, "height": 800})
        found |= {(width, name): value for name, value in measure(page).items()}
    page.evaluate(axe_script())
    barriers = page.evaluate(FINDINGS, selector)
    return found | ({(widths[-1], "barriers"): barriers} if barriers else {})
