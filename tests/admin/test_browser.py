"""The admin in a real browser: the life of a key, with a pointer and with a keyboard alone.

TOT_JWT_CHROMIUM names the browser. Without it or without Playwright the tests are skipped, unless
TOT_JWT_REQUIRE_SERVICES is set.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.contrib.sessions.models import Session
from django.urls import reverse

from tests.support.browser import CHROMIUM, REQUIRED, running_browser
from tot_jwt.keys import lifecycle
from tot_jwt.models import ApiKey, KeyEvent

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Locator, Page

PASSWORD = "correct horse"
KEYS = "/admin/tot_jwt/apikey/"

if not REQUIRED:
    pytest.importorskip("playwright.sync_api", exc_type=ImportError)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        not REQUIRED and not Path(CHROMIUM).exists(), reason=f"there is no {CHROMIUM}"
    ),
]


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    with running_browser() as browser:
        yield browser


@pytest.fixture
def context(browser: "Browser", live_server: Any, settings: Any) -> "Iterator[BrowserContext]":
    settings.TOT_JWT = {"SCOPES": {"orders:read": "Read orders", "orders:write": "Place orders"}}
    context = browser.new_context(
        base_url=live_server.url, permissions=["clipboard-read", "clipboard-write"]
    )
    context.set_default_timeout(10_000)
    yield context
    context.close()


@pytest.fixture
def page(context: "BrowserContext") -> "Iterator[Page]":
    """Yield a page, and fail if a file does not load, a script raises or a policy is violated."""
    complaints: list[str] = []
    page = context.new_page()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda message: complaints.append(message.text) if is_complaint(message) else None,
    )
    page.route("**/favicon.ico", lambda route: route.fulfill(status=204))
    yield page
    assert complaints == []


def is_complaint(message: Any) -> bool:
    return message.type == "error" and "ERR_CACHE_MISS" not in message.text


def log_in(page: "Page", user: Any) -> None:
    page.goto("/admin/")
    page.get_by_label("Username").fill(user.username)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/admin/")


def add_domain(page: "Page", domain: str) -> None:
    page.goto("/admin/tot_jwt/appdomain/add/")
    page.get_by_label("Domain").fill(domain)
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url("**/appdomain/")


def fill_in_key(page: "Page", domain: str) -> None:
    page.goto("/admin/tot_jwt/apikey/add/")
    page.locator(".field-app_domain .select2-selection").click()
    page.locator(".select2-search__field").fill(domain)
    page.get_by_role("option", name=domain).click()
    page.locator("#id_name").fill("The shop")
    page.get_by_label("orders:read Read orders").check()


def exchange(page: "Page", public_key: str, secret: str) -> int:
    """Exchange the key over HTTP, and return the status."""
    key = ApiKey.objects.select_related("app_domain").get(public_key=public_key)
    sent = {"appDomain": key.app_domain.domain, "totApiKey": public_key, "totSecretKey": secret}
    return page.request.post(reverse("tot_jwt:token"), data=sent).status


def copy_secret(page: "Page") -> str:
    """Press the secret's button "Copy", and return the clipboard."""
    page.locator("[data-copy=tot-secret]").click()
    page.get_by_role("button", name="Copied").wait_for()
    return str(page.evaluate("navigator.clipboard.readText()"))


def confirm_action(page: "Page", key: ApiKey, button: str) -> None:
    page.goto(f"{KEYS}{key.pk}/change/")
    page.get_by_role("button", name=f"{button}…").click()
    page.get_by_role("button", name=button, exact=True).click()
    page.wait_for_url("**/change/")


@pytest.mark.req("E4")
@pytest.mark.req("E5")
def test_key_lives_through_the_admin(
    page: "Page",
    context: "BrowserContext",
    make_user: Callable[..., Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("DEBUG")
    log_in(page, make_user(is_staff=True, is_superuser=True))
    add_domain(page, "Bücher.example")

    fill_in_key(page, "xn--bcher-kva.example")
    page.get_by_role("button", name="Save", exact=True).click()
    first = copy_secret(page)
    page.locator("[data-copy=tot-curl]").click()
    assert f'"totSecretKey": "{first}"' in page.evaluate("navigator.clipboard.readText()")
    key = ApiKey.objects.get()
    assert (key.app_domain.domain, key.scopes, key.secret_hint) == (
        "xn--bcher-kva.example",
        "orders:read",
        first[-4:],
    )
    assert exchange(page, key.public_key, first) == 200
    leave(page, [first])

    page.get_by_role("link", name="Rotate the secret").click()
    assert page.get_by_role("radio", name="1 day").is_checked()
    page.get_by_role("radio", name="1 hour").check()
    page.get_by_role("button", name="Rotate and show the new secret").click()
    second = copy_secret(page)
    secrets = [first, second]
    assert [exchange(page, key.public_key, secret) for secret in secrets] == [200, 200]
    leave(page, secrets)
    page.get_by_text("two secrets until").wait_for()

    confirm_action(page, key, "End the previous secret now")
    assert [exchange(page, key.public_key, secret) for secret in secrets] == [401, 200]
    confirm_action(page, key, "Revoke")
    assert [exchange(page, key.public_key, secret) for secret in secrets] == [401, 401]

    page.get_by_role("link", name="History").click()
    page.wait_for_url("**/history/")
    told = page.locator(".tot-events tbody tr td:nth-child(2)").all_inner_texts()
    assert told == ["revoked", "previous secret ended", "secret rotated", "created"]
    search_everywhere(secrets, page, context)
    assert [secret for secret in secrets if secret in caplog.text] == []


def leave(page: "Page", secrets: list[str]) -> None:
    """Leave the page of the secret, go back to it and reload it. Then open the key's page."""
    from playwright.sync_api import Error

    page.get_by_role("link", name="go to the key").click()
    page.wait_for_url("**/change/")
    for step in (page.go_back, page.reload):
        # Chromium submits the form again, which creates no second secret, or asks before it does.
        with suppress(Error):
            step()
        content = page.content()
        assert [secret for secret in secrets if secret in content] == []
    key = ApiKey.objects.get()
    assert key.secret_hint == secrets[-1][-4:]
    page.goto(f"{KEYS}{key.pk}/change/")


def search_everywhere(secrets: list[str], page: "Page", context: "BrowserContext") -> None:
    """Check that no page contains the secrets and that browser and database store none."""
    kept = [
        str(context.storage_state()),
        page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])"),
        str([session.get_decoded() for session in Session.objects.all()]),
        *(str(list(model.objects.values())) for model in (LogEntry, KeyEvent, ApiKey)),
    ]
    pk = ApiKey.objects.get().pk
    keys = ("", "add/", f"{pk}/change/", f"{pk}/history/")
    for url in ("/admin/", "/admin/tot_jwt/keyevent/", *(f"{KEYS}{name}" for name in keys)):
        page.goto(url)
        kept.append(page.content())
    assert [secret for secret in secrets for text in kept if secret in text] == []


def tab_to(page: "Page", target: "Locator") -> None:
    """Press Tab until the target has the focus, as a user without a pointer does."""
    for _ in range(80):
        if target.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not reach {target}")


def press(page: "Page", target: "Locator") -> None:
    tab_to(page, target)
    page.keyboard.press("Enter")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_key_lives_by_keyboard_alone(
    scheme: Any, page: "Page", make_user: Callable[..., Any], make_domain: Callable[..., Any]
) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": 390, "height": 800})
    user = make_user(is_staff=True, is_superuser=True)
    domain = make_domain(domain="example.com")

    page.goto(f"{KEYS}add/?app_domain={domain.pk}")
    page.keyboard.type(user.username)  # the field has the focus
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/add/**")
    tab_to(page, page.locator("#id_name"))
    page.keyboard.type("The shop")
    tab_to(page, page.get_by_label("orders:read Read orders"))
    page.keyboard.press("Space")
    press(page, page.get_by_role("button", name="Save", exact=True))
    press(page, page.locator("[data-copy=tot-secret]"))
    page.get_by_role("button", name="Copied").wait_for()
    press(page, page.get_by_role("link", name="go to the key"))

    press(page, page.get_by_role("link", name="Rotate the secret"))
    tab_to(page, page.get_by_role("radio", name="1 day"))
    page.keyboard.press("ArrowUp")
    press(page, page.get_by_role("button", name="Rotate and show the new secret"))
    press(page, page.get_by_role("link", name="go to the key"))
    press(page, page.get_by_role("button", name="Revoke…"))
    press(page, page.get_by_role("button", name="Revoke", exact=True))
    page.locator(".tot-badge-revoked").wait_for()

    key = ApiKey.objects.get()
    events = KeyEvent.objects.order_by("pk")
    assert key.scopes == "orders:read"
    assert [event.action for event in events] == ["created", "rotated", "revoked"]
    grace = key.previous_secret_expires_at - events[1].at  # type: ignore[operator]
    assert abs(grace - timedelta(hours=1)) < timedelta(seconds=1)


@pytest.mark.req("E5")
def test_viewer_sees_no_secret_or_button(
    page: "Page", make_user: Callable[..., Any], make_key: Callable[..., ApiKey]
) -> None:
    key = make_key()
    lifecycle.rotate_key(key, grace=timedelta(hours=1))
    viewer = make_user(is_staff=True)
    viewer.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    log_in(page, viewer)

    for url in ("", f"{key.pk}/change/", f"{key.pk}/history/"):
        page.goto(f"{KEYS}{url}")
        assert not re.search(r"sk_(live|test)_", page.content())
        assert page.locator("#content [type=submit]:not([value=Search])").count() == 0
        assert page.get_by_role("link", name=re.compile("Rotate|Add")).count() == 0
    page.goto(f"{KEYS}{key.pk}/change/")
    page.get_by_text("two secrets until").wait_for()
    page.get_by_role("link", name="History").click()
    page.get_by_role("cell", name="secret rotated").wait_for()
    for url in ("add/", f"{key.pk}/rotate/"):
        assert page.request.get(f"{KEYS}{url}").status == 403


@pytest.mark.req("E4")
def test_double_click_creates_one_secret(
    page: "Page", make_user: Callable[..., Any], make_domain: Callable[..., Any]
) -> None:
    make_domain(domain="example.com")
    log_in(page, make_user(is_staff=True, is_superuser=True))

    fill_in_key(page, "example.com")
    page.get_by_role("button", name="Save", exact=True).dblclick()

    assert re.match(r"sk_live_tot_\w{49}$", page.locator("#tot-secret").inner_text())
    assert ApiKey.objects.count() == 1

    page.goto(f"{KEYS}{ApiKey.objects.get().pk}/rotate/")
    page.get_by_role("button", name="Rotate and show the new secret").dblclick()

    assert page.locator("#tot-secret").inner_text()[-4:] == ApiKey.objects.get().secret_hint
    assert KeyEvent.objects.filter(action="rotated").count() == 1
