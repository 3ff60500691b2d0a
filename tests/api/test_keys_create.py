"""The keys endpoints: creating a key (contract §5)."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.test import override_settings
from django.utils import timezone

from tests.support.keys_client import client_of, code_of
from tests.support.stored_keys import key_in, set_expiry
from tests.support.times import NOON
from tot_jwt.keys import lifecycle
from tot_jwt.models import ApiKey

pytestmark = pytest.mark.django_db


@pytest.mark.usefixtures("long_lifetime")
def test_new_key_has_requested_values(key, api, post_token):
    answer = api.create(
        name="Ünï ☃",
        scopes=["orders:write", "orders:read"],
        expiresAt="2040-01-01T02:00:00+02:00",
        allowedIps=["127.0.0.0/8", "2001:DB8::/32", "127.0.0.0/8"],
        canIssueTokens=False,
    )

    shown = answer.json()
    assert shown["name"] == "Ünï ☃"
    assert shown["scopes"] == ["orders:read", "orders:write"]
    assert shown["expiresAt"] == "2040-01-01T00:00:00.000Z"
    assert shown["allowedIps"] == ["127.0.0.0/8", "2001:db8::/32"]
    assert shown["canIssueTokens"] is False
    assert code_of(post_token(key_in(answer))) == (403, "insufficient_permissions")


def test_new_key_inherits_creator_limits(make_key):
    ends = timezone.now().replace(microsecond=0) + timedelta(days=30)
    creator = make_key(expires_at=ends, allowed_ips=["127.0.0.0/8", "2001:db8::/32"])

    shown = client_of(creator).create().json()

    assert datetime.fromisoformat(shown["expiresAt"]) == ends
    assert shown["allowedIps"] == ["127.0.0.0/8", "2001:db8::/32"]


def test_new_key_inherits_creator_environment(make_key):
    shown = client_of(make_key(environment="test")).create().json()

    assert shown["environment"] == "test"
    assert shown["totApiKey"].startswith("pk_test_")
    assert shown["totSecretKey"].startswith("sk_test_")


def test_key_over_quota_is_rejected(key, api, settings, make_key):
    settings.TOT_JWT = {"MAX_ACTIVE_KEYS_PER_DOMAIN": 3}
    make_key(app_domain=key.app_domain, revoked_at=NOON)
    make_key(app_domain=key.app_domain, expires_at=NOON)
    make_key()
    second, third = key_in(api.create()), key_in(api.create())

    assert code_of(api.create()) == (409, "too_many_keys")
    assert make_key(app_domain=key.app_domain).pk  # the quota does not bind administrators
    lifecycle.revoke_key(second)
    assert code_of(api.create()) == (409, "too_many_keys")
    lifecycle.revoke_key(third)
    assert api.create().status_code == 201


@pytest.mark.req("D5")
def test_inactive_key_returns_within_quota_only(key, api, settings):
    later = (timezone.now() + timedelta(days=30)).isoformat()
    settings.TOT_JWT = {"MAX_ACTIVE_KEYS_PER_DOMAIN": 2}
    disabled = key_in(api.create())
    assert api.change(disabled, disabled=True).status_code == 200
    expired = key_in(api.create())
    set_expiry(expired, timezone.now())
    other = key_in(api.create())

    assert code_of(api.change(disabled, disabled=False)) == (409, "too_many_keys")
    assert code_of(api.change(expired, expiresAt=later)) == (409, "too_many_keys")
    assert api.change(disabled, name="still disabled").status_code == 200
    assert api.change(other, name="active all the same").status_code == 200
    assert api.revoke(other).status_code == 204
    assert api.change(disabled, disabled=False).status_code == 200


def test_scope_outside_catalog_is_rejected(make_key, settings):
    key = make_key(scopes=["old", "new"])
    child = key_in(client_of(key).create(scopes=["old", "new"]))
    settings.TOT_JWT = {"SCOPES": {"new": "New"}}
    api = client_of(key)

    assert code_of(api.create(scopes=["old"])) == (400, "malformed_request")
    assert api.create(scopes=["new"]).status_code == 201
    assert api.change(child, name="x").json()["scopes"] == ["new", "old"]
    assert api.change(child, scopes=["new"]).status_code == 200
    assert code_of(api.change(child, scopes=["new", "old"])) == (400, "malformed_request")


@pytest.mark.parametrize(
    "host", [{"USE_TZ": False, "TIME_ZONE": "America/Chicago"}, {"USE_TZ": False}]
)
@time_machine.travel(NOON.timestamp(), tick=False)  # this keeps the time zone
def test_dates_without_time_zones_are_utc(make_key, host):
    with override_settings(**host):
        api = client_of(make_key())
        created = api.create(expiresAt="2025-12-01T12:00:00+02:00").json()

        assert created["expiresAt"] == "2025-12-01T10:00:00.000Z"
        assert api.show(created["totApiKey"]).json()["expiresAt"] == created["expiresAt"]
        changed = api.change(created["totApiKey"], expiresAt="2025-12-02T00:00:00Z").json()
        assert changed["expiresAt"] == "2025-12-02T00:00:00.000Z"
        assert api.list().status_code == 200


@pytest.mark.parametrize("use_tz", [True, False])
@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Etc/GMT+12", "UTC"])
def test_latest_expiry_is_shown_everywhere(make_key, admin_client, use_tz, zone):
    with override_settings(USE_TZ=use_tz, TIME_ZONE=zone):
        key = make_key(expires_at=datetime(9999, 12, 29, tzinfo=UTC if use_tz else None))
        api = client_of(key)

        assert api.list().status_code == 200
        for page in ("apikey/", f"apikey/{ApiKey.objects.latest('pk').pk}/change/", "keyevent/"):
            assert admin_client.get(f"/admin/tot_jwt/{page}").status_code == 200
        assert api.create(expiresAt="9999-12-31T00:00:00Z").status_code == 400
