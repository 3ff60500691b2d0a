"""The admin in a theme: each page opens, fits, has no barriers of ours, and does its work.

``pytest -m "" --ds=tests.themes.unfold tests/themes`` runs these tests in one theme. Under other
settings, without the theme or without a browser, they are skipped, unless TOT_JWT_REQUIRE_SERVICES
is set.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings as host_settings

from tests.support.admin import (
    ADD_KEY,
    change_url,
    changed_data,
    log_in,
    new_key_data,
    rotate,
    run_action,
    secret_in,
    text,
)
from tests.support.browser import (
    IS_COVERED,
    LOOKS,
    REQUIRED,
    inspect,
    needs_browser,
    running_browser,
    windows,
)
from tests.support.looks import addresses, make_long_rows, open_secret, visits
from tot_jwt.models import ApiKey

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

THEMES = ("unfold", "jazzmin", "grappelli", "admin_interface")
THEME = next((theme for theme in THEMES if theme in host_settings.INSTALLED_APPS), None)
#: What the package writes into the pages of a theme. The theme colors the links, such as names.
OURS = ".tot-page, .tot-actions, #result_list [class^=tot-]:not(.tot-name), .readonly [class^=tot-]"
#: The pages of Django that django-grappelli always makes 980 pixels wide.
FIXED_IN_GRAPPELLI = {
    "event",
    "add a key",
    "add a domain",
    "key",
    "created key",
    "domain",
    "history",
}

pytestmark = pytest.mark.skipif(THEME is None, reason="the settings name no theme")


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    if not REQUIRED:
        pytest.importorskip("playwright.sync_api", exc_type=ImportError)
    with running_browser() as browser:
        yield browser


@pytest.fixture
def key(db: None) -> ApiKey:
    return make_long_rows()


@pytest.fixture
def open_window(
    browser: "Browser", live_server: Any, make_user: Callable[..., Any]
) -> "Iterator[Callable[..., Page]]":
    user = make_user(is_staff=True, is_superuser=True)
    with windows(browser, live_server.url, user) as open_window:
        yield open_window


def test_each_page_opens(client, key):
    log_in(client, is_superuser=True)

    for url in addresses(key).values():
        assert client.get(url).status_code == 200


def test_forms_and_questions_work(client, make_domain):
    log_in(client, is_superuser=True)

    added = client.post(ADD_KEY, new_key_data(client, make_domain()))
    key = ApiKey.objects.get()
    assert secret_in(added).endswith(key.secret_hint)

    client.post(change_url(key), changed_data(key, name="Renamed"))
    rotated = secret_in(rotate(client, key))
    assert "This concerns 1 API key." in text(run_action(client, "disable_keys", key))
    run_action(client, "disable_keys", key, confirmed="1")

    key.refresh_from_db()
    assert key.name == "Renamed"
    assert rotated.endswith(key.secret_hint)
    assert key.disabled_at is not None


@needs_browser
@pytest.mark.parametrize(("scheme", "widths"), LOOKS)
def test_pages_fit_and_lack_barriers(scheme, widths, open_window, key):
    page, wrong = open_window(widths[-1], scheme), {}

    for name, visit in visits(key).items():
        visit(page)
        found = inspect(page, OURS, widths)
        wrong |= {(name, *place): value for place, value in found.items()}

    if THEME == "grappelli":
        for name in FIXED_IN_GRAPPELLI:
            wrong.pop((name, 390, "too wide"), None)
    assert wrong == {}


@needs_browser
@pytest.mark.parametrize("width", [390, 1280])
def test_copy_buttons_leave_values_visible(width, open_window, key):
    page = open_window(width)

    open_secret(page, key)

    for button in page.locator("[data-copy]").all():
        value = page.locator(f"#{button.get_attribute('data-copy')}")
        value.scroll_into_view_if_needed()
        assert not value.evaluate(IS_COVERED)
        button.scroll_into_view_if_needed()
        assert not button.evaluate(IS_COVERED)
