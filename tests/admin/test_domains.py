"""Domains in the admin."""

import html

import pytest
from django.contrib.admin.models import LogEntry
from django.db.models.signals import post_init, pre_save

from tests.support.admin import (
    ADD_KEY,
    DOMAINS,
    KEYS,
    before_transaction,
    change_url,
    changed_data,
    messages,
    new_key_data,
    once_on,
    run_action,
    text,
)
from tot_jwt.keys.domains import erase_domain, suspend_domain
from tot_jwt.models import AppDomain, KeyEvent


def add_other(app_domain):
    """Add the same domain as another administrator would, at this moment."""
    AppDomain.objects.bulk_create([AppDomain(domain=app_domain.domain)])


def test_domain_in_unicode_becomes_ascii(superuser, client):
    response = client.post(f"{DOMAINS}add/", {"domain": " Bücher.Example ", "name": "Books"})

    app_domain = AppDomain.objects.get()
    assert response.status_code == 302
    assert (app_domain.domain, app_domain.name) == ("xn--bcher-kva.example", "Books")
    assert LogEntry.objects.get().object_id == str(app_domain.pk)


@pytest.mark.parametrize(
    "domain", ["no spaces.example", "-a.example", "taken.example", "TAKEN.example"]
)
def test_impossible_domain_gives_form_error(domain, superuser, client, make_domain):
    make_domain(domain="taken.example")

    response = client.post(f"{DOMAINS}add/", {"domain": domain})

    assert response.context["errors"]
    assert AppDomain.objects.count() == 1


def test_existing_domain_changes_only_name(superuser, client, make_domain):
    app_domain = make_domain(domain="example.com")
    suspend_domain(app_domain)

    client.post(
        change_url(app_domain), {"domain": "other.example", "name": "New name", "suspended_at": ""}
    )

    app_domain.refresh_from_db()
    assert (app_domain.domain, app_domain.name) == ("example.com", "New name")
    assert app_domain.is_suspended


def test_domain_page_shows_state_and_keys(superuser, client, make_domain, make_key):
    app_domain = make_domain()
    make_key(app_domain=app_domain)
    make_key(app_domain=app_domain)

    page = text(client.get(change_url(app_domain)))

    assert f'href="{KEYS}?app_domain__id__exact={app_domain.pk}">2</a>' in page
    assert "</span> active</span>" in page


def test_domain_added_meanwhile_gives_message(superuser, client):
    with once_on(post_init, AppDomain, add_other, fits=lambda row: row.domain and not row.pk):
        response = client.post(f"{DOMAINS}add/", {"domain": "example.com"})

    assert response.status_code == 302
    assert messages(response) == ["This domain already exists."]


def test_domain_added_while_saving_gives_message(superuser, client):
    with once_on(pre_save, AppDomain, add_other):
        response = client.post(f"{DOMAINS}add/", {"domain": "example.com"})

    assert response.status_code == 302
    assert messages(response) == ["Another user changed this at the same time. Please try again."]


def test_confirmed_actions_suspend_and_resume_domains(superuser, client, make_domain):
    one, other = make_domain(domain="one.example"), make_domain(domain="other.example")
    suspend_domain(other)

    asked = run_action(client, "suspend_domains", one, other)
    one.refresh_from_db()
    assert not one.is_suspended
    assert [item["row"] for item in asked.context["affected"]] == [one]
    assert [item["row"] for item in asked.context["unaffected"]] == [other]

    run_action(client, "suspend_domains", one, confirmed="1")
    one.refresh_from_db()
    assert one.is_suspended
    assert "suspended" in text(client.get(DOMAINS))

    run_action(client, "resume_domains", one, other, confirmed="1")
    assert not AppDomain.objects.filter(suspended_at__isnull=False).exists()


def test_domain_settings_are_saved(superuser, client, make_domain):
    app_domain = make_domain(domain="shop.example")

    client.post(
        change_url(app_domain),
        {
            "name": "Shop",
            "aliases": "Bücher.Example\r\nWWW.shop.example",
            "contact": "maria@shop.example",
            "external_id": "C-17",
            "metadata": '{"plan": "gold"}',
            "rate_limit": "600/min",
        },
    )

    app_domain.refresh_from_db()
    assert app_domain.alias_list == ["www.shop.example", "xn--bcher-kva.example"]
    assert (app_domain.contact, app_domain.external_id) == ("maria@shop.example", "C-17")
    assert (app_domain.metadata, app_domain.rate_limit) == ({"plan": "gold"}, "600/min")
    event = KeyEvent.objects.get(app_domain=app_domain, action="domain_changed")
    assert event.user == superuser
    page = text(client.get(change_url(app_domain)))
    assert "www.shop.example\nxn--bcher-kva.example</textarea>" in page
    assert "&quot;plan&quot;: &quot;gold&quot;" in page
    history = text(client.get(f"{DOMAINS}{app_domain.pk}/history/"))
    assert "{&quot;plan&quot;: &quot;gold&quot;}" in history


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("aliases", "good.example not_a/domain"),
        ("contact", "nobody"),
        ("metadata", "{"),
        ("rate_limit", "fast"),
        ("external_id", "taken"),
        ("name", "\u200b"),
    ],
)
def test_invalid_setting_gives_field_error(field, value, superuser, client, make_domain):
    make_domain(external_id="taken")

    response = client.post(f"{DOMAINS}add/", {"domain": "shop.example", field: value})

    assert response.context["adminform"].form.errors[field]
    assert AppDomain.objects.count() == 1


@pytest.mark.parametrize(
    "metadata",
    ["[" * 5000, "[" * 900 + "]" * 900, '{"a": ' + "1" * 5000 + "}", r'{"a": "\ud800"}', "NaN"],
    ids=["nested", "closed", "number", "surrogate", "nan"],
)
def test_hostile_metadata_gives_field_error(metadata, superuser, client, make_key):
    key = make_key()
    forms = {
        f"{DOMAINS}add/": {"domain": "shop.example"},
        change_url(key.app_domain): {},
        ADD_KEY: new_key_data(client, key.app_domain),
        change_url(key): changed_data(key),
    }

    for url, data in forms.items():
        response = client.post(url, {**data, "metadata": metadata})

        assert response.context["adminform"].form.errors["metadata"], url
        assert html.escape(metadata) in text(response), url


@pytest.mark.parametrize("url", [f"{DOMAINS}add/", ADD_KEY])
def test_metadata_in_url_is_shown_unchanged(url, superuser, client):
    sent = '{"plan": "gold"}'

    page = text(client.get(url, {"metadata": sent}))

    assert f"\n{html.escape(sent)}</textarea>" in page


@pytest.mark.parametrize("name", ["suspend_domains", "resume_domains"])
def test_action_on_erased_domain_gives_message(name, superuser, client, make_domain):
    app_domain = make_domain()
    if name == "resume_domains":
        suspend_domain(app_domain)

    with before_transaction(lambda: erase_domain(app_domain)):
        response = run_action(client, name, app_domain, confirmed="1")

    assert response["Location"] == DOMAINS
    assert "another user has erased it" in messages(response)[0]


def test_change_of_erased_domain_gives_message(superuser, client, make_domain):
    app_domain = make_domain()

    with once_on(post_init, AppDomain, erase_domain):
        response = client.post(change_url(app_domain), {"name": "New name"})

    assert response["Location"] == DOMAINS
    assert "another user has erased it" in messages(response)[0]


def test_unchanged_domain_records_nothing(superuser, client, make_domain):
    app_domain = make_domain(aliases="a.example b.example", name="Shop")

    client.post(change_url(app_domain), {"name": "Shop", "aliases": "a.example\r\nb.example"})

    assert not KeyEvent.objects.filter(action="domain_changed").exists()


def test_domains_without_id_can_be_many(superuser, client):
    for domain in ("one.example", "two.example"):
        client.post(f"{DOMAINS}add/", {"domain": domain, "external_id": ""})

    assert AppDomain.objects.filter(external_id=None).count() == 2
