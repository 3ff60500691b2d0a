"""The permissions that the admin's pages and actions need."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from tests.support.admin import (
    ADD_KEY,
    DOMAINS,
    KEYS,
    SECRET,
    change_url,
    changed_data,
    new_key_data,
    rotate,
    rotate_url,
    rotation_data,
    run_action,
    secret_in,
    text,
)
from tot_jwt.models import ApiKey, KeyEvent


@pytest.mark.req("E5")
@pytest.mark.parametrize(
    ("permissions", "allowed"),
    [
        (["view_apikey"], set()),
        (["view_apikey", "add_apikey", "view_appdomain"], {"add"}),
        (["view_apikey", "change_apikey"], {"change", "disable", "enable", "release"}),
        (["view_apikey", "revoke_apikey"], {"revoke"}),
        (["view_apikey", "rotate_apikey"], set()),
        (["view_apikey", "delete_apikey"], set()),
    ],
)
def test_each_action_needs_its_permission(permissions, allowed, log_in, client, make_key):
    log_in(is_superuser=True)
    active, disabled = make_key(), make_key(disabled_at=timezone.now())
    created = make_key(created_by_key=active)
    log_in(*permissions)

    done = set()
    if client.get(ADD_KEY).status_code == 200:
        client.post(ADD_KEY, new_key_data(client, active.app_domain, name="Added"))
    if ApiKey.objects.filter(name="Added").exists():
        done.add("add")
    client.post(change_url(active), changed_data(active, name="Changed"))
    if ApiKey.objects.get(pk=active.pk).name == "Changed":
        done.add("change")
    run_action(client, "enable_keys", disabled, confirmed="1")
    if ApiKey.objects.get(pk=disabled.pk).disabled_at is None:
        done.add("enable")
    run_action(client, "disable_keys", active, confirmed="1")
    if ApiKey.objects.get(pk=active.pk).disabled_at is not None:
        done.add("disable")
    run_action(client, "release_keys", created, confirmed="1")
    if ApiKey.objects.get(pk=created.pk).released_at is not None:
        done.add("release")
    run_action(client, "revoke_keys", active, confirmed="1")
    if ApiKey.objects.get(pk=active.pk).revoked_at is not None:
        done.add("revoke")

    assert done == allowed


@pytest.mark.req("E5")
def test_lost_permission_creates_no_key(log_in, client, make_domain):
    user = log_in("view_apikey", "add_apikey")
    data = new_key_data(client, make_domain())
    user.user_permissions.clear()

    assert client.post(ADD_KEY, data).status_code == 403
    assert not ApiKey.objects.exists()


@pytest.mark.req("E5")
def test_viewer_sees_hint_without_buttons(log_in, client, make_key):
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
def test_creator_without_view_gets_no_links(log_in, client, make_domain):
    log_in("add_apikey")
    data = new_key_data(client, make_domain())

    created, again = text(client.post(ADD_KEY, data)), text(client.post(ADD_KEY, data))

    assert SECRET.search(created)
    for page in (created, again):
        assert f'href="{KEYS}"' not in page
        assert "/change/" not in page


@pytest.mark.req("E5")
def test_superuser_cannot_delete_any_row(superuser, client, make_key):
    key = make_key()

    for row in (key, key.app_domain):
        url = change_url(row).replace("change", "delete")
        assert client.post(url, {"post": "yes"}).status_code == 403
        assert "deletelink" not in text(client.get(change_url(row)))
        run_action(client, "delete_selected", row, post="yes")
        assert type(row).objects.filter(pk=row.pk).exists()
    assert "delete_selected" not in text(client.get(KEYS)) + text(client.get(DOMAINS))


@pytest.mark.req("E5")
@pytest.mark.parametrize(
    ("permissions", "allowed"),
    [
        (["view_apikey", "rotate_apikey"], True),
        (["change_apikey", "rotate_apikey"], True),
        (["rotate_apikey"], False),
        (["view_apikey"], False),
        (["view_apikey", "add_apikey", "change_apikey", "revoke_apikey", "view_keyevent"], False),
    ],
)
def test_rotation_needs_its_permission(permissions, allowed, log_in, client, make_key):
    log_in(is_superuser=True)
    key = make_key(previous_secret_expires_at=timezone.now() + timedelta(days=1))
    data = rotation_data(client, key, grace="0")
    log_in(*permissions)

    assert (f'href="{rotate_url(key)}"' in text(client.get(change_url(key)))) is allowed
    run_action(client, "end_previous_secrets", key, confirmed="1")
    run_action(client, "end_tokens", key, confirmed="1")
    assert client.get(rotate_url(key)).status_code == (200 if allowed else 403)
    assert bool(SECRET.search(text(client.post(rotate_url(key), data)))) is allowed

    done = {"previous_secret_ended", "tokens_ended", "rotated"} if allowed else set()
    assert set(KeyEvent.objects.exclude(action="created").values_list("action", flat=True)) == done


@pytest.mark.req("E5")
@pytest.mark.parametrize("grace", ["0", "86400"])
def test_rotation_permission_revokes_no_keys(grace, log_in, client, family):
    log_in("view_apikey", "rotate_apikey")

    page = text(client.get(rotate_url(family[0])))

    assert "You do not have permission to revoke created keys." in page
    assert secret_in(rotate(client, family[0], grace=grace, revoke_created_keys="1"))
    assert [key.name for key in ApiKey.objects.exclude(revoked_at=None)] == ["Gone"]


def test_rotation_needs_login_and_csrf(superuser, client, make_key):
    key = make_key()
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(superuser)

    assert strict.post(rotate_url(key), rotation_data(client, key)).status_code == 403
    client.logout()
    assert client.get(rotate_url(key)).status_code == 302
