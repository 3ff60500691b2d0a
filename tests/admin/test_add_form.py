"""The form that adds a key, and the page that shows the new secret once."""

import html
import re
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.db.models.signals import post_save, pre_save
from django.test import Client
from django.utils import timezone

from tests.support.admin import (
    ADD_KEY,
    KEYS,
    SECRET,
    before_transaction,
    change_url,
    fail_with,
    messages,
    new_key_data,
    once_on,
    secret_in,
    text,
)
from tot_jwt.exceptions import InvalidValue
from tot_jwt.models import ApiKey, KeyEvent


@pytest.mark.req("E4")
def test_new_secret_is_shown_only_once(superuser, catalog, client, make_domain, works):
    networks = "127.0.0.0/8\n ::1 "
    data = new_key_data(client, make_domain(), scopes=["orders:read"], allowed_ips=networks)

    response = client.post(ADD_KEY, data)

    key, secret = ApiKey.objects.get(), secret_in(response)
    assert response.status_code == 200
    assert "no-store" in response["Cache-Control"]
    assert key.public_key in text(response)
    assert key.secret_hint == secret[-4:]
    assert works(key, secret)
    assert secret not in f"{client.cookies} {dict(client.session)} {messages(response)}"
    assert secret not in f"{LogEntry.objects.values().get()} {ApiKey.objects.values().get()}"
    for url in (KEYS, ADD_KEY, change_url(key), f"{KEYS}{key.pk}/history/", "/admin/"):
        assert not SECRET.search(text(client.get(url)))


def test_new_key_has_the_submitted_settings(superuser, catalog, client, make_domain):
    networks = "127.0.0.0/8\n ::1 "
    app_domain = make_domain()

    client.post(
        ADD_KEY, new_key_data(client, app_domain, scopes=["orders:read"], allowed_ips=networks)
    )

    key = ApiKey.objects.get()
    assert (key.app_domain, key.environment, key.name) == (app_domain, "live", "The shop")
    assert (key.scopes, key.allowed_ips) == ("orders:read", "127.0.0.0/8 ::1/128")
    assert (key.created_by, key.can_issue_tokens, key.expires_at) == (superuser, True, None)


@pytest.mark.req("E4")
@pytest.mark.parametrize("environment", ["live", "test"])
def test_form_submitted_twice_creates_one_key(environment, superuser, client, make_domain):
    data = new_key_data(client, make_domain())
    client.post(ADD_KEY, data)

    again = client.post(ADD_KEY, {**data, "environment": environment, "name": "Another"})

    assert ApiKey.objects.get().name == "The shop"
    assert "This form was already used" in text(again)
    assert "revoke this key and add another one" in text(again)
    assert f'href="{ADD_KEY}"' in text(again)
    assert "no-store" in again["Cache-Control"]
    assert not SECRET.search(text(again))


@pytest.mark.req("E4")
@pytest.mark.parametrize("environment", ["live", "test"])
def test_form_submitted_concurrently_creates_one_key(environment, superuser, client, make_domain):
    data = new_key_data(client, make_domain())
    other = Client()
    other.force_login(superuser)

    with before_transaction(lambda: other.post(ADD_KEY, {**data, "environment": environment})):
        response = client.post(ADD_KEY, data)

    assert "This form was already used" in text(response)
    assert ApiKey.objects.count() == 1


def test_key_rejected_while_saving_gives_message(superuser, client, make_domain):
    data = new_key_data(client, make_domain())

    with once_on(pre_save, ApiKey, fail_with(InvalidValue("Too many keys."))):
        response = client.post(ADD_KEY, data)

    assert response.status_code == 302
    assert messages(response) == ["Too many keys."]


@pytest.mark.req("E4")
@pytest.mark.parametrize(
    "forge", [lambda token: "", lambda token: token + "x", lambda token: "a:b:c"]
)
def test_form_with_forged_signature_is_renewed(forge, superuser, client, make_domain):
    data = new_key_data(client, make_domain())

    response = client.post(ADD_KEY, {**data, "new_key": forge(data["new_key"])})

    assert "has been renewed" in text(response)
    assert not ApiKey.objects.exists()
    renewed = re.search(r'name="new_key" value="([^"]+)"', text(response))
    client.post(ADD_KEY, {**data, "new_key": renewed[1]})
    assert ApiKey.objects.exists()


@pytest.mark.req("E4")
def test_form_of_another_user_is_renewed(log_in, client, make_domain):
    log_in(is_superuser=True)
    data = new_key_data(client, make_domain())
    log_in(is_superuser=True)

    assert "has been renewed" in text(client.post(ADD_KEY, data))
    assert not ApiKey.objects.exists()


@pytest.mark.req("E4")
def test_form_of_yesterday_is_renewed(superuser, client, make_domain, time_machine):
    data = new_key_data(client, make_domain())
    time_machine.move_to(timezone.now() + timedelta(days=1, seconds=1))

    assert "has been renewed" in text(client.post(ADD_KEY, data))
    assert not ApiKey.objects.exists()


@pytest.mark.req("E4")
@pytest.mark.parametrize("button", ["_addanother", "_continue", "_saveasnew", "_popup"])
def test_any_button_shows_new_secret(button, superuser, client, make_domain):
    response = client.post(ADD_KEY, {**new_key_data(client, make_domain()), button: "1"})

    assert response.status_code == 200
    assert SECRET.search(text(response))


def test_add_form_has_one_button(superuser, client):
    page = text(client.get(ADD_KEY))

    assert 'name="_save"' in page
    assert "_addanother" not in page
    assert "_continue" not in page


def test_save_as_new_is_forbidden(superuser, client, make_key, make_domain):
    key = make_key()

    response = client.post(
        change_url(key), {**new_key_data(client, make_domain()), "_saveasnew": "1"}
    )

    assert response.status_code == 403
    assert ApiKey.objects.count() == 1


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        (
            "allowed_ips",
            "10.0.0.0/33",
            "“10.0.0.0/33” is not an IP address or network. Use CIDR notation, such as",
        ),
        (
            "allowed_ips",
            "10.0.0.1\nlocalhost",
            "“localhost” is not an IP address or network. Use CIDR notation, such as",
        ),
        (
            "scopes",
            ["orders:read", "orders:delete"],
            "orders:delete is not one of the available choices",
        ),
        ("name", "", "This field is required."),
        ("app_domain", "0", "That choice is not one of the available choices."),
        ("app_domain", "9" * 30, "That choice is not one of the available choices."),
        ("app_domain", "x", "That choice is not one of the available choices."),
        ("environment", "stage", "stage is not one of the available choices"),
    ],
)
def test_invalid_value_gives_field_error(
    field, value, expected, superuser, catalog, client, make_domain
):
    response = client.post(ADD_KEY, new_key_data(client, make_domain(), **{field: value}))

    (error,) = response.context["adminform"].form.errors[field]
    assert expected in error
    assert not ApiKey.objects.exists()


@pytest.mark.parametrize("number", ["x", "٣", "9" * 30, "1.0", "\0"])
def test_impossible_domain_in_url_is_ignored(number, superuser, client):
    assert client.get(ADD_KEY, {"app_domain": number}).status_code == 200


@pytest.mark.parametrize(("days", "created"), [(-1, 0), (1, 1)])
def test_new_key_expires_only_in_future(days, created, superuser, client, make_domain):
    at = timezone.localtime() + timedelta(days=days)
    data = new_key_data(
        client, make_domain(), expires_at_0=at.date(), expires_at_1=at.strftime("%H:%M:%S")
    )

    response = client.post(ADD_KEY, data)

    assert ApiKey.objects.count() == created
    assert ("The expiry must be in the future." in text(response)) is not created


@pytest.mark.parametrize("zone", ["America/Chicago", "UTC", "Asia/Tokyo"])
def test_expiry_beyond_calendar_gives_error(zone, superuser, client, make_domain, settings):
    settings.TIME_ZONE = zone
    data = new_key_data(client, make_domain(), expires_at_0="9999-12-31", expires_at_1="23:59:59")

    response = client.post(ADD_KEY, data)

    (error,) = response.context["adminform"].form.errors["expires_at"]
    assert "9999" in error


def test_scopes_without_catalog_are_text(superuser, client, make_domain):
    app_domain = make_domain()
    response = client.post(ADD_KEY, new_key_data(client, app_domain, scopes="good keys:manage"))
    assert response.context["adminform"].form.errors["scopes"]

    client.post(ADD_KEY, new_key_data(client, app_domain, scopes=" b:read\na:read b:read"))

    assert ApiKey.objects.get().scopes == "a:read b:read"


def test_secret_page_shows_curl_command(superuser, client, make_domain):
    data = new_key_data(client, make_domain(domain="example.com"))

    page = html.unescape(text(client.post(ADD_KEY, data)))

    assert "curl -X POST http://testserver/api/internal/auth/token \\\n" in page
    assert '{"appDomain": "example.com", "totApiKey": "pk_live_tot_' in page


@pytest.mark.urls("tests.admin.urls")
def test_curl_command_without_urls_has_placeholder(superuser, client, make_domain):
    page = text(client.post(ADD_KEY, new_key_data(client, make_domain())))

    assert "curl -X POST http://testserver/PATH/TO/token \\\n" in page


def test_key_without_tokens_has_no_curl(superuser, client, make_domain):
    page = text(client.post(ADD_KEY, new_key_data(client, make_domain(), can_issue_tokens="")))

    assert SECRET.search(page)
    assert "curl" not in page


def test_date_without_time_ends_that_day(superuser, client, make_domain, settings):
    settings.TIME_ZONE = "Asia/Tokyo"

    client.post(ADD_KEY, new_key_data(client, make_domain(), expires_at_0="2999-12-30"))

    expires_at = ApiKey.objects.get().expires_at
    assert expires_at.isoformat() == "2999-12-30T14:59:59+00:00"


def test_time_without_date_gives_error(superuser, client, make_domain):
    response = client.post(ADD_KEY, new_key_data(client, make_domain(), expires_at_1="12:00"))

    assert response.context["adminform"].form.errors["expires_at"] == ["Enter a valid date."]


@pytest.mark.parametrize("typed", [" Shop.Example ", "bücher.example", "xn--bcher-kva.example"])
def test_domain_can_be_typed_without_javascript(typed, superuser, client, make_domain):
    domains = [make_domain(domain="shop.example"), make_domain(domain="xn--bcher-kva.example")]
    data = new_key_data(client, domains[0], app_domain="", app_domain_typed=typed)

    client.post(ADD_KEY, data)

    assert ApiKey.objects.get().app_domain == domains["hop" not in typed]


def test_typed_domain_wins_over_preselected(superuser, client, make_domain):
    selected, typed = make_domain(domain="one.example"), make_domain(domain="two.example")
    data = new_key_data(client, selected, app_domain_typed="two.example")

    client.post(f"{ADD_KEY}?app_domain={selected.pk}", data)

    assert ApiKey.objects.get().app_domain == typed


@pytest.mark.django_db(transaction=True)
def test_domain_erased_before_commit_gives_message(superuser, client, make_domain):
    app_domain = make_domain()
    data = new_key_data(client, app_domain)

    def erase(event):
        """Delete the domain as another process does. Some databases notice at the commit only."""
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM tot_jwt_appdomain WHERE id = %s", [app_domain.pk])

    with once_on(post_save, KeyEvent, erase):
        response = client.post(ADD_KEY, data)

    assert response["Location"] == ADD_KEY
    assert messages(response) == ["Another user changed this at the same time. Please try again."]
    assert not ApiKey.objects.exists()


@pytest.mark.parametrize("typed", ["other.example", "no domain", "1"])
def test_unknown_typed_domain_gives_error(typed, superuser, client, make_domain):
    data = new_key_data(client, make_domain(), app_domain="", app_domain_typed=typed)

    response = client.post(ADD_KEY, data)

    assert response.context["adminform"].form.errors["app_domain"]
    assert f'value="{typed}"' in text(response).partition("<noscript>")[2]
    assert not ApiKey.objects.exists()


@pytest.mark.parametrize(
    ("metadata", "stored"), [('{"plan": "gold"}', {"plan": "gold"}), ("", {}), (" ", {})]
)
def test_new_key_has_metadata_and_limit(metadata, stored, superuser, client, make_domain):
    data = new_key_data(client, make_domain(), metadata=metadata, rate_limit="600/min")

    client.post(ADD_KEY, data)

    key = ApiKey.objects.get()
    assert (key.metadata, key.rate_limit) == (stored, "600/min")


@pytest.mark.parametrize(
    ("field", "value"),
    [("metadata", "{"), ("metadata", '["a"]'), ("metadata", '{"a": 1}'), ("rate_limit", "fast")],
)
def test_invalid_own_data_gives_error(field, value, superuser, client, make_domain):
    response = client.post(ADD_KEY, new_key_data(client, make_domain(), **{field: value}))

    assert response.context["adminform"].form.errors[field]
