"""Actions on keys: the question, the answer, and the keys that a key created."""

import re

import pytest
from django.contrib.admin.models import LogEntry
from django.db.models.signals import post_init
from django.utils import timezone

from tests.support.admin import (
    KEYS,
    change_url,
    messages,
    once_on,
    rotate,
    run_action,
    secret_in,
    text,
)
from tot_jwt.keys import lifecycle
from tot_jwt.models import ApiKey, KeyStatus


def test_key_page_offers_applicable_actions(superuser, client, make_key):
    def offered(key):
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
def test_action_changes_keys_after_confirmation(
    name, before, after, superuser, client, key_of_each_status
):
    key, revoked = key_of_each_status[before], key_of_each_status[KeyStatus.REVOKED]

    asked = run_action(client, name, key, revoked)
    assert ApiKey.objects.get(pk=key.pk).status is before
    assert "Are you sure?" in text(asked)
    assert key.public_key in text(asked)
    assert [item["row"] for item in asked.context["unaffected"]] == [revoked]

    done = run_action(client, name, key, revoked, confirmed="1")
    assert ApiKey.objects.get(pk=key.pk).status is after
    assert ApiKey.objects.get(pk=revoked.pk).revoked_at == revoked.revoked_at
    assert done["Location"] == KEYS
    assert "1 API key." in messages(done)[0]
    assert LogEntry.objects.get().object_id == str(key.pk)


def test_action_on_key_page_returns_there(superuser, client, make_key):
    key = make_key()
    page = text(client.get(change_url(key)))
    form = page.partition('class="tot-actions"')[2].partition("</form>")[0]
    hidden = dict(re.findall(r'name="(_selected_action|one_row)" value="(.*?)"', form))
    assert f'action="{KEYS}"' in form

    asked = client.post(KEYS, {**hidden, "action": "disable_keys"})
    assert f'href="{change_url(key)}"' in text(asked)
    assert 'name="one_row"' in text(asked)

    done = run_action(client, "disable_keys", key, one_row="1", confirmed="1")
    assert done["Location"] == change_url(key)


def test_action_without_effect_says_so(superuser, client, make_key):
    key = make_key(revoked_at=timezone.now())

    asked = run_action(client, "revoke_keys", key)
    done = run_action(client, "revoke_keys", key, confirmed="1")

    assert "This action would not change any of the selected items." in text(asked)
    assert "Are you sure?" not in text(asked)
    assert messages(done) == ["No items have been changed."]


def test_key_revoked_meanwhile_gives_message(superuser, client, make_key):
    key = make_key(name="Late")

    with once_on(post_init, ApiKey, lifecycle.revoke_key):
        response = run_action(client, "disable_keys", key, confirmed="1")

    assert "Late" in messages(response)[0]
    assert "has been revoked" in messages(response)[0]


def test_action_on_501_keys_is_refused(superuser, client, make_key):
    """Django rejects a form with more than 1,000 fields: so many keys cannot be confirmed."""
    key = make_key()
    copies = [ApiKey(app_domain=key.app_domain, public_key=f"pk_{number}") for number in range(500)]
    ApiKey.objects.bulk_create(copies)

    response = run_action(client, "revoke_keys", key, select_across="1", confirmed="1")

    assert "at most 500 items" in messages(response)[0]
    assert not ApiKey.objects.filter(revoked_at__isnull=False).exists()


@pytest.mark.urls("tests.admin.urls")
def test_host_sets_its_own_limit(superuser, client, make_key):
    keys = [make_key(), make_key()]
    url, data = KEYS.replace("admin", "back-office"), {"action": "revoke_keys", "confirmed": "1"}

    both = client.post(url, {**data, "_selected_action": [key.pk for key in keys]})
    assert "at most 1 items" in messages(both)[0]
    assert not ApiKey.objects.filter(revoked_at__isnull=False).exists()

    client.post(url, {**data, "_selected_action": keys[0].pk})
    assert ApiKey.objects.get(revoked_at__isnull=False) == keys[0]


def test_select_across_lists_all_keys(superuser, client, make_key):
    keys = [make_key(), make_key()]

    asked = run_action(client, "revoke_keys", keys[0], select_across="1", index="0")

    assert len(asked.context["affected"]) == 2
    assert all(f'name="_selected_action" value="{key.pk}"' in text(asked) for key in keys)


def test_previous_secret_ends_by_action(superuser, client, make_key, works):
    key = make_key()
    rotated = rotate(client, key)
    previous, current = key.secret, secret_in(rotated)
    assert 'value="end_previous_secrets"' in text(client.get(change_url(key)))

    run_action(client, "end_previous_secrets", key, confirmed="1")

    assert (works(key, previous), works(key, current)) == (False, True)
    page = text(client.get(change_url(key)))
    assert 'value="end_previous_secrets"' not in page.partition("tot-actions")[2]


@pytest.mark.req("E7")
def test_tokens_end_by_action(superuser, client, make_key, make_token, get_token, works):
    key = make_key()
    token = make_token(key)

    run_action(client, "end_tokens", key, confirmed="1")

    assert get_token(token).status_code == 401
    assert works(key, key.secret)


@pytest.mark.req("E7")
@pytest.mark.parametrize(
    ("cascade", "expected"),
    [({"cascade": "1"}, {"Gone", "Parent", "Child", "Grandchild"}), ({}, {"Gone", "Parent"})],
)
def test_revocation_offers_to_revoke_descendants(cascade, expected, superuser, client, family):
    asked = run_action(client, "revoke_keys", family[0])
    assert [item["title"] for item in asked.context["created"]] == ["Child", "Grandchild"]
    assert 'name="cascade" value="1" checked' in text(asked)

    done = run_action(client, "revoke_keys", family[0], confirmed="1", **cascade)

    revoked = ApiKey.objects.exclude(revoked_at=None)
    assert {key.name for key in revoked} == expected
    assert f"{len(expected) - 1} API key" in messages(done)[0]
    assert LogEntry.objects.count() == len(expected) - 1


@pytest.mark.req("E7")
def test_confirmation_lists_each_key_once(superuser, client, family):
    asked = run_action(client, "revoke_keys", *family[:2])

    assert [item["title"] for item in asked.context["affected"]] == ["Parent", "Child"]
    assert [item["title"] for item in asked.context["created"]] == ["Grandchild"]


def test_other_actions_ignore_cascade(superuser, client, family):
    assert "cascade" not in text(run_action(client, "disable_keys", family[0]))

    run_action(client, "disable_keys", family[0], confirmed="1", cascade="1")

    assert list(ApiKey.objects.exclude(disabled_at=None)) == [family[0]]
