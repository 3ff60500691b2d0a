"""Swagger UI of the example in a real browser: authorize, and try the API out.

TOT_JWT_CHROMIUM names the browser. Without it or without Playwright the tests are skipped, unless
TOT_JWT_REQUIRE_SERVICES is set.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

import pytest

from tests.support.browser import REQUIRED, needs_browser, running_browser
from tests.support.requests import JSON, TOKEN_URL
from tests.support.schema_server import Example, running_example

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

if not REQUIRED:
    pytest.importorskip("playwright.sync_api", exc_type=ImportError)

#: The names of the security schemes, with the members of the credentials.
KEY_SCHEMES = {
    "totAppDomain": "appDomain",
    "totApiKey": "totApiKey",
    "totSecretKey": "totSecretKey",
}


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Example]:
    with running_example(tmp_path_factory.mktemp("swagger") / "demo.sqlite3") as example:
        yield example


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    with running_browser() as browser:
        yield browser


@pytest.fixture
def open_page(browser: "Browser", example: Example) -> "Iterator[Callable[..., Page]]":
    """``open_page(390)``: open Swagger UI. A file that does not load fails the test."""
    failed: list[str] = []
    contexts = []

    def open_window(width: int, scheme: Any = "light") -> "Page":
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        contexts.append(context)
        context.set_default_timeout(20_000)
        page = context.new_page()
        page.on("requestfailed", lambda request: failed.append(request.url))
        page.on("pageerror", lambda error: failed.append(str(error)))
        page.on("request", lambda request: check_origin(request.url))
        page.goto(f"{example.url}/api/docs/")
        return page

    def check_origin(url: str) -> None:
        if not url.startswith((example.url, "data:", "blob:")):
            failed.append(url)

    yield open_window
    for context in contexts:
        context.close()
    assert failed == []


def operation(page: "Page", name: str) -> "Locator":
    """Return the box of an operation, opened."""
    box = page.locator(f"[id$='-{name}']")
    if "is-open" not in str(box.get_attribute("class")):
        box.locator(".opblock-summary-control").click()
    return box


def try_out(page: "Page", name: str) -> str:
    """Execute an operation with what the page fills in, and return the status."""
    box = operation(page, name)
    box.locator(".try-out__btn").click()
    box.locator(".execute").click()
    return box.locator(".live-responses-table tbody td.response-col_status").inner_text().split()[0]


def authorize(page: "Page", values: dict[str, str]) -> None:
    """Fill in the form of each of these schemes."""
    page.locator(".auth-wrapper > .authorize").first.click()
    for name, value in values.items():
        form = form_of(page, name)
        form.locator("input").fill(value)
        form.get_by_label("Apply credentials").click()
    page.locator(".close-modal").click()


def form_of(page: "Page", scheme: str) -> "Locator":
    """Return the form of a security scheme."""
    heading = page.locator("h4", has_text=re.compile(rf"^{scheme}\b"))
    return page.locator(".auth-container", has=heading)


def issue_token(example: Example) -> str:
    """Return a token."""
    sent = Request(
        example.url + TOKEN_URL, json.dumps(example.keys).encode(), {"Content-Type": JSON}
    )
    with urlopen(sent) as response:
        return str(json.load(response)["token"])


@needs_browser
@pytest.mark.parametrize("width", [390, 1280])
def test_token_authorizes_try_it_out(open_page, example, width):
    page = open_page(width)

    assert try_out(page, "orders_list") == "401"
    authorize(page, {"totJwt": issue_token(example)})
    page.reload()  # the page remembers the token

    assert try_out(page, "orders_list") == "200"
    assert try_out(page, "tot_jwt_verify_token") == "200"


@needs_browser
@pytest.mark.parametrize("width", [390, 1280])
def test_headers_authorize_try_it_out(open_page, example, width):
    page = open_page(width, "dark")

    authorize(page, {name: example.keys[member] for name, member in KEY_SCHEMES.items()})

    assert page.evaluate("document.scrollingElement.scrollWidth - innerWidth") == 0
    assert try_out(page, "legacy_person_list") == "200"


@needs_browser
def test_client_credentials_authorize_try_it_out(open_page, example):
    page = open_page(1280)
    page.locator(".auth-wrapper > .authorize").first.click()
    form = form_of(page, "totOAuth2")
    form.get_by_label("client_id:").fill(example.keys["totApiKey"])
    form.get_by_label("client_secret:").fill(example.keys["totSecretKey"])
    form.locator("label[for^='orders:read']").click()
    form.get_by_label("Apply given OAuth2 credentials").click()
    form.get_by_label("Remove authorization").wait_for()
    page.locator(".close-modal").click()

    assert try_out(page, "orders_list") == "200"
    # The token has the selected scope only.
    assert try_out(page, "catalog_products_list") == "403"


@needs_browser
def test_exchange_is_tried_out(open_page, example):
    page = open_page(1280)
    box = operation(page, "tot_jwt_issue_token")
    box.locator(".try-out__btn").click()
    assert "pk_test_abc123..." in box.locator("textarea.body-param__text").input_value()
    box.locator("textarea.body-param__text").fill(json.dumps(example.keys))
    box.locator(".execute").click()

    live = box.locator(".live-responses-table")
    assert live.locator("tbody td.response-col_status").inner_text().split()[0] == "200"
    assert '"tokenType": "Bearer"' in live.inner_text()
