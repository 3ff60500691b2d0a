"""Make the pictures of the admin in docs/images anew: ``python docs/make_images.py``.

It needs Playwright (``pip install -e '.[dev]'``) and Chromium, which TOT_JWT_CHROMIUM names if it is not on the PATH.
The pictures show a database in memory; the secrets in them open nothing.
"""

# ruff: noqa: E402 (Django is set up before what needs it is imported)

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

from tot_jwt.keys.domains import create_domain

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
# Playwright's synchronous API runs an event loop in this thread, where Django refuses to query.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")

import django

django.setup()

from django.contrib.auth import get_user_model
from django.contrib.staticfiles.testing import StaticLiveServerTestCase
from django.test import Client
from django.test.runner import DiscoverRunner
from django.test.utils import override_settings
from django.utils import timezone

from tot_jwt.keys import lifecycle
from tot_jwt.keys.record import person
from tot_jwt.models import ApiKey, AppDomain

if TYPE_CHECKING:
    from playwright.sync_api import Page

CHROMIUM = os.environ.get("TOT_JWT_CHROMIUM") or shutil.which("chromium")
SCOPES = {
    "orders:read": "Read orders",
    "orders:write": "Place and change orders",
    "catalog:read": "Read products and prices",
}
SIZE: Any = {"width": 1280, "height": 640}
WIDE: Any = {"width": 1500, "height": 700}
KEYS = "/admin/tot_jwt/apikey/"


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    """Let it be that moment for the package."""
    with mock.patch("tot_jwt.clock.now", return_value=moment):
        yield


def used(key: ApiKey, **columns: datetime) -> None:
    """Note uses of the key, as its owner's requests would."""
    ApiKey.objects.filter(pk=key.pk).update(**columns)


def make_data(admin: Any) -> ApiKey:
    """Two domains and keys of all kinds; the key to look at."""
    by, now = person(admin, "192.0.2.17"), timezone.now()
    with at(now - timedelta(days=40)):
        shop = create_domain("shop.example.com", name="Web shop")
        office = create_domain("office.example.org", name="Back office")
    make_other_keys(shop, office, now, by)
    with at(now - timedelta(days=30)):
        key, _ = lifecycle.create_key(shop, name="Checkout", scopes=["orders:read"], by=by)
    with at(now - timedelta(days=12)):
        lifecycle.change_key(
            key,
            name="Checkout",
            scopes=["orders:read", "orders:write"],
            expires_at=now + timedelta(days=335),
            allowed_ips=["203.0.113.0/24"],
            can_issue_tokens=True,
            by=by,
        )
    for days, act in ((5, lifecycle.disable_key), (4.9, lifecycle.enable_key)):
        with at(now - timedelta(days=days)):
            act(key, by=by)
    with at(now - timedelta(days=2)):
        lifecycle.create_key(shop, name="Stock sync", scopes=["orders:read"], created_by_key=key)
    used(key, last_used_at=now - timedelta(minutes=3))
    return key


def make_other_keys(shop: AppDomain, office: AppDomain, now: datetime, by: Any) -> None:
    """The keys that stand around it in the list."""
    with at(now - timedelta(days=39)):
        old, _ = lifecycle.create_key(office, name="Old till", scopes=["catalog:read"], by=by)
        lifecycle.create_key(shop, name="Tests", environment="test", scopes=SCOPES, by=by)
        lifecycle.create_key(
            office, name="Report", scopes=["orders:read"], expires_at=now + timedelta(days=6), by=by
        )
        app, _ = lifecycle.create_key(shop, name="Phone app", scopes=["catalog:read"], by=by)
    with at(now - timedelta(days=8)):
        lifecycle.revoke_key(old, by=by)
    with at(now - timedelta(hours=2)):
        lifecycle.rotate_key(app, grace=timedelta(days=1), by=by)
    used(
        app,
        last_used_at=now - timedelta(minutes=1),
        previous_secret_last_used_at=now - timedelta(minutes=20),
    )


def session_of(user: Any) -> Any:
    """The cookie of somebody who has logged in."""
    client = Client()
    client.force_login(user)
    url = StaticLiveServerTestCase.live_server_url
    return {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": url}


def take(page: "Page", name: str) -> None:
    """Save the picture of what the page shows."""
    page.screenshot(path=HERE / "images" / f"{name}.png")


def walk(page: "Page", key: ApiKey) -> None:
    """Go where the pictures are."""
    page.set_viewport_size(WIDE)
    page.goto(KEYS)
    take(page, "keys")
    page.set_viewport_size(SIZE)
    page.goto(f"{KEYS}{key.pk}/rotate/")
    take(page, "rotation")
    page.get_by_role("button", name="Rotate and show").click()
    page.locator("#tot-secret").wait_for()
    take(page, "secret")
    page.goto(f"{KEYS}{key.pk}/change/")
    page.locator(".tot-events").scroll_into_view_if_needed()
    page.locator(".tot-events").screenshot(path=HERE / "images" / "history.png")


def main() -> None:
    """All pictures, from an empty database."""
    from playwright.sync_api import sync_playwright

    runner = DiscoverRunner(verbosity=0)
    databases = runner.setup_databases()
    with (
        override_settings(TOT_JWT={"SCOPES": SCOPES}, TIME_ZONE="UTC"),
        sync_playwright() as playwright,
    ):
        StaticLiveServerTestCase.setUpClass()
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = browser.new_context(
            base_url=StaticLiveServerTestCase.live_server_url, viewport=SIZE
        )
        context.add_init_script("localStorage.setItem('django.admin.navSidebarIsOpen', 'false')")
        admin = get_user_model().objects.create_superuser("maria")  # type: ignore[attr-defined]
        context.add_cookies([session_of(admin)])
        walk(context.new_page(), make_data(admin))
        browser.close()
        StaticLiveServerTestCase.doClassCleanups()
    runner.teardown_databases(databases)


if __name__ == "__main__":
    main()
