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
from tot_jwt.keys.domains import suspend_domain
from tot_jwt.models import KeyEvent

DAY = timedelta(days=1)
#: The heading of the table on a key's page. Django has a link "History" of its own.
HEADING = 'id="tot-events"'


def test_history_records_user_and_address(log_in, client, make_key, settings):
    settings.TOT_JWT = {"TRUSTED_PROXIES": 1}
    user = log_in(is_superuser=True, username="maria")
    key = make_key(created_by_key=make_key())
    KeyEvent.objects.prune(timezone.now() + DAY)
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

    events = list(KeyEvent.objects.order_by("pk"))
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


def test_key_page_shows_newest_event_first(superuser, client, make_key, settings, time_machine):
    settings.TIME_ZONE = "Asia/Tokyo"
    time_machine.move_to("2026-03-01T12:00:00Z", tick=False)
    key = make_key(name="Before", can_issue_tokens=False)
    time_machine.move_to("2026-03-02T12:00:00Z", tick=False)
    later = changed_data(key, name="After", expires_at_0="2026-04-01", expires_at_1="09:30:00")
    client.post(change_url(key), later)
    rotate(client, key, grace="0")

    table = text(client.get(change_url(key))).partition(HEADING)[2].partition("</table>")[0]

    words = " ".join(re.sub(r"<[^>]+>", " ", table).split())
    assert words.index("secret rotated") < words.index("changed") < words.index("created")
    assert "March 2, 2026, 9 p.m. changed" in words
    assert f"{superuser.username} 127.0.0.1" in words
    assert "Name: Before → becomes After" in words
    assert "Expires: none → becomes April 1, 2026, 9:30 a.m." in words
    assert "Can be exchanged for tokens: no → becomes yes" in words
    assert "Generation: 1 → becomes 2" in words
    created = words.partition("created")[2]
    assert "Name: Before" in created
    assert "becomes" not in created
    assert "Expires" not in created


def test_key_page_links_to_older_events(superuser, client, make_key):
    key = make_key()
    url = f"{EVENTS}?key__id__exact={key.pk}"
    for _ in range(19):
        lifecycle.end_tokens(key)
    make_key()
    assert "Show all events" not in text(client.get(change_url(key)))

    lifecycle.end_tokens(key)

    page = client.get(change_url(key))
    assert len(page.context["events"]) == 20
    assert "Show all events" in text(page)
    assert f'href="{url}"' in text(page)
    assert len(listed(client.get(url))) == 21


def test_key_without_events_says_so(superuser, client, make_key):
    key = make_key()
    KeyEvent.objects.prune(timezone.now() + DAY)

    assert "There are no events yet." in text(client.get(change_url(key)))


@pytest.mark.req("E5")
def test_events_need_their_view_permission(log_in, client, make_key):
    key = make_key()

    log_in("view_apikey")
    assert HEADING not in text(client.get(change_url(key)))
    assert client.get(EVENTS).status_code == 403
    log_in("view_apikey", "view_keyevent")
    assert HEADING in text(client.get(change_url(key)))
    assert key.public_key in text(client.get(EVENTS))


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
