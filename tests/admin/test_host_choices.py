"""Hosts that choose the fields of the pages, and the order of a list."""

import pytest
from django.contrib import admin
from django.db.models.functions import Lower
from django.urls import path

from tests.support.admin import ADD_KEY, KEYS, SECRET, change_url, listed, new_key_data, text
from tot_jwt.admin import ApiKeyAdmin, AppDomainAdmin
from tot_jwt.models import ApiKey, AppDomain


class ChosenKeys(ApiKeyAdmin):
    """A host's admin of keys."""

    fields = ("app_domain", "environment", "name")

    def get_ordering(self, request):
        """Return an expression, as Django allows."""
        return (Lower("name"),)


class ChosenDomains(AppDomainAdmin):
    """A host's admin of domains."""

    fields = ("name",)


site = admin.AdminSite()
site.register(ApiKey, ChosenKeys)
site.register(AppDomain, ChosenDomains)
urlpatterns = [path("admin/", site.urls)]
pytestmark = pytest.mark.urls(__name__)


def test_absent_fields_keep_their_values(superuser, client, make_key):
    key = make_key(scopes=["orders:read"], allowed_ips=["10.0.0.0/8"], can_issue_tokens=False)

    client.post(change_url(key), {"name": "New"})

    changed = ApiKey.objects.get(pk=key.pk)
    assert (changed.name, changed.scopes, changed.allowed_ips) == (
        "New",
        "orders:read",
        "10.0.0.0/8",
    )
    assert not changed.can_issue_tokens


def test_few_fields_suffice_for_key(superuser, client, make_domain):
    response = client.post(ADD_KEY, new_key_data(client, make_domain()))

    assert SECRET.search(text(response))


def test_absent_domain_fields_keep_values(superuser, client, make_domain):
    app_domain = make_domain(aliases="www.shop.example")

    client.post(change_url(app_domain), {"name": "New"})

    app_domain.refresh_from_db()
    assert (app_domain.name, app_domain.aliases) == ("New", "www.shop.example")


def test_list_may_be_ordered_by_expression(superuser, client, make_key):
    keys = [make_key(name="B"), make_key(name="a")]

    assert listed(client.get(KEYS)) == keys[::-1]
