"""Actions on keys: the question and the answer."""

import re
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.db.models.signals import post_init, pre_save
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.support.admin import (
    KEYS,
    change_url,
    fail_with,
    messages,
    once_on,
    rotate,
    run_action,
    secret_in,
    text,
)
from tot_jwt.exceptions import Conflict
from tot_jwt.keys import lifecycle
from tot_jwt.models import ApiKey, AppDomain, KeyEvent, KeyStatus


def test_key_page_offers_applicable_actions(superuser, client, make_key):
    def offered(key):
        return re.findall(r'name="action" value="(\w+)_keys"', text(client.get(change_url(key))))

    assert offered(make_key()) == ["disable", "revoke"]
    assert offered(make_key(disabled_at=timezone.now())) == ["enable", "revoke"]
    assert offered(make_key(revoked_at=timezone.now())) == []
    assert offered(make_key(created_by_key=make_key())) == ["disable", "release", "revoke"]


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


def test_busy_key_gives_message(superuser, client, make_key):
    keys = [make_key(), make_key()]

    with once_on(pre_save, ApiKey, fail_with(Conflict())):
        response = run_action(client, "revoke_keys", *keys, confirmed="1")

    assert "Another user changed this at the same time." in messages(response)[0]
    assert [key.revoked_at is None for key in ApiKey.objects.order_by("pk")] == [True, False]


def test_lock_that_fails_changes_nothing(superuser, client, make_key):
    keys = [make_key(), make_key()]
    # The list loads both keys. Then the action locks one after the other.
    loads = iter([False, False, False, True])

    with once_on(post_init, ApiKey, fail_with(Conflict()), fits=lambda row: next(loads)):
        response = run_action(client, "revoke_keys", *keys, confirmed="1")

    assert response["Location"] == KEYS
    assert messages(response) == ["Another user changed this at the same time. Please try again."]
    assert not ApiKey.objects.exclude(revoked_at=None).exists()


def locks_and_writes(queries, model):
    """Return the ids of the rows selected one by one, and "write" for each change of a row."""
    table, steps = model._meta.db_table, []
    for sql in [query["sql"] for query in queries]:
        if selected := re.search(rf"SELECT .* WHERE \W?{table}\W+id\W+= (\d+)\b", sql):
            steps.append(int(selected[1]))
        elif re.match(rf"UPDATE \W?{table}\b", sql):
            steps.append("write")
    return steps


@pytest.mark.req("D7")
@pytest.mark.parametrize(
    "name", ["disable_keys", "release_keys", "end_tokens", "end_previous_secrets", "revoke_keys"]
)
def test_bulk_action_locks_keys_first(name, superuser, client, make_key):
    in_an_hour, creator = timezone.now() + timedelta(hours=1), make_key()
    keys = [
        make_key(created_by_key=creator, previous_secret_expires_at=in_an_hour) for _ in range(3)
    ]

    with CaptureQueriesContext(connection) as queries:
        run_action(client, name, *reversed(keys), confirmed="1")

    steps = locks_and_writes(queries, ApiKey)
    assert steps[:4] == [*[key.pk for key in keys], keys[0].pk]
    assert steps.count("write") == 3


@pytest.mark.req("D7")
def test_bulk_action_locks_domains_first(superuser, client, make_domain):
    domains = [make_domain() for _ in range(3)]

    with CaptureQueriesContext(connection) as queries:
        run_action(client, "suspend_domains", *reversed(domains), confirmed="1")

    steps = locks_and_writes(queries, AppDomain)
    assert steps[:4] == [*[domain.pk for domain in domains], domains[0].pk]
    assert steps.count("write") == 3


@pytest.mark.req("D7")
def test_bulk_action_records_domain_by_domain(superuser, client, make_domain, make_key):
    """On some databases an event locks the domain, and suspending locks several in this order."""
    domains = [make_domain(), make_domain()]
    keys = [make_key(app_domain=domains[number]) for number in (1, 0, 1, 0)]

    run_action(client, "disable_keys", *keys, confirmed="1")

    disabled = KeyEvent.objects.filter(action="disabled").order_by("pk")
    assert [event.app_domain_id for event in disabled] == [
        domain.pk for domain in (domains[0], domains[0], domains[1], domains[1])
    ]


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
