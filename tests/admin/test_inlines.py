"""Inlines that a host adds to the pages of keys and domains."""

import pytest
from django.contrib import admin
from django.db import IntegrityError
from django.db.models.signals import pre_save

from tests.support.admin import (
    ADD_KEY,
    DOMAINS,
    SECRET,
    change_url,
    changed_data,
    fail_with,
    messages,
    new_key_data,
    once_on,
    text,
)
from tot_jwt.admin import ApiKeyAdmin, AppDomainAdmin
from tot_jwt.models import ApiKey, AppDomain, KeyEvent, RevokedToken


class Owner(admin.TabularInline):
    """Rows that refer to a key. Here they stand for a host's own."""

    model = RevokedToken
    fields = ("jti_hash", "expires_at")
    extra = 1

    def has_add_permission(self, request, obj=None):
        """Return True."""
        return True

    has_view_permission = has_change_permission = has_add_permission


class Note(admin.TabularInline):
    """Rows that refer to a domain."""

    model = KeyEvent
    fields = ("action", "at", "actor")
    extra = 1

    def has_add_permission(self, request, obj=None):
        """Return True."""
        return True


@pytest.fixture(autouse=True)
def inlines(monkeypatch):
    """Add the inlines to the admin, as a subclass of a host would."""
    monkeypatch.setattr(ApiKeyAdmin, "inlines", [Owner])
    monkeypatch.setattr(AppDomainAdmin, "inlines", [Note])


def owner(name="Maria", until="1", prefix="revoked_tokens"):
    """Return what the inline of a key sends."""
    return {
        f"{prefix}-TOTAL_FORMS": "1",
        f"{prefix}-INITIAL_FORMS": "0",
        f"{prefix}-0-jti_hash": name,
        f"{prefix}-0-expires_at": until,
    }


def note(actor="Maria"):
    """Return what the inline of a domain sends."""
    return {
        "events-TOTAL_FORMS": "1",
        "events-INITIAL_FORMS": "0",
        "events-0-action": "changed",
        "events-0-at_0": "2026-01-01",
        "events-0-at_1": "00:00:00",
        "events-0-actor": actor,
    }


def test_inline_is_saved_with_new_key(superuser, client, make_domain):
    response = client.post(ADD_KEY, new_key_data(client, make_domain(), **owner()))

    assert SECRET.search(text(response))
    saved = RevokedToken.objects.get()
    assert (saved.pk, saved.key) == ("Maria", ApiKey.objects.get())


@pytest.mark.parametrize("values", [{"until": ""}, {"name": "", "until": "1"}, {"name": "x" * 65}])
def test_invalid_inline_creates_no_key(values, superuser, client, make_domain):
    response = client.post(ADD_KEY, new_key_data(client, make_domain(), **owner(**values)))

    assert response.context["errors"]
    assert not SECRET.search(text(response))
    assert not ApiKey.objects.exists()


def test_failing_inline_creates_no_key(superuser, client, make_domain):
    data = new_key_data(client, make_domain(), **owner())

    with once_on(pre_save, RevokedToken, fail_with(IntegrityError("taken"))):
        response = client.post(ADD_KEY, data)

    assert messages(response)
    assert not ApiKey.objects.exists()
    assert not KeyEvent.objects.filter(key__isnull=False).exists()
    assert SECRET.search(text(client.post(ADD_KEY, data)))


def test_inline_is_saved_with_changed_key(superuser, client, make_key):
    key = make_key()

    client.post(change_url(key), changed_data(key, name="New", **owner()))

    assert RevokedToken.objects.get().key.name == "New"


def test_inline_is_saved_with_new_domain(superuser, client):
    client.post(f"{DOMAINS}add/", {"domain": "shop.example", **note()})

    saved = KeyEvent.objects.get(action="changed")
    assert (saved.actor, saved.app_domain) == ("Maria", AppDomain.objects.get())


def test_invalid_inline_creates_no_domain(superuser, client):
    client.post(f"{DOMAINS}add/", {"domain": "shop.example", **note(actor="")})

    assert not AppDomain.objects.exists()
    assert not KeyEvent.objects.exists()


def test_host_may_choose_the_fields(superuser, client, make_key, make_domain, monkeypatch):
    monkeypatch.setattr(ApiKeyAdmin, "inlines", [])
    monkeypatch.setattr(ApiKeyAdmin, "fields", ("app_domain", "environment", "name"))
    key = make_key(scopes=["orders:read"], allowed_ips=["10.0.0.0/8"], can_issue_tokens=False)

    client.post(change_url(key), {"name": "New"})
    response = client.post(ADD_KEY, new_key_data(client, make_domain()))

    changed = ApiKey.objects.get(pk=key.pk)
    assert (changed.name, changed.scopes, changed.allowed_ips) == (
        "New",
        "orders:read",
        "10.0.0.0/8",
    )
    assert not changed.can_issue_tokens
    assert SECRET.search(text(response))


def test_host_may_choose_the_domain_fields(superuser, client, make_domain, monkeypatch):
    monkeypatch.setattr(AppDomainAdmin, "inlines", [])
    monkeypatch.setattr(AppDomainAdmin, "fields", ("name",))
    app_domain = make_domain(aliases="www.shop.example")

    client.post(change_url(app_domain), {"name": "New"})

    app_domain.refresh_from_db()
    assert (app_domain.name, app_domain.aliases) == ("New", "www.shop.example")
