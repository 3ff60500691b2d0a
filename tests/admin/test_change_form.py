"""The form that changes a key."""

import re
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.db.models.signals import post_init
from django.utils import timezone

from tests.support.admin import KEYS, change_url, changed_data, messages, once_on, text
from tot_jwt.keys import lifecycle
from tot_jwt.keys.domains import erase_domain
from tot_jwt.models import ApiKey


def test_key_changes_only_its_settings(superuser, catalog, client, make_key):
    key = make_key(scopes=["orders:read"])
    fixed = {
        "public_key": "pk_x",
        "app_domain": "99",
        "environment": "test",
        "secret_hash": "x",
        "generation": "9",
    }
    settings = {"name": "New", "scopes": ["orders:write"], "allowed_ips": "10.0.0.0/8"}

    client.post(change_url(key), changed_data(key, can_issue_tokens="", **settings, **fixed))

    changed = ApiKey.objects.get()
    assert (changed.name, changed.scopes) == ("New", "orders:write")
    assert (changed.allowed_ips, changed.can_issue_tokens) == ("10.0.0.0/8", False)
    for field in ("public_key", "app_domain", "environment", "secret_hash", "generation"):
        assert getattr(changed, field) == getattr(key, field)


@pytest.mark.parametrize("with_catalog", [True, False])
def test_unchanged_form_writes_no_key(with_catalog, settings, superuser, client, make_key):
    """It also leaves the change that another administrator makes at the same time."""
    scopes = ["orders:read", "orders:write"]
    settings.TOT_JWT = {"SCOPES": dict.fromkeys(scopes, "")} if with_catalog else {}
    key = make_key(scopes=scopes, allowed_ips=["10.0.0.0/8", "::1"])
    data = changed_data(key, allowed_ips="10.0.0.0/8\r\n::1/128")
    if with_catalog:
        data["scopes"] = scopes

    def rename(row):
        ApiKey.objects.filter(pk=row.pk).update(name="New")

    with once_on(post_init, ApiKey, rename):
        response = client.post(change_url(key), data)

    assert response.status_code == 302
    assert ApiKey.objects.get().name == "New"
    assert LogEntry.objects.get().get_change_message() == "No fields changed."


def test_scope_outside_catalog_can_stay(superuser, catalog, client, make_key, settings):
    settings.TOT_JWT = {}
    key = make_key(scopes=["old:read"])
    settings.TOT_JWT = {"SCOPES": catalog}

    page = text(client.get(change_url(key)))
    assert "no longer in the catalog" in page
    assert re.search(r'value="old:read"[^>]*checked', page)

    client.post(change_url(key), changed_data(key, scopes=["old:read", "orders:read"]))
    key.refresh_from_db()
    assert key.scopes == "old:read orders:read"

    client.post(change_url(key), changed_data(key, scopes=["orders:read"]))
    key.refresh_from_db()
    assert key.scopes == "orders:read"
    assert 'value="old:read"' not in text(client.get(change_url(key)))


def test_key_revoked_meanwhile_gives_message(superuser, client, make_key):
    key = make_key()

    with once_on(post_init, ApiKey, lifecycle.revoke_key):
        response = client.post(change_url(key), changed_data(key, name="New"))

    assert messages(response) == ["This key has been revoked and can no longer be changed."]


def test_key_erased_meanwhile_gives_message(superuser, client, make_key):
    key = make_key()

    with once_on(post_init, ApiKey, lambda row: erase_domain(key.app_domain)):
        response = client.post(change_url(key), changed_data(key, name="New"))

    assert response["Location"] == KEYS
    assert "another user has erased it" in messages(response)[0]


def test_past_expiry_gives_field_error(superuser, client, make_key):
    key = make_key(expires_at=timezone.now() + timedelta(days=1))
    past = changed_data(key, expires_at_0="2020-01-01", expires_at_1="00:00:00")

    response = client.post(change_url(key), past)

    assert response.context["adminform"].form.errors == {
        "expires_at": ["The expiry must be in the future."]
    }
    assert ApiKey.objects.get().expires_at == key.expires_at


@pytest.mark.parametrize("days", [-3, 3])
def test_untouched_expiry_keeps_its_fraction(days, superuser, client, make_key):
    key = make_key(expires_at=timezone.now() + timedelta(days=days))
    local = timezone.localtime(key.expires_at)
    data = changed_data(
        key, name="New", expires_at_0=local.date(), expires_at_1=local.strftime("%H:%M:%S")
    )

    assert client.post(change_url(key), data).status_code == 302

    changed = ApiKey.objects.get()
    assert (changed.name, changed.expires_at) == ("New", key.expires_at)
