"""Take the pictures of the admin in docs/images: ``python docs/make_images.py``.

It needs Playwright (``pip install -e '.[dev]'``) and Chromium. Set TOT_JWT_CHROMIUM if Chromium is
not on the PATH. The pictures show a database in memory, so the secrets in them are worthless.
"""

# ruff: noqa: E402 (Django must be set up before the imports that need it)

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

IMAGES = Path(__file__).resolve().parent / "images"
sys.path.insert(0, str(IMAGES.parents[1]))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
# Playwright's synchronous API runs an event loop in this thread. Django rejects queries in one.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")

import django

django.setup()

import time_machine
from django.contrib.auth import get_user_model
from django.contrib.staticfiles.testing import StaticLiveServerTestCase
from django.test import Client
from django.test.runner import DiscoverRunner
from django.test.utils import override_settings
from django.utils import timezone

from tot_jwt.keys import (
    change_key,
    create_domain,
    create_key,
    disable_key,
    enable_key,
    revoke_key,
    rotate_key,
)
from tot_jwt.keys.record import administrator
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
KEYS = "/admin/tot_jwt/apikey/"


@contextmanager
def ago(**duration: float) -> Iterator[None]:
    """Set the clock back by this duration."""
    with time_machine.travel(timezone.now() - timedelta(**duration), tick=False):
        yield


def set_last_use(key: ApiKey, **columns: datetime) -> None:
    """Store times of use, as requests with the key would."""
    ApiKey.objects.filter(pk=key.pk).update(**columns)


def create_data(admin: Any) -> ApiKey:
    """Create two domains and keys of all kinds. Return the key that the pictures show."""
    by, now = administrator(admin, "192.0.2.17"), timezone.now()
    with ago(days=40):
        shop = create_domain("shop.example.com", name="Web shop")
        office = create_domain("office.example.org", name="Back office")
    create_other_keys(shop, office, now, by)
    with ago(days=30):
        key, _ = create_key(shop, name="Checkout", scopes=["orders:read"], by=by)
    with ago(days=12):
        change_key(
            key,
            name="Checkout",
            scopes=["orders:read", "orders:write"],
            expires_at=now + timedelta(days=335),
            allowed_ips=["203.0.113.0/24"],
            can_issue_tokens=True,
            by=by,
        )
    with ago(days=5):
        disable_key(key, by=by)
    with ago(days=4.9):
        enable_key(key, by=by)
    with ago(days=2):
        create_key(shop, name="Stock sync", scopes=["orders:read"], created_by_key=key)
    set_last_use(key, last_used_at=now - timedelta(minutes=3))
    return key


def create_other_keys(shop: AppDomain, office: AppDomain, now: datetime, by: Any) -> None:
    """Create the other keys of the list."""
    with ago(days=39):
        old, _ = create_key(office, name="Old till", scopes=["catalog:read"], by=by)
        create_key(shop, name="Tests", environment="test", scopes=SCOPES, by=by)
        create_key(
            office, name="Report", scopes=["orders:read"], expires_at=now + timedelta(days=6), by=by
        )
        app, _ = create_key(shop, name="Phone app", scopes=["catalog:read"], by=by)
    with ago(days=8):
        revoke_key(old, by=by)
    with ago(hours=2):
        rotate_key(app, grace=timedelta(days=1), by=by)
    set_last_use(
        app,
        last_used_at=now - timedelta(minutes=1),
        previous_secret_last_used_at=now - timedelta(minutes=20),
    )


def session_cookie(user: Any) -> Any:
    """Return the cookie of a browser in which the user is logged in."""
    client = Client()
    client.force_login(user)
    url = StaticLiveServerTestCase.live_server_url
    return {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": url}


def save_picture(page: "Page", name: str) -> None:
    """Save a picture of the page."""
    page.screenshot(path=IMAGES / f"{name}.png")


def take_pictures(page: "Page", key: ApiKey) -> None:
    """Visit the pages and save their pictures."""
    page.goto(KEYS)
    save_picture(page, "keys")
    page.goto(f"{KEYS}{key.pk}/rotate/")
    save_picture(page, "rotation")
    page.get_by_role("button", name="Rotate and show").click()
    page.locator("#tot-secret").wait_for()
    save_picture(page, "secret")
    page.goto(f"{KEYS}{key.pk}/history/")
    save_picture(page, "history")


def main() -> None:
    """Take all pictures, starting with an empty database."""
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
        admin = get_user_model().objects.create_superuser("maria")
        context.add_cookies([session_cookie(admin)])
        take_pictures(context.new_page(), create_data(admin))
        browser.close()
        StaticLiveServerTestCase.doClassCleanups()
    runner.teardown_databases(databases)


if __name__ == "__main__":
    main()
