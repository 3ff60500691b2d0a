"""What the admin looks like in a real browser: nothing is cut, covered, small or nameless."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.browser import (
    IS_COVERED,
    LOOKS,
    REQUIRED,
    inspect,
    measure,
    needs_browser,
    running_browser,
    windows,
)
from tests.support.looks import ADMIN, LONGEST, addresses, make_long_rows, open_secret, visits
from tot_jwt.models import ApiKey

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

if not REQUIRED:
    pytest.importorskip("playwright.sync_api", exc_type=ImportError)


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    with running_browser() as browser:
        yield browser


@pytest.fixture
def key(db: None, settings: Any) -> ApiKey:
    key = make_long_rows()
    # The keys have further scopes, which the catalog no longer has.
    settings.TOT_JWT = {"SCOPES": {"orders:read": "Read orders", "orders:write": "Place orders"}}
    return key


@pytest.fixture
def open_window(
    browser: "Browser", live_server: Any, make_user: Callable[..., Any]
) -> "Iterator[Callable[..., Page]]":
    user = make_user(is_staff=True, is_superuser=True)
    with windows(browser, live_server.url, user) as open_window:
        yield open_window


@needs_browser
@pytest.mark.parametrize("width", [390, 1280, 1366, 1440, 1536, 1920])
def test_lists_fit_window_beside_sidebar(width, open_window, key):
    page = open_window(width)
    wrong = {}

    for name in ("keys", "domains", "events"):
        page.goto(addresses(key)[name])
        if width > 767:
            assert page.locator("#nav-sidebar").is_visible()
        assert page.locator("#result_list tbody tr").first.is_visible()
        wrong[name] = measure(page)

    assert wrong == {"keys": {}, "domains": {}, "events": {}}


@needs_browser
@pytest.mark.parametrize(("scheme", "widths"), LOOKS)
def test_pages_fit_and_lack_barriers(scheme, widths, open_window, key):
    page, wrong = open_window(widths[-1], scheme), {}

    for name, visit in visits(key).items():
        visit(page)
        found = inspect(page, "#content", widths)
        wrong |= {(name, *place): value for place, value in found.items()}

    assert wrong == {}


@needs_browser
@pytest.mark.parametrize("width", [390, 1280])
def test_copy_buttons_leave_values_visible(width, open_window, key):
    page = open_window(width)

    open_secret(page, key)

    buttons = page.locator("[data-copy]").all()
    assert len(buttons) == 4
    for button in buttons:
        value = page.locator(f"#{button.get_attribute('data-copy')}")
        value.scroll_into_view_if_needed()
        assert not value.evaluate(IS_COVERED)
        button.scroll_into_view_if_needed()
        assert not button.evaluate(IS_COVERED)


@needs_browser
def test_phone_names_what_cells_mean(open_window, key):
    page = open_window(390)

    page.goto(f"{ADMIN}apikey/")

    row = page.locator("#result_list tbody tr").filter(has_text="suspended").first
    assert row.locator(".field-last_used").inner_text() == "last used never"
    assert row.locator(".field-expires").inner_text() == "expires never"
    page.set_viewport_size({"width": 1280, "height": 800})
    assert row.locator(".field-last_used").inner_text() == "never"

    page.goto(f"{ADMIN}appdomain/")
    row = page.locator("#result_list tbody tr").filter(has_text=LONGEST)
    cell = row.locator(".field-number_of_keys")
    assert cell.inner_text() == "2"
    page.set_viewport_size({"width": 390, "height": 800})
    assert cell.inner_text() == "API keys 2"


@needs_browser
def test_phone_shows_each_event_whole(open_window, key):
    page = open_window(390)

    page.goto(addresses(key)["history"])

    table = page.locator(".tot-events")
    assert table.evaluate("table => table.parentElement.scrollWidth <= table.clientWidth")
    event = table.locator("tbody tr").first
    assert "secret rotated" in event.inner_text()
    for cell in event.locator("td:not(:empty)").all():
        box = cell.bounding_box()
        assert box is not None
        assert 0 <= box["x"] <= box["x"] + box["width"] <= 390


@needs_browser
def test_secret_shows_without_scripts(open_window, key):
    page = open_window(1280, java_script_enabled=False)

    open_secret(page, key)
    secret = page.locator("#tot-secret").inner_text()
    assert secret.endswith(ApiKey.objects.get(pk=key.pk).secret_hint)
    assert not page.locator("[data-copy]").first.is_visible()

    page.get_by_role("link", name="go to the key").click()
    page.get_by_role("button", name="Disable…").click()
    page.get_by_role("button", name="Disable", exact=True).click()
    page.locator(".tot-badge-disabled").first.wait_for()
