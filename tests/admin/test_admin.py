"""The admin, through Django's test client: who sees and does what, and where a secret is not."""

import html
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.contrib.messages import get_messages
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.test import Client
from django.urls import path, reverse
from django.utils import timezone

from tot_jwt.admin import ApiKeyAdmin, base
from tot_jwt.exceptions import InvalidValue, KeyIsRevoked
from tot_jwt.keys import lifecycle
from tot_jwt.keys.domains import suspend_domain
from tot_jwt.models import ApiKey, AppDomain, KeyEvent, KeyStatus

CATALOGUE = {
    "orders:read": "Read orders",
    "orders:write": "Place and change orders",
    "catalog:read": "Read products",
}
SECRET = re.compile(r"sk_(?:live|test)_tot_[0-9A-Za-z]{49}")

KEYS = "/admin/tot_jwt/apikey/"
ADD_KEY = f"{KEYS}add/"
DOMAINS = "/admin/tot_jwt/appdomain/"

#: As a URLconf, this module is a host without the package's own URLs.
urlpatterns = [path("admin/", admin.site.urls)]


@pytest.fixture
def log_in(make_user: Callable[..., Any], client: Client) -> Callable[..., Any]:
    """``log_in("view_apikey", …)``: a member of staff with these permissions only."""

    # A process asks for a model's content type once, and no test's queries should depend on being the first.
    ContentType.objects.get_for_models(ApiKey, AppDomain, KeyEvent)

    def log_in(*permissions: str, **attributes: Any) -> Any:
        user = make_user(is_staff=True, **attributes)
        user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
        client.force_login(user)
        return user

    return log_in


@pytest.fixture
def superuser(log_in: Callable[..., Any]) -> Any:
    return log_in(is_superuser=True)


@pytest.fixture
def catalogue(settings: Any) -> None:
    settings.TOT_JWT = {"SCOPES": CATALOGUE}


def text(response: Any) -> str:
    return str(response.content.decode())


def messages(response: Any) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def change_url(row: Any) -> str:
    return reverse(f"admin:tot_jwt_{row._meta.model_name}_change", args=[row.pk])


def new_key_data(client: Client, domain: AppDomain, **fields: Any) -> dict[str, Any]:
    """What the add form sends when it is filled in."""
    token = re.search(r'name="new_key" value="([^"]+)"', text(client.get(ADD_KEY)))
    assert token
    return {
        "new_key": token[1],
        "app_domain": domain.pk,
        "environment": "live",
        "name": "The shop",
        "can_issue_tokens": "on",
        **fields,
    }


def changed_data(key: ApiKey, **fields: Any) -> dict[str, Any]:
    """What the change form of a key sends."""
    return {"name": key.name, "scopes": key.scopes, "can_issue_tokens": "on", **fields}


def act(client: Client, name: str, *rows: Any, **fields: Any) -> Any:
    url = reverse(f"admin:tot_jwt_{rows[0]._meta.model_name}_changelist")
    return client.post(
        url, {"action": name, "_selected_action": [row.pk for row in rows], **fields}
    )


# Domains


def test_domain_typed_in_unicode_is_stored_in_ascii(superuser: Any, client: Client) -> None:
    response = client.post(f"{DOMAINS}add/", {"domain": " Bücher.Example ", "name": "Books"})

    app_domain = AppDomain.objects.get()
    assert response.status_code == 302
    assert (app_domain.domain, app_domain.name) == ("xn--bcher-kva.example", "Books")
    assert LogEntry.objects.get().object_id == str(app_domain.pk)


@pytest.mark.parametrize(
    "domain", ["no spaces.example", "-a.example", "taken.example", "TAKEN.example"]
)
def test_domain_that_cannot_be_is_a_form_error(
    domain: str, superuser: Any, client: Client, make_domain: Callable[..., AppDomain]
) -> None:
    make_domain(domain="taken.example")

    response = client.post(f"{DOMAINS}add/", {"domain": domain})

    assert response.context["errors"]
    assert AppDomain.objects.count() == 1


def test_domain_once_made_changes_its_name_only(
    superuser: Any, client: Client, make_domain: Callable[..., AppDomain]
) -> None:
    app_domain = make_domain(domain="example.com")
    suspend_domain(app_domain)

    client.post(
        change_url(app_domain), {"domain": "other.example", "name": "New name", "suspended_at": ""}
    )

    app_domain.refresh_from_db()
    assert (app_domain.domain, app_domain.name, app_domain.is_suspended) == (
        "example.com",
        "New name",
        True,
    )


def test_domain_page_shows_state_and_number_of_keys(
    superuser: Any,
    client: Client,
    make_domain: Callable[..., AppDomain],
    make_key: Callable[..., ApiKey],
) -> None:
    app_domain = make_domain()
    make_key(app_domain=app_domain)
    make_key(app_domain=app_domain)

    page = text(client.get(change_url(app_domain)))

    assert f'href="{KEYS}?app_domain__id__exact={app_domain.pk}">2</a>' in page
    assert "</span> active</span>" in page


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (IntegrityError(), "Somebody else changed this at the same moment. Please try again."),
        (ValidationError({"domain": "This domain exists already."}), "This domain exists already."),
    ],
)
def test_domain_refused_at_the_last_moment_is_a_message(
    error: Exception, expected: str, superuser: Any, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifecycle, "create_domain", mock.Mock(side_effect=error))

    response = client.post(f"{DOMAINS}add/", {"domain": "example.com"})

    assert response.status_code == 302
    assert messages(response) == [expected]


def test_domains_are_suspended_and_resumed_after_a_question(
    superuser: Any, client: Client, make_domain: Callable[..., AppDomain]
) -> None:
    one, other = make_domain(domain="one.example"), make_domain(domain="other.example")
    suspend_domain(other)

    asked = act(client, "suspend_domains", one, other)
    one.refresh_from_db()
    assert not one.is_suspended
    assert [item["row"] for item in asked.context["affected"]] == [one]
    assert [item["row"] for item in asked.context["unaffected"]] == [other]

    act(client, "suspend_domains", one, confirmed="1")
    one.refresh_from_db()
    assert one.is_suspended
    assert "suspended" in text(client.get(DOMAINS))

    act(client, "resume_domains", one, other, confirmed="1")
    assert not AppDomain.objects.filter(suspended_at__isnull=False).exists()


# The list of keys


@pytest.fixture
def one_key_of_each_status(make_key: Callable[..., ApiKey]) -> dict[KeyStatus, ApiKey]:
    now = timezone.now()
    return {
        KeyStatus.ACTIVE: make_key(),
        KeyStatus.EXPIRING: make_key(expires_at=now + timedelta(days=1)),
        KeyStatus.EXPIRED: make_key(expires_at=now - timedelta(days=1)),
        KeyStatus.DISABLED: make_key(disabled_at=now),
        KeyStatus.REVOKED: make_key(revoked_at=now),
    }


def listed(response: Any) -> list[Any]:
    return list(response.context["cl"].result_list)


@pytest.mark.parametrize("status", KeyStatus)
def test_key_list_filtered_by_status_shows_those_keys(
    status: KeyStatus,
    superuser: Any,
    client: Client,
    one_key_of_each_status: dict[KeyStatus, ApiKey],
) -> None:
    response = client.get(KEYS, {"status": status.value})

    assert listed(response) == [one_key_of_each_status[status]]
    assert f"tot-badge-{status}" in text(response)


def test_key_list_with_unknown_status_or_facets_shows_all(
    superuser: Any, client: Client, one_key_of_each_status: dict[KeyStatus, ApiKey]
) -> None:
    response = client.get(KEYS, {"status": "lost", "_facets": "True"})

    assert listed(response) == list(reversed(one_key_of_each_status.values()))
    assert "revoked (1)" in text(response)


@pytest.mark.parametrize("attribute", ["public_key", "name", "app_domain"])
def test_key_list_is_searched_by_domain_name_and_public_key(
    attribute: str, superuser: Any, client: Client, make_key: Callable[..., ApiKey]
) -> None:
    keys = [make_key(name="Shop counter"), make_key(name="Warehouse")]

    assert listed(client.get(KEYS, {"q": str(getattr(keys[1], attribute))})) == [keys[1]]


def test_key_list_shows_the_hint_and_folds_many_scopes(
    superuser: Any, client: Client, make_key: Callable[..., ApiKey]
) -> None:
    key = make_key(scopes=[f"things{number:02}:read" for number in range(20)])
    make_key(secret_hint="", name="Imported", scopes=["a", "b"])

    page = text(client.get(KEYS))

    assert f"…{key.secret_hint}</code>" in page
    assert "<summary>14 more</summary>" in page
    assert page.count("more</summary>") == 1
    assert "things19:read" in page


@pytest.mark.parametrize("url", [KEYS, DOMAINS])
def test_lists_ask_as_often_whatever_their_length(
    url: str,
    superuser: Any,
    client: Client,
    make_key: Callable[..., ApiKey],
    django_assert_num_queries: Any,
) -> None:
    make_key()
    with django_assert_num_queries(4):
        client.get(url)
    for _ in range(5):
        make_key()
    with django_assert_num_queries(4):
        client.get(url)


@pytest.mark.parametrize(
    ("query", "expected"),
    [({}, "There is nothing here yet."), ({"q": "nobody"}, "Nothing matches the search")],
)
def test_empty_list_says_why(
    query: dict[str, str], expected: str, superuser: Any, client: Client
) -> None:
    assert expected in text(client.get(KEYS, query))


# Making a key


@pytest.mark.req("E4")
def test_new_key_shows_its_secret_once_in_the_answer_of_the_post(
    superuser: Any,
    catalogue: None,
    client: Client,
    make_domain: Callable[..., AppDomain],
    post_token: Any,
) -> None:
    app_domain = make_domain(domain="example.com")
    data = new_key_data(
        client, app_domain, scopes=["orders:read"], allowed_ips="127.0.0.0/8\n ::1 "
    )

    response = client.post(ADD_KEY, data)

    key = ApiKey.objects.get()
    assert response.status_code == 200
    (secret,) = set(SECRET.findall(text(response)))
    assert key.secret_hint == secret[-4:]
    assert (key.name, key.scopes, key.allowed_ips) == (
        "The shop",
        "orders:read",
        "127.0.0.0/8 ::1/128",
    )
    assert (key.created_by, key.can_issue_tokens, key.expires_at) == (superuser, True, None)
    assert "no-store" in response["Cache-Control"]
    assert key.public_key in text(response)

    key.secret = secret  # type: ignore[attr-defined]
    assert post_token(key).status_code == 200
    assert secret not in f"{client.cookies} {dict(client.session)} {messages(response)}"
    assert secret not in f"{LogEntry.objects.values().get()} {ApiKey.objects.values().get()}"
    for url in (KEYS, ADD_KEY, change_url(key), f"{KEYS}{key.pk}/history/", "/admin/"):
        assert not SECRET.search(text(client.get(url)))


@pytest.mark.req("E4")
@pytest.mark.parametrize("environment", ["live", "test"])
def test_form_sent_twice_makes_one_key(
    environment: str, superuser: Any, client: Client, make_domain: Callable[..., AppDomain]
) -> None:
    data = new_key_data(client, make_domain())
    client.post(ADD_KEY, data)

    again = client.post(ADD_KEY, {**data, "environment": environment, "name": "Another"})

    assert ApiKey.objects.get().name == "The shop"
    assert "This form was already used" in text(again)
    assert "no-store" in again["Cache-Control"]
    assert not SECRET.search(text(again))


@pytest.mark.req("E4")
@pytest.mark.parametrize("error", [IntegrityError, KeyIsRevoked])
def test_form_sent_twice_at_once_makes_one_key(
    error: type[Exception],
    superuser: Any,
    client: Client,
    make_domain: Callable[..., AppDomain],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = new_key_data(client, make_domain())
    create_key = lifecycle.create_key

    def overtaken(*args: Any, **kwargs: Any) -> Any:
        create_key(*args, **kwargs)
        raise error

    monkeypatch.setattr(lifecycle, "create_key", overtaken)

    assert "This form was already used" in text(client.post(ADD_KEY, data))
    assert ApiKey.objects.count() == 1


def test_new_key_refused_at_the_last_moment_is_a_message(
    superuser: Any,
    client: Client,
    make_domain: Callable[..., AppDomain],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = new_key_data(client, make_domain())
    monkeypatch.setattr(
        lifecycle, "create_key", mock.Mock(side_effect=InvalidValue("Too many keys."))
    )

    response = client.post(ADD_KEY, data)

    assert response.status_code == 302
    assert messages(response) == ["Too many keys."]


@pytest.mark.req("E4")
@pytest.mark.parametrize(
    "forge", [lambda token: "", lambda token: token + "x", lambda token: "a:b:c"]
)
def test_form_without_its_signature_makes_no_key_and_is_renewed(
    forge: Callable[[str], str],
    superuser: Any,
    client: Client,
    make_domain: Callable[..., AppDomain],
) -> None:
    data = new_key_data(client, make_domain())

    response = client.post(ADD_KEY, {**data, "new_key": forge(data["new_key"])})

    assert "has been renewed" in text(response)
    assert not ApiKey.objects.exists()
    renewed = re.search(r'name="new_key" value="([^"]+)"', text(response))
    assert renewed
    client.post(ADD_KEY, {**data, "new_key": renewed[1]})
    assert ApiKey.objects.exists()


@pytest.mark.req("E4")
def test_form_of_somebody_else_or_of_yesterday_makes_no_key(
    log_in: Callable[..., Any],
    client: Client,
    make_domain: Callable[..., AppDomain],
    time_machine: Any,
) -> None:
    log_in(is_superuser=True)
    data = new_key_data(client, make_domain())
    log_in(is_superuser=True)
    assert "has been renewed" in text(client.post(ADD_KEY, data))

    data = new_key_data(client, make_domain())
    time_machine.move_to(timezone.now() + timedelta(days=1, seconds=1))
    assert "has been renewed" in text(client.post(ADD_KEY, data))
    assert not ApiKey.objects.exists()


@pytest.mark.req("E4")
@pytest.mark.parametrize("button", ["_addanother", "_continue", "_saveasnew", "_popup"])
def test_new_key_is_shown_whatever_button_was_sent(
    button: str, superuser: Any, client: Client, make_domain: Callable[..., AppDomain]
) -> None:
    response = client.post(ADD_KEY, {**new_key_data(client, make_domain()), button: "1"})

    assert response.status_code == 200
    assert SECRET.search(text(response))


def test_add_form_offers_one_button(superuser: Any, client: Client) -> None:
    page = text(client.get(ADD_KEY))

    assert 'name="_save"' in page
    assert "_addanother" not in page
    assert "_continue" not in page


def test_key_saved_as_new_is_refused(
    superuser: Any,
    client: Client,
    make_key: Callable[..., ApiKey],
    make_domain: Callable[..., AppDomain],
) -> None:
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
            "“10.0.0.0/33” is not an IP address or a network in CIDR notation, such as",
        ),
        (
            "allowed_ips",
            "10.0.0.1\nlocalhost",
            "“localhost” is not an IP address or a network in CIDR notation, such as",
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
def test_key_that_cannot_be_is_an_error_on_its_field(
    field: str,
    value: Any,
    expected: str,
    superuser: Any,
    catalogue: None,
    client: Client,
    make_domain: Callable[..., AppDomain],
) -> None:
    response = client.post(ADD_KEY, new_key_data(client, make_domain(), **{field: value}))

    (error,) = response.context["adminform"].form.errors[field]
    assert expected in error
    assert not ApiKey.objects.exists()


@pytest.mark.parametrize("number", ["x", "٣", "9" * 30, "1.0", "\0"])
def test_domain_of_no_such_number_in_the_url_of_the_form_is_no_choice(
    number: str, superuser: Any, client: Client
) -> None:
    assert client.get(ADD_KEY, {"app_domain": number}).status_code == 200


@pytest.mark.parametrize(("days", "makes"), [(-1, 0), (1, 1)])
def test_new_key_expires_in_the_future_only(
    days: int, makes: int, superuser: Any, client: Client, make_domain: Callable[..., AppDomain]
) -> None:
    at = timezone.localtime() + timedelta(days=days)
    data = new_key_data(
        client, make_domain(), expires_at_0=at.date(), expires_at_1=at.strftime("%H:%M:%S")
    )

    response = client.post(ADD_KEY, data)

    assert ApiKey.objects.count() == makes
    assert ("The expiry must be in the future." in text(response)) is not makes


@pytest.mark.parametrize("zone", ["America/Chicago", "UTC", "Asia/Tokyo"])
def test_expiry_that_is_no_date_in_some_zone_is_an_error_on_its_field(
    zone: str, superuser: Any, client: Client, make_domain: Callable[..., AppDomain], settings: Any
) -> None:
    settings.TIME_ZONE = zone
    data = new_key_data(client, make_domain(), expires_at_0="9999-12-31", expires_at_1="23:59:59")

    assert "The expiry must be before the last days of the year 9999." in text(
        client.post(ADD_KEY, data)
    )


def test_scopes_without_a_catalogue_are_typed_in(
    superuser: Any, client: Client, make_domain: Callable[..., AppDomain]
) -> None:
    app_domain = make_domain()
    response = client.post(ADD_KEY, new_key_data(client, app_domain, scopes="good keys:manage"))
    assert response.context["adminform"].form.errors["scopes"]

    client.post(ADD_KEY, new_key_data(client, app_domain, scopes=" b:read\na:read b:read"))

    assert ApiKey.objects.get().scopes == "a:read b:read"


def test_secret_page_has_the_curl_line_that_works(
    superuser: Any, client: Client, make_domain: Callable[..., AppDomain]
) -> None:
    page = html.unescape(
        text(client.post(ADD_KEY, new_key_data(client, make_domain(domain="example.com"))))
    )

    assert "curl -X POST http://testserver/api/internal/auth/token \\\n" in page
    assert '{"appDomain": "example.com", "totApiKey": "pk_live_tot_' in page


@pytest.mark.urls("tests.admin.test_admin")
def test_secret_page_without_our_urls_has_a_placeholder(
    superuser: Any, client: Client, make_domain: Callable[..., AppDomain]
) -> None:
    page = text(client.post(ADD_KEY, new_key_data(client, make_domain())))

    assert "curl -X POST http://testserver/PATH/TO/token \\\n" in page


def test_secret_page_of_a_key_without_tokens_has_no_curl_line(
    superuser: Any, client: Client, make_domain: Callable[..., AppDomain]
) -> None:
    page = text(client.post(ADD_KEY, new_key_data(client, make_domain(), can_issue_tokens="")))

    assert SECRET.search(page)
    assert "curl" not in page


@pytest.mark.req("E4")
def test_pages_of_our_own_have_no_inline_script_or_style(
    superuser: Any,
    client: Client,
    make_key: Callable[..., ApiKey],
    make_domain: Callable[..., AppDomain],
) -> None:
    pages = [
        client.post(ADD_KEY, new_key_data(client, make_domain())),
        act(client, "revoke_keys", make_key()),
        client.get(KEYS),
    ]

    for page in map(text, pages):
        assert "tot_jwt/admin.css" in page
        assert not re.search(
            r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)(?![^>]*application/json)", page
        )


# Changing a key


def test_key_changes_what_may_change_and_nothing_else(
    superuser: Any, catalogue: None, client: Client, make_key: Callable[..., ApiKey]
) -> None:
    key = make_key(scopes=["orders:read"])
    fixed = {
        "public_key": "pk_x",
        "app_domain": "99",
        "environment": "test",
        "secret_hash": "x",
        "generation": "9",
    }

    client.post(
        change_url(key),
        changed_data(
            key,
            name="New",
            scopes=["orders:write"],
            allowed_ips="10.0.0.0/8",
            can_issue_tokens="",
            **fixed,
        ),
    )

    changed = ApiKey.objects.get()
    assert (changed.name, changed.scopes, changed.allowed_ips) == (
        "New",
        "orders:write",
        "10.0.0.0/8",
    )
    assert not changed.can_issue_tokens
    for field in ("public_key", "app_domain", "environment", "secret_hash", "generation"):
        assert getattr(changed, field) == getattr(key, field)


@pytest.mark.parametrize("scopes", [{"SCOPES": CATALOGUE}, {}])
def test_key_changed_in_nothing_is_not_written(
    scopes: Any, settings: Any, superuser: Any, client: Client, make_key: Callable[..., ApiKey]
) -> None:
    settings.TOT_JWT = scopes
    key = make_key(scopes=["orders:read", "orders:write"], allowed_ips=["10.0.0.0/8", "::1"])
    data = changed_data(key, allowed_ips="10.0.0.0/8\r\n::1/128")
    if scopes:
        data["scopes"] = key.scopes.split()

    with mock.patch.object(lifecycle, "change_key") as change_key:
        response = client.post(change_url(key), data)

    assert response.status_code == 302
    change_key.assert_not_called()
    assert LogEntry.objects.get().get_change_message() == "No fields changed."


def test_scope_that_the_catalogue_lost_stays_ticked_until_it_is_unticked(
    superuser: Any, settings: Any, client: Client, make_key: Callable[..., ApiKey]
) -> None:
    key = make_key(scopes=["old:read"])
    settings.TOT_JWT = {"SCOPES": CATALOGUE}

    page = text(client.get(change_url(key)))
    assert "no longer in the catalogue" in page
    assert re.search(r'value="old:read"[^>]*checked', page)

    client.post(change_url(key), changed_data(key, scopes=["old:read", "orders:read"]))
    key.refresh_from_db()
    assert key.scopes == "old:read orders:read"

    client.post(change_url(key), changed_data(key, scopes=["orders:read"]))
    key.refresh_from_db()
    assert key.scopes == "orders:read"
    assert 'value="old:read"' not in text(client.get(change_url(key)))


@pytest.mark.parametrize("scopes", [{"SCOPES": CATALOGUE}, {}])
def test_revoked_key_is_read_only(
    scopes: Any, settings: Any, superuser: Any, client: Client, make_key: Callable[..., ApiKey]
) -> None:
    settings.TOT_JWT = scopes
    key = make_key(scopes=["orders:read"], allowed_ips=["10.0.0.0/8"], revoked_at=timezone.now())

    page = text(client.get(change_url(key)))
    assert "orders:read</code>" in page
    assert "10.0.0.0/8</code>" in page
    assert 'name="_save"' not in page
    assert "…</button>" not in page
    assert client.post(change_url(key), changed_data(key, name="New")).status_code == 403


def test_key_revoked_meanwhile_is_a_message(
    superuser: Any, client: Client, make_key: Callable[..., ApiKey], monkeypatch: pytest.MonkeyPatch
) -> None:
    key = make_key()
    monkeypatch.setattr(lifecycle, "change_key", mock.Mock(side_effect=KeyIsRevoked))

    response = client.post(change_url(key), changed_data(key, name="New"))

    assert messages(response) == ["This key has been revoked. It stays as it is."]


# Acts on keys


def test_key_page_offers_what_applies(
    superuser: Any, client: Client, make_key: Callable[..., ApiKey]
) -> None:
    def offered(key: ApiKey) -> list[str]:
        return re.findall(r'name="action" value="(\w+)_keys"', text(client.get(change_url(key))))

    assert offered(make_key()) == ["disable", "revoke"]
    assert offered(make_key(disabled_at=timezone.now())) == ["enable", "revoke"]
    assert offered(make_key(revoked_at=timezone.now())) == []


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("disable_keys", KeyStatus.ACTIVE, KeyStatus.DISABLED),
        ("enable_keys", KeyStatus.DISABLED, KeyStatus.ACTIVE),
        ("revoke_keys", KeyStatus.ACTIVE, KeyStatus.REVOKED),
        ("revoke_keys", KeyStatus.DISABLED, KeyStatus.REVOKED),
    ],
)
def test_act_asks_and_then_changes_the_keys(
    name: str,
    before: KeyStatus,
    after: KeyStatus,
    superuser: Any,
    client: Client,
    one_key_of_each_status: dict[KeyStatus, ApiKey],
) -> None:
    key, revoked = one_key_of_each_status[before], one_key_of_each_status[KeyStatus.REVOKED]

    asked = act(client, name, key, revoked)
    assert ApiKey.objects.get(pk=key.pk).status is before
    assert key.public_key in text(asked)
    assert [item["row"] for item in asked.context["unaffected"]] == [revoked]

    done = act(client, name, key, revoked, confirmed="1")
    assert ApiKey.objects.get(pk=key.pk).status is after
    assert ApiKey.objects.get(pk=revoked.pk).revoked_at == revoked.revoked_at
    assert done["Location"] == KEYS
    assert "1 API key." in messages(done)[0]
    assert LogEntry.objects.get().object_id == str(key.pk)


def test_act_from_the_page_of_a_key_leads_back_to_it(
    superuser: Any, client: Client, make_key: Callable[..., ApiKey]
) -> None:
    key = make_key()
    form = (
        text(client.get(change_url(key))).partition('class="tot-acts"')[2].partition("</form>")[0]
    )
    hidden = dict(re.findall(r'name="(_selected_action|one_row)" value="(.*?)"', form))
    assert f'action="{KEYS}"' in form

    asked = client.post(KEYS, {**hidden, "action": "disable_keys"})
    assert f'href="{change_url(key)}"' in text(asked)
    assert 'name="one_row"' in text(asked)

    assert act(client, "disable_keys", key, one_row="1", confirmed="1")["Location"] == change_url(
        key
    )


def test_act_that_changes_nothing_says_so(
    superuser: Any, client: Client, make_key: Callable[..., ApiKey]
) -> None:
    key = make_key(revoked_at=timezone.now())

    assert "There is nothing to do here." in text(act(client, "revoke_keys", key))
    assert messages(act(client, "revoke_keys", key, confirmed="1")) == ["There was nothing to do."]


def test_act_on_a_key_revoked_meanwhile_is_a_message(
    superuser: Any, client: Client, make_key: Callable[..., ApiKey], monkeypatch: pytest.MonkeyPatch
) -> None:
    (disable,) = [known for known in ApiKeyAdmin.acts if known.name == "disable_keys"]
    monkeypatch.setitem(vars(disable), "apply", mock.Mock(side_effect=KeyIsRevoked))

    response = act(client, "disable_keys", make_key(name="Late"), confirmed="1")

    assert "Late" in messages(response)[0]
    assert "has been revoked" in messages(response)[0]


def test_act_on_more_keys_than_anybody_reads_is_refused(
    superuser: Any, client: Client, make_key: Callable[..., ApiKey], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "MAX_ROWS", 1)

    response = act(client, "revoke_keys", make_key(), make_key(), confirmed="1")

    assert "at most 1 at a time" in messages(response)[0]
    assert not ApiKey.objects.filter(revoked_at__isnull=False).exists()


def test_all_keys_of_a_search_are_acted_on_after_they_were_listed(
    superuser: Any, client: Client, make_key: Callable[..., ApiKey]
) -> None:
    keys = [make_key(), make_key()]

    asked = act(client, "revoke_keys", keys[0], select_across="1", index="0")

    assert len(asked.context["affected"]) == 2
    assert all(f'name="_selected_action" value="{key.pk}"' in text(asked) for key in keys)


# Who may what


@pytest.mark.req("E5")
@pytest.mark.parametrize(
    ("permissions", "allowed"),
    [
        (["view_apikey"], set()),
        (["view_apikey", "add_apikey", "view_appdomain"], {"add"}),
        (["view_apikey", "change_apikey"], {"change", "disable", "enable"}),
        (["view_apikey", "revoke_apikey"], {"revoke"}),
        (["view_apikey", "delete_apikey"], set()),
    ],
)
def test_each_act_needs_its_permission(
    permissions: list[str],
    allowed: set[str],
    log_in: Callable[..., Any],
    client: Client,
    make_key: Callable[..., ApiKey],
) -> None:
    log_in(is_superuser=True)
    active, disabled = make_key(), make_key(disabled_at=timezone.now())
    log_in(*permissions)

    done = set()
    if client.get(ADD_KEY).status_code == 200:
        client.post(ADD_KEY, new_key_data(client, active.app_domain, name="Added"))
    if ApiKey.objects.filter(name="Added").exists():
        done.add("add")
    client.post(change_url(active), changed_data(active, name="Changed"))
    if ApiKey.objects.get(pk=active.pk).name == "Changed":
        done.add("change")
    act(client, "enable_keys", disabled, confirmed="1")
    if ApiKey.objects.get(pk=disabled.pk).disabled_at is None:
        done.add("enable")
    act(client, "disable_keys", active, confirmed="1")
    if ApiKey.objects.get(pk=active.pk).disabled_at is not None:
        done.add("disable")
    act(client, "revoke_keys", active, confirmed="1")
    if ApiKey.objects.get(pk=active.pk).revoked_at is not None:
        done.add("revoke")

    assert done == allowed


@pytest.mark.req("E5")
def test_key_is_minted_by_nobody_without_permission(
    log_in: Callable[..., Any], client: Client, make_domain: Callable[..., AppDomain]
) -> None:
    app_domain = make_domain()
    user = log_in("view_apikey", "add_apikey")
    data = new_key_data(client, app_domain)
    user.user_permissions.clear()

    assert client.post(ADD_KEY, data).status_code == 403
    assert not ApiKey.objects.exists()


@pytest.mark.req("E5")
def test_view_only_staff_see_the_hint_and_no_button(
    log_in: Callable[..., Any], client: Client, make_key: Callable[..., ApiKey]
) -> None:
    key = make_key(scopes=["orders:read"])
    log_in("view_apikey")

    for url in (KEYS, change_url(key)):
        page = text(client.get(url))
        assert f"…{key.secret_hint}" in page
        assert key.secret_hash not in page
        assert not SECRET.search(page)
        assert 'name="action"' not in page
        assert 'name="_save"' not in page


@pytest.mark.req("E5")
def test_minting_without_view_permission_shows_the_secret_and_no_links(
    log_in: Callable[..., Any], client: Client, make_domain: Callable[..., AppDomain]
) -> None:
    log_in("add_apikey")
    data = new_key_data(client, make_domain())

    for page in (text(client.post(ADD_KEY, data)), text(client.post(ADD_KEY, data))):
        assert f'href="{KEYS}"' not in page
        assert "/change/" not in page


@pytest.mark.req("E5")
def test_nothing_is_deleted_even_by_a_superuser(
    superuser: Any, client: Client, make_key: Callable[..., ApiKey]
) -> None:
    key = make_key()

    for row in (key, key.app_domain):
        assert (
            client.post(change_url(row).replace("change", "delete"), {"post": "yes"}).status_code
            == 403
        )
        assert "deletelink" not in text(client.get(change_url(row)))
        act(client, "delete_selected", row, post="yes")
        assert type(row).objects.filter(pk=row.pk).exists()
    assert "delete_selected" not in text(client.get(KEYS)) + text(client.get(DOMAINS))


@pytest.mark.req("E5")
@pytest.mark.parametrize("guess", ["sha256$", "nonsense"])
@pytest.mark.parametrize(
    "lookup", ["", "__startswith", "__regex", "__contains", "__gt", "__in", "__isnull"]
)
@pytest.mark.parametrize(
    ("url", "field"),
    [
        (KEYS, "secret_hash"),
        (KEYS, "previous_secret_hash"),
        (KEYS, "created_by_key__secret_hash"),
        (KEYS, "created_keys__secret_hash"),
        (KEYS, "app_domain__api_keys__previous_secret_hash"),
        (DOMAINS, "api_keys__secret_hash"),
        (DOMAINS, "api_keys__previous_secret_hash"),
    ],
)
def test_lists_are_never_filtered_by_a_hash(
    url: str,
    field: str,
    lookup: str,
    guess: str,
    log_in: Callable[..., Any],
    client: Client,
    make_key: Callable[..., ApiKey],
) -> None:
    make_key()
    log_in("view_apikey", "view_appdomain")

    assert client.get(url, {f"{field}{lookup}": guess}).status_code == 400


@pytest.mark.req("E5")
def test_list_filtered_by_what_is_no_secret_works(
    log_in: Callable[..., Any], client: Client, make_key: Callable[..., ApiKey]
) -> None:
    key, other = make_key(), make_key()
    log_in("view_apikey")

    assert listed(client.get(KEYS, {"app_domain__id__exact": key.app_domain_id})) == [key]
    assert listed(client.get(KEYS, {"public_key__startswith": other.public_key})) == [other]


@pytest.mark.req("E5")
def test_hash_is_on_no_page(
    superuser: Any, client: Client, make_key: Callable[..., ApiKey]
) -> None:
    key = make_key(previous_secret_hash="sha256$previous")
    pages = [KEYS, DOMAINS, change_url(key), change_url(key.app_domain), f"{KEYS}{key.pk}/history/"]
    autocomplete = {
        "app_label": "tot_jwt",
        "model_name": "apikey",
        "field_name": "app_domain",
        "term": "app",
    }

    answers = [client.get(url) for url in pages]
    answers += [
        client.get("/admin/autocomplete/", autocomplete),
        client.get(KEYS, {"q": key.secret_hash}),
    ]

    assert all(answer.status_code == 200 for answer in answers)
    assert not any(
        "sha256$" in text(answer).replace(f'value="{key.secret_hash}"', "") for answer in answers
    )
    assert listed(answers[-1]) == []
