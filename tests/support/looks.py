"""Rows that strain the pages of the admin, and the pages that show them."""

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from tests.support.factories import ApiKeyFactory, AppDomainFactory
from tot_jwt.keys import lifecycle
from tot_jwt.models import ApiKey, KeyEvent, KeyUsage

if TYPE_CHECKING:
    from playwright.sync_api import Page

ADMIN = "/admin/tot_jwt/"
#: The longest domain that DNS allows.
LONGEST = ".".join([*(letter * 60 for letter in "abcd"), "example12"])


def make_long_rows() -> ApiKey:
    """Create keys whose names, domains and scopes are as long as possible. Return the oldest."""
    now, scopes = timezone.now(), [f"module{number:02}:read" for number in range(20)]
    domain = AppDomainFactory.create(domain=LONGEST, name="W" * 200)
    key = ApiKeyFactory.create(
        app_domain=domain,
        name="W" * 200,
        public_key=f"pk_live_tot_{'W' * 22}",
        scopes=scopes,
        last_used_at=now,
        expires_at=now + timedelta(days=9),
    )
    hour = int(now.timestamp()) // 3600 * 3600
    KeyUsage.objects.create(key=key, at=hour, accepted=1_234_567, refused=89)
    lifecycle.rotate_key(key, grace=timedelta(hours=1))
    created = ApiKeyFactory.create(
        app_domain=domain, name="created", scopes=[*scopes, "orders:write"], created_by_key=key
    )
    ApiKeyFactory.create(name="released", created_by_key=key, released_at=now)
    ApiKeyFactory.create(name="suspended", app_domain__suspended_at=now)
    ApiKeyFactory.create(name="revoked", revoked_at=now)
    assert created.creator == key
    return key


def addresses(key: ApiKey) -> dict[str, str]:
    """Return the address of each page that a link can open."""
    created, event = key.created_keys.get(name="created"), KeyEvent.objects.earliest("pk")
    return {
        "keys": f"{ADMIN}apikey/",
        "domains": f"{ADMIN}appdomain/",
        "events": f"{ADMIN}keyevent/",
        "event": f"{ADMIN}keyevent/{event.pk}/change/",
        "add a key": f"{ADMIN}apikey/add/",
        "add a domain": f"{ADMIN}appdomain/add/",
        "key": f"{ADMIN}apikey/{key.pk}/change/",
        "created key": f"{ADMIN}apikey/{created.pk}/change/",
        "domain": f"{ADMIN}appdomain/{key.app_domain_id}/change/",
        "rotation": f"{ADMIN}apikey/{key.pk}/rotate/",
        "history": f"{ADMIN}apikey/{key.pk}/history/",
    }


def open_question(page: "Page", row: Any, button: str) -> None:
    """Press a button of the row's page, which leads to the question."""
    page.goto(f"{ADMIN}{row._meta.model_name}/{row.pk}/change/")
    page.get_by_role("button", name=f"{button}…").click()
    page.locator(".tot-question").wait_for()


def open_secret(page: "Page", key: ApiKey) -> None:
    """Rotate the key, which leads to the page with the secret."""
    page.goto(f"{ADMIN}apikey/{key.pk}/rotate/")
    page.locator("[name=grace]").first.check()
    page.get_by_role("button", name="Rotate and show the new secret").click()
    page.locator("#tot-secret").wait_for()


def visits(key: ApiKey) -> dict[str, Callable[["Page"], Any]]:
    """Return how to open each page of the admin."""

    def go(address: str) -> Callable[["Page"], Any]:
        return lambda page: page.goto(address)

    return {
        **{name: go(address) for name, address in addresses(key).items()},
        "revocation": lambda page: open_question(page, key, "Revoke"),
        "suspension": lambda page: open_question(page, key.app_domain, "Suspend"),
        "secret": lambda page: open_secret(page, key),
    }
