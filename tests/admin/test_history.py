"""The history of keys and domains in the admin."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from tests.support.admin import (
    EVENTS,
    change_url,
    changed_data,
    listed,
    rotate,
    run_action,
    text,
)
from tot_jwt.keys import lifecycle
from tot_jwt.keys.domains import prune_events, suspend_domain
from tot_jwt.models import KeyEvent

DAY = timedelta(days=1)


def history_url(row):
    """Return the URL behind Django's button HISTORY."""
    return change_url(row).replace("/change/", "/history/")


def test_history_records_user_and_address(log_in, client, make_key, settings):
    settings.TOT_JWT = {"TRUSTED_PROXIES": 1}
    user = log_in(is_superuser=True, username="maria")
    key = make_key(created_by_key=make_key())
    before = KeyEvent.objects.count()
    client.defaults["HTTP_X_FORWARDED_FOR"] = "203.0.113.5"

    client.post(change_url(key), changed_data(key, name="New"))
    rotate(client, key)
    for name in (
        "end_previous_secrets",
        "release_keys",
        "end_tokens",
        "disable_keys",
        "enable_keys",
        "revoke_keys",
    ):
        run_action(client, name, key, confirmed="1")
    for name in ("suspend_domains", "resume_domains"):
        run_action(client, name, key.app_domain, confirmed="1")

    events = list(KeyEvent.objects.order_by("pk"))[before:]
    assert [event.action for event in events] == [
        "changed",
        "rotated",
        "previous_secret_ended",
        "released",
        "tokens_ended",
        "disabled",
        "enabled",
        "revoked",
        "suspended",
        "resumed",
    ]
    assert {(event.user, event.actor, event.address) for event in events} == {
        (user, "maria", "203.0.113.5")
    }


def test_history_shows_newest_event_first(superuser, client, make_key, settings, time_machine):
    settings.TIME_ZONE = "Asia/Tokyo"
    time_machine.move_to("2026-03-01T12:00:00Z", tick=False)
    key = make_key(name="Before", can_issue_tokens=False)
    time_machine.move_to("2026-03-02T12:00:00Z", tick=False)
    later = changed_data(key, name="After", expires_at_0="2026-04-01", expires_at_1="09:30:00")
    client.post(change_url(key), later)
    rotate(client, key, grace="0")

    table = text(client.get(history_url(key))).partition("<tbody>")[2].partition("</tbody>")[0]

    words = " ".join(re.sub(r"<[^>]+>", " ", table).split())
    assert words.index("secret rotated") < words.index("changed") < words.index("created")
    assert "March 2, 2026, 9 p.m. changed" in words
    assert f"By {superuser.username} Address 127.0.0.1" in words
    assert "Name: Before → becomes After" in words
    assert "Expires: none → becomes April 1, 2026, 9:30 a.m." in words
    assert "Can be exchanged for tokens: no → becomes yes" in words
    assert "Generation: 1 → becomes 2" in words
    created = words.partition("created")[2]
    assert "Name: Before" in created
    assert "becomes" not in created
    assert "Expires" not in created


def test_long_history_has_pages(superuser, client, make_key):
    key = make_key()
    for _ in range(99):
        lifecycle.end_tokens(key)
    make_key()
    assert "Older events" not in text(client.get(history_url(key)))

    lifecycle.end_tokens(key)

    first, last = (client.get(history_url(key), {"p": page}) for page in (1, 2))
    assert [len(page.context["items"]) for page in (first, last)] == [100, 1]
    assert 'href="?p=2"' in text(first)
    assert 'href="?p=1"' in text(last)
    for page in ("x", "0", "9" * 30, "\0"):
        assert client.get(history_url(key), {"p": page}).status_code == 200


def test_row_without_events_says_so(superuser, client, make_key):
    key = make_key()
    prune_events(timezone.now() + DAY)

    for row in (key, key.app_domain):
        assert "There are no events yet." in text(client.get(history_url(row)))


def test_domain_history_includes_its_keys(superuser, client, make_key):
    key = make_key(name="Counter")
    make_key(name="Elsewhere")
    suspend_domain(key.app_domain)

    page = text(client.get(history_url(key.app_domain)))

    assert page.index("domain suspended") < page.index("Counter")
    assert f'href="{history_url(key)}"' in page
    assert "Elsewhere" not in page


def test_act_is_recorded_once(superuser, client, make_key):
    key = make_key()

    client.post(change_url(key), changed_data(key, name="New"))

    rows = text(client.get(history_url(key))).partition("<tbody>")[2]
    assert (rows.count("<td>changed</td>"), rows.count("<tr>")) == (1, 2)
    assert "<td>changed</td>" not in text(client.get(change_url(key)))


def test_history_of_no_row_redirects(superuser, client):
    for number in ("1", "x", "9" * 30):
        assert client.get(f"/admin/tot_jwt/apikey/{number}/history/").status_code == 302


@pytest.mark.req("E5")
def test_history_needs_both_permissions(log_in, client, make_key):
    key = make_key()

    for permissions, status in (
        (["view_apikey"], 403),
        (["view_keyevent"], 403),
        (["view_apikey", "view_keyevent"], 200),
    ):
        log_in(*permissions)
        assert client.get(history_url(key)).status_code == status
        page = text(client.get(change_url(key)))
        assert (history_url(key) in page) is (status == 200)
        assert client.get(EVENTS).status_code == (200 if "view_keyevent" in permissions else 403)


@pytest.mark.req("E5")
def test_events_are_read_only(superuser, client, make_key):
    make_key()
    event = KeyEvent.objects.get()

    page = text(client.get(change_url(event)))

    assert 'name="_save"' not in page
    assert "History" not in page
    assert "created" in page
    assert 'name="action"' not in text(client.get(EVENTS))
    assert client.get(f"{EVENTS}add/").status_code == 403
    assert client.post(change_url(event), {"actor": "forged"}).status_code == 403
    assert client.post(f"{EVENTS}{event.pk}/delete/", {"post": "yes"}).status_code == 403
    assert KeyEvent.objects.get().actor == event.actor


def test_events_can_be_filtered_and_searched(superuser, client, make_key):
    key, other = make_key(), make_key()
    suspend_domain(other.app_domain)

    def found(**query):
        return [
            (event.action, event.app_domain.domain) for event in listed(client.get(EVENTS, query))
        ]

    of_key, of_other = ("created", key.app_domain.domain), ("created", other.app_domain.domain)
    suspended = ("suspended", other.app_domain.domain)
    assert found() == [suspended, of_other, of_key]
    assert found(action__exact="suspended") == [suspended]
    assert found(q=key.public_key) == [of_key]
    assert found(q=other.app_domain.domain) == [suspended, of_other]
    assert found(q="system") == [suspended, of_other, of_key]
    assert found(at__gte=str(timezone.now() + DAY)) == []


@pytest.mark.req("E5")
@pytest.mark.parametrize("field", ["key__secret_hash", "key__previous_secret_hash"])
def test_events_reject_filter_by_hash(field, superuser, client):
    assert client.get(EVENTS, {f"{field}__startswith": "sha"}).status_code == 400


def test_events_reject_filter_by_changes(superuser, client):
    assert client.get(EVENTS, {"changes__contains": "1"}).status_code == 400


def test_removed_setting_keeps_its_name(superuser, client, make_key):
    key = make_key()
    KeyEvent.objects.create(
        app_domain=key.app_domain,
        key=key,
        action="changed",
        at=timezone.now(),
        actor="x",
        changes={"colour": [1, "<b>"]},
    )

    page = text(client.get(EVENTS))

    assert "Colour: <code" in page
    assert "&lt;b&gt;" in page


@pytest.mark.parametrize("number", [1, 30])
def test_many_events_cost_no_queries(
    number, superuser, client, make_key, django_assert_num_queries
):
    for _ in range(number):
        make_key()

    with django_assert_num_queries(4):
        client.get(EVENTS)


def test_event_without_domain_is_listed(superuser, client, make_key):
    make_key()
    prune_events(timezone.now() + DAY)

    assert "old events deleted" in text(client.get(EVENTS))


def test_creation_omits_empty_settings(superuser, client, make_key):
    key = make_key()
    event = {"app_domain": key.app_domain, "key": key, "at": timezone.now(), "actor": "x"}
    KeyEvent.objects.create(
        **event, action="created", changes={"scopes": [None, ""], "metadata": [None, {}]}
    )

    assert "Metadata" not in text(client.get(history_url(key)))
