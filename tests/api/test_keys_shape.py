"""The keys endpoints: how a key is shown and addressed (contract §5)."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.utils import timezone

from tests.support.created_keys import administer
from tests.support.keys_calls import MEMBERS, NOT_FOUND
from tests.support.keys_client import KEYS_URL, client_of, url_of
from tests.support.stored_keys import key_in, set_expiry
from tot_jwt.keys import lifecycle
from tot_jwt.models import ApiKey, KeyEvent, KeyStatus

pytestmark = pytest.mark.django_db
NOON = datetime(2025, 10, 29, 12, 0, 0, 250_000, tzinfo=UTC)


@time_machine.travel(NOON, tick=False)
def test_new_key_shows_every_member(make_key):
    key = make_key(scopes=["orders:read"])
    api = client_of(key)

    answer = api.create(name="Reporting", scopes=["orders:read"])

    shown = answer.json()
    assert answer.status_code == 201
    assert list(shown) == [*MEMBERS, "totSecretKey"]
    secret = shown.pop("totSecretKey")
    public_key = shown.pop("totApiKey")
    assert public_key.startswith("pk_live_tot_")
    assert secret.startswith("sk_live_tot_")
    assert shown == {
        "appDomain": key.app_domain.domain,
        "environment": "live",
        "name": "Reporting",
        "scopes": ["orders:read"],
        "status": "active",
        "secretHint": secret[-4:],
        "allowedIps": [],
        "canIssueTokens": True,
        "disabled": False,
        "rateLimit": None,
        "metadata": {},
        "createdAt": "2025-10-29T12:00:00.000Z",
        "createdBy": key.public_key,
        "expiresAt": "2026-01-27T12:00:00.000Z",
        "lastUsedAt": None,
        "previousSecretExpiresAt": None,
    }


def test_secret_is_shown_only_once(key, api):
    created = api.create()
    rotated = api.rotate(key_in(created))

    later = [
        api.show(key_in(created)),
        api.list(),
        api.change(key_in(created), name="x"),
        api.revoke(key_in(created)),
    ]
    for answer in (created, rotated):
        secret = answer.json()["totSecretKey"]
        for other in later:
            assert secret not in other.content.decode()
            assert "totSecretKey" not in other.content.decode()
        stored = str(list(ApiKey.objects.values())) + str(list(KeyEvent.objects.values()))
        assert secret not in stored
    assert "sha256" not in "".join(answer.content.decode() for answer in (created, rotated, *later))
    assert "sha256" not in str(list(KeyEvent.objects.values()))


def test_shown_key_equals_listed_key(key, api, child):
    shown = api.show(child)

    assert shown.status_code == 200
    assert list(shown.json()) == MEMBERS
    assert shown.json() in api.list().json()["results"]


def test_creator_never_reveals_account_name(make_key, make_user, key, api, child):
    account = make_user(username="augusta")
    by_account = make_key(app_domain=key.app_domain, created_by=account)

    assert api.show(child).json()["createdBy"] == key.public_key
    assert api.show(by_account).json()["createdBy"] == "admin"
    assert "augusta" not in api.list().content.decode()


@pytest.mark.parametrize(
    ("change", "status", "disabled"),
    [
        (lambda key: key, "active", False),
        (
            lambda key: set_expiry(key, timezone.now() + timedelta(days=13)),
            "expiring",
            False,
        ),
        (lambda key: set_expiry(key, timezone.now()), "expired", False),
        (lifecycle.disable_key, "disabled", True),
        (lifecycle.revoke_key, "revoked", False),
    ],
)
def test_each_status_is_shown_and_filterable(make_key, key, api, change, status, disabled):
    other = make_key(app_domain=key.app_domain)
    change(other)

    assert (api.show(other).json()["status"], api.show(other).json()["disabled"]) == (
        status,
        disabled,
    )
    found = {shown["totApiKey"] for shown in api.list(status=status).json()["results"]}
    assert found == {other.public_key} | ({key.public_key} if status == "active" else set())


#: What happens to a creator, and the status of its created keys.
CREATORS = [
    (lifecycle.revoke_key, "revoked"),
    (lifecycle.disable_key, "disabled"),
    (lambda key: set_expiry(key, timezone.now()), "expired"),
    (lambda key: set_expiry(key, timezone.now() + timedelta(days=13)), "expiring"),
    (lambda key: key, "active"),
]


@pytest.mark.req("F0")
@pytest.mark.parametrize("is_released", [False, True])
@pytest.mark.parametrize(("change", "status"), CREATORS)
def test_created_keys_status_counts_creator(make_key, key, child, change, status, is_released):
    observer = client_of(make_key(app_domain=key.app_domain))
    if is_released:
        lifecycle.release_key(child)
    change(key)

    shown = observer.show(child).json()
    expected = "active" if is_released else status
    assert (shown["status"], shown["disabled"], shown["createdBy"]) == (
        expected,
        False,
        key.public_key,
    )
    for one in KeyStatus:
        found = [each["totApiKey"] for each in observer.list(status=one).json()["results"]]
        assert (child.public_key in found) is (one == expected)


def test_own_values_are_shown(make_key, key, child):
    """A created key is shown as it was given, though it has no more than its creator."""
    observer = client_of(make_key(app_domain=key.app_domain))
    before = observer.show(child).json()

    administer(
        key,
        scopes=[],
        allowed_ips=["192.0.2.1"],
        expires_at=timezone.now() + timedelta(days=60),
        can_issue_tokens=False,
    )

    assert observer.show(child).json() == before


@pytest.mark.parametrize("url", [KEYS_URL, KEYS_URL + "/"])
def test_list_url_allows_trailing_slash(api, url):
    assert api.send("get", url).status_code == 200
    assert api.send("post", url, {"name": "x", "scopes": []}).status_code == 201


@pytest.mark.parametrize("slash", ["", "/"])
def test_key_url_allows_trailing_slash(api, child, slash):
    assert api.send("get", url_of(child) + slash).status_code == 200
    assert api.send("patch", url_of(child) + slash, {"name": "x"}).status_code == 200
    assert api.send("post", url_of(child) + "/rotate" + slash, {}).status_code == 200
    assert api.send("delete", url_of(child) + slash).status_code == 204


@pytest.mark.parametrize(
    "public_key",
    [
        "imported/key+1=",
        "a/b/rotate",
        "%2F&?#;",
        "key",
        "..",
        "rotate",
        "K" * 128,
        "~!$'()*,:@[]^`{|}<>",
    ],
)
def test_imported_key_has_working_url(make_key, key, api, public_key):
    other = make_key(app_domain=key.app_domain, public_key=public_key)

    if not public_key.endswith("/rotate"):  # that URL rotates another key
        assert api.show(other).json()["totApiKey"] == public_key
        assert api.change(other, disabled=True).json()["disabled"] is True
    assert api.rotate(other, totSecretKey=other.secret).json()["totApiKey"] == public_key


def test_public_key_comparison_is_case_sensitive(make_key, key, api):
    make_key(app_domain=key.app_domain, public_key="imported")

    assert api.show("imported").status_code == 200
    assert api.show("Imported").content == NOT_FOUND
    assert api.show("imported ").content == NOT_FOUND


@pytest.mark.parametrize("head", [KEYS_URL, None])
def test_head_answers_without_body(api, child, head):
    answer = api.send("head", head or url_of(child))

    assert (answer.status_code, answer.content) == (200, b"")
