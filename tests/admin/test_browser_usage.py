"""The chart of a key's usage in a real browser: it fits, and its words stay readable."""

import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.admin import change_url
from tests.support.browser import (
    LOOKS,
    REQUIRED,
    inspect,
    measure,
    needs_browser,
    running_browser,
    windows,
)
from tot_jwt.models import ApiKey, KeyUsage

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

if not REQUIRED:
    pytest.importorskip("playwright.sync_api", exc_type=ImportError)

DAY = 24 * 3600
#: Left and right edge, and height, of each word beside and below the bars.
WORDS = """() => [...document.querySelectorAll(".tot-date, .tot-scale span")]
    .map((word) => word.getBoundingClientRect())
    .filter((box) => box.width)
    .map((box) => [box.left, box.right, box.height, box.top])"""
#: The left edges of the bars, the oldest first.
BARS = """() => [...document.querySelectorAll(".tot-bars .tot-accepted")]
    .map((bar) => bar.getBoundingClientRect().left)"""
#: The space between the last date and the edge of the chart, where the row of the page ends.
MARGIN = """() => document.querySelector(".tot-usage").getBoundingClientRect().right
    - document.querySelector(".tot-end").getBoundingClientRect().right"""
#: How the middle of an accepted and of a refused part is painted.
PAINTS = """() => [".tot-bars .tot-accepted", ".tot-bars .tot-refused"]
    .map((part) => getComputedStyle(document.querySelector(part)).fill)"""


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    with running_browser() as browser:
        yield browser


@pytest.fixture
def key(make_key: Callable[..., ApiKey]) -> ApiKey:
    """Return a key that was used more and more, on each of many days."""
    key, today = make_key(), int(time.time()) // DAY
    KeyUsage.objects.bulk_create(
        KeyUsage(key=key, at=(today - ago) * DAY, accepted=10**6 // (ago + 1), refused=3 * ago)
        for ago in range(32)
    )
    return key


@pytest.fixture
def open_page(
    browser: "Browser", live_server: Any, make_user: Callable[..., Any], key: ApiKey
) -> "Iterator[Callable[..., Page]]":
    """``open_page(390, "dark")``: open the key's page, and its table of numbers."""
    user = make_user(is_staff=True, is_superuser=True)

    with windows(browser, live_server.url, user) as open_window:

        def open_page(width: int, scheme: str = "light", **options: Any) -> "Page":
            page: Page = open_window(width, scheme, **options)
            page.goto(change_url(key))
            # A pointer would scroll the page, after which Chromium may never report to be idle.
            page.locator(".tot-usage summary").evaluate("summary => summary.click()")
            return page

        yield open_page


@needs_browser
@pytest.mark.parametrize(("scheme", "widths"), LOOKS)
def test_chart_fits_and_lacks_barriers(scheme, widths, open_page):
    page = open_page(widths[-1], scheme)

    assert inspect(page, "#content", widths) == {}
    assert page.locator(".tot-numbers tbody tr").count() == 30
    assert page.get_by_role("img", name="Requests by day").is_visible()


@needs_browser
@pytest.mark.parametrize("width", [390, 1280, 1920])
def test_words_of_chart_stay_readable(width, open_page):
    page = open_page(width)

    boxes = page.evaluate(WORDS)
    assert len(boxes) == 6
    assert all(0 <= left < right <= width and height >= 12 for left, right, height, _ in boxes)
    assert page.evaluate(MARGIN) >= 8
    dates = sorted(box for box in boxes if box[3] == max(box[3] for box in boxes))
    assert all(box[1] < following[0] for box, following in pairwise(dates))
    accepted, refused = page.evaluate(PAINTS)
    assert refused == 'url("#tot-hatch")' != accepted


@needs_browser
def test_chart_runs_left_to_right(open_page, settings):
    settings.LANGUAGE_CODE = "ar"
    page = open_page(390)

    assert page.evaluate("getComputedStyle(document.body).direction") == "rtl"
    assert measure(page) == {}
    assert page.evaluate(BARS) == sorted(page.evaluate(BARS))
