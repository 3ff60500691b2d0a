"""Inlines that a host adds to the pages of keys and domains."""

import pytest
from django.contrib import admin
from django.db import IntegrityError
from django.db.models.signals import pre_save
from django.urls import path

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


class KeysWithOwners(ApiKeyAdmin):
    """A host's admin of keys."""

    inlines = (Owner,)


class DomainsWithNotes(AppDomainAdmin):
    """A host's admin of domains."""

    inlines = (Note,)


site = admin.AdminSite()
site.register(ApiKey, KeysWithOwners)
site.register(AppDomain, DomainsWithNotes)
urlpatterns = [path("admin/", site.urls)]
pytestmark = pytest.mark.urls(__name__)


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
