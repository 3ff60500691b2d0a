"""The admin, through Django's test client: new secrets for old, what a key created, and what happened."""

import html
import json
import re
import shlex
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone

from tests.admin.test_admin import (
    KEYS,
    SECRET,
    act,
    change_url,
    changed_data,
    log_in,
    messages,
    superuser,
    text,
)
from tests.support.requests import TOKEN_URL, body
from tot_jwt.exceptions import Conflict, PreviousSecretStillValid
from tot_jwt.keys import lifecycle
from tot_jwt.keys.domains import suspend_domain
from tot_jwt.keys.locking import lock_key
from tot_jwt.models import ApiKey, KeyEvent

__all__ = ["log_in", "superuser"]  # fixtures

EVENTS = "/admin/tot_jwt/keyevent/"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def rotate_url(key: ApiKey) -> str:
    return f"{KEYS}{key.pk}/rotate/"


def rotation_data(client: Client, key: ApiKey, **fields: Any) -> dict[str, Any]:
    """What the rotation form sends."""
    stamp = re.search(r'name="stamp" value="(\w+)"', text(client.get(rotate_url(key))))
    assert stamp
    return {"stamp": stamp[1], "grace": "86400", **fields}


def rotate(client: Client, key: ApiKey, **fields: Any) -> Any:
    return client.post(rotate_url(key), rotation_data(client, key, **fields))


def offered_graces(response: Any) -> list[str]:
    return re.findall(r'type="radio" name="grace" value="(\d+)"', text(response))


def secret_in(response: Any) -> str:
    (secret,) = set(SECRET.findall(text(response)))
    return str(secret)


@pytest.fixture
def works(client: Client) -> Callable[[ApiKey, str], bool]:
    def works(key: ApiKey, secret: str) -> bool:
        sent = {**body_of(key), "totSecretKey": secret}
        return client.post(TOKEN_URL, sent, content_type="application/json").status_code == 200

    return works


def body_of(key: ApiKey) -> dict[str, Any]:
    key.secret = ""  # type: ignore[attr-defined]
    return body(key)


@pytest.fixture
def family(make_key: Callable[..., ApiKey]) -> list[ApiKey]:
    """A key, the key that it created, the one that this created, and a revoked one of the first."""
    parent = make_key(name="Parent")
    child = make_key(name="Child", app_domain=parent.app_domain, created_by_key=parent)
    grandchild = make_key(name="Grandchild", app_domain=parent.app_domain, created_by_key=child)
    gone = make_key(
        name="Gone", app_domain=parent.app_domain, created_by_key=parent, revoked_at=timezone.now()
    )
    return [parent, child, grandchild, gone]


def revoked_names() -> set[str]:
    return set(ApiKey.objects.exclude(revoked_at=None).values_list("name", flat=True))


# Rotation


@pytest.mark.req("E4")
def test_rotation_shows_the_new_secret_once_and_the_old_one_works_on(
    superuser: Any, client: Client, make_key: Callable[..., ApiKey], works: Any
) -> None:
    key = make_key()
    old = key.secret  # type: ignore[attr-defined]

    response = rotate(client, key)

    new = secret_in(response)
    assert response.status_code == 200
    assert "no-store" in response["Cache-Control"]
    assert "the old secret works too" in text(response)
    assert "Add another" not in text(response)
    assert works(key, old)
    assert works(key, new)
    assert new not in f"{client.cookies} {dict(client.session)} {messages(response)}"
    assert (
        new
        not in f"{LogEntry.objects.values()} {ApiKey.objects.values()} {KeyEvent.objects.values()}"
    )
    for url in (KEYS, rotate_url(key), change_url(key), f"{KEYS}{key.pk}/history/", EVENTS):
        page = text(client.get(url))
        assert not SECRET.search(page)
        assert ApiKey.objects.get().secret_hash not in page


@pytest.mark.req("E4")
@pytest.mark.parametrize("grace", ["86400", "0"])
def test_rotation_sent_twice_rotates_once(
    grace: str, superuser: Any, client: Client, make_key: Callable[..., ApiKey]
) -> None:
    key = make_key()
    data = rotation_data(client, key)
    client.post(rotate_url(key), data)
    rotated = ApiKey.objects.get()

    again = client.post(rotate_url(key), {**data, "grace": grace})

    assert "This form was already used" in text(again)
    assert "no-store" in again["Cache-Control"]
    assert not SECRET.search(text(again))
    assert ApiKey.objects.get().secret_hash == rotated.secret_hash


@pytest.mark.req("E4")
def test_rotation_sent_twice_at_once_rotates_once(
    superuser: Any, client: Client, make_key: Callable[..., ApiKey], monkeypatch: pytest.MonkeyPatch
) -> None:
    key = make_key()
    data = rotation_data(client, key)
    lock_key = lock_key

    def overtaken(row: ApiKey) -> ApiKey:
        monkeypatch.setattr(lifecycle, "lock_key", lock_key)
        return lifecycle.rotate_key(row, grace=DAY)[0]

    monkeypatch.setattr(lifecycle, "lock_key", overtaken)

    assert "This form was already used" in text(client.post(rotate_url(key), data))
    assert KeyEvent.objects.filter(action="rotated").count() == 1


@pytest.mark.req("E4")
@pytest.mark.parametrize("stamp", ["", "0" * 64, "ü"])
def test_rotation_without_its_stamp_is_refused(
    stamp: str, superuser: Any, client: Client, make_key: Callable[..., ApiKey]
) -> None:
    key = make_key()

    rotate(client, key, stamp=stamp)

    assert ApiKey.objects.get().secret_hash == key.secret_hash


def test_stamp_of_one_key_is_not_that_of_another(
    superuser: Any, client: Client, make_key: Callable[..., ApiKey]
) -> None:
    key, other = make_key(), make_key()

    rotate(client, key, stamp=rotation_data(client, other)["stamp"])

    assert not KeyEvent.objects.filter(action="rotated").exists()
    assert key.secret_hash not in str(rotation_data(client, key))


def test_rotation_without_grace_ends_secrets_and_tokens(
    superuser: Any,
    client: Client,
    make_key: Callable[..., ApiKey],
    make_token: Callable[..., str],
    get_token: Callable[..., Any],
    works: Any,
) -> None:
    key = make_key()
    old, token = key.secret, make_token(key)  # type: ignore[attr-defined]

    response = rotate(client, key, grace="0")

    assert "Earlier secrets and all tokens have ended." in text(response)
    assert works(key, secret_in(response))
    assert not works(key, old)
    assert get_token(token).status_code == 401


def test_rotation_offers_graces_of_which_a_day_is_usual(
    superuser: Any, client: Client, make_key: Callable[..., ApiKey]
) -> None:
    page = client.get(rotate_url(make_key()))

    assert offered_graces(page) == ["0", "3600", "86400", "604800"]
    assert re.search(r'value="86400"[^>]* checked', text(page))


@pytest.mark.parametrize("grace", ["", "60", "-1", "604801", "soon"])
def test_rotation_with_another_grace_is_an_error(
    grace: str, superuser: Any, client: Client, make_key: Callable[..., ApiKey]
) -> None:
    key = make_key()

    response = rotate(client, key, grace=grace)

    assert "errorlist" in text(response)
    assert ApiKey.objects.get().secret_hash == key.secret_hash


def test_grace_ends_with_the_key(
    superuser: Any, client: Client, make_key: Callable[..., ApiKey]
) -> None:
    expires_at = timezone.now() + timedelta(hours=2)
    key = make_key(expires_at=expires_at)

    rotate(client, key)

    assert ApiKey.objects.get().previous_secret_expires_at == expires_at
    expired = make_key(expires_at=timezone.now() - HOUR)
    assert offered_graces(client.get(rotate_url(expired))) == ["0"]


def test_curl_line_is_words_to_a_shell_whatever_the_public_key(
    superuser: Any, client: Client, make_key: Callable[..., ApiKey]
) -> None:
    key = make_key(public_key="""o'$(touch${IFS}zebra7)';`zebra7`&""")
    page = rotate(client, key)

    shown = re.search(r'<pre id="tot-curl"[^>]*>(.*?)</pre>', text(page), re.DOTALL)
    assert shown
    curl, *_, sent = shlex.split(html.unescape(shown[1]), posix=True)

    assert curl == "curl"
    assert json.loads(sent) == {
        "appDomain": key.app_domain.domain,
        "totApiKey": key.public_key,
        "totSecretKey": secret_in(page),
    }


@pytest.mark.parametrize(
    ("used", "expected"),
    [
        (None, "The old secret was not used in the last hour."),
        (timedelta(minutes=61), "The old secret was not used in the last hour."),
        (timedelta(minutes=20), "The old secret was used 20\xa0minutes ago."),
    ],
)
def test_key_with_two_secrets_says_so_and_whether_the_old_one_is_used(
    used: timedelta | None,
    expected: str,
    superuser: Any,
    client: Client,
    make_key: Callable[..., ApiKey],
) -> None:
    now = timezone.now()
    key = make_key(
        previous_secret_expires_at=now + DAY,
        previous_secret_last_used_at=None if used is None else now - used,
    )
    make_key(previous_secret_expires_at=now - DAY)

    assert text(client.get(KEYS)).count("two secrets until") == 1
    for page in (
        client.get(change_url(key)),
        client.get(rotate_url(key)),
        act(client, "end_previous_secrets", key),
    ):
        assert "two secrets until" in text(page)
        assert expected in text(page)
    assert offered_graces(client.get(rotate_url(key))) == ["0"]


def test_end_of_two_secrets_is_told_without_the_date_if_it_is_today(
    superuser: Any,
    client: Client,
    make_key: Callable[..., ApiKey],
    time_machine: Any,
    settings: Any,
) -> None:
    settings.TIME_ZONE = "Europe/Berlin"
    time_machine.move_to("2026-03-01T12:00:00Z", tick=False)
    key = make_key(previous_secret_expires_at=timezone.now() + HOUR)
    assert "two secrets until 2 p.m." in text(client.get(change_url(key)))

    key = make_key(previous_secret_expires_at=timezone.now() + DAY)
    assert "two secrets until March 2, 2026, 1 p.m." in text(client.get(change_url(key)))


def test_key_without_a_second_secret_that_works_has_no_old_one(
    superuser: Any, client: Client, make_key: Callable[..., ApiKey]
) -> None:
    now = timezone.now()

    for key in (make_key(), make_key(previous_secret_expires_at=now + DAY, revoked_at=now)):
        page = text(client.get(change_url(key)))
        assert "ld secret" not in page
        assert "two secrets" not in page
    assert "two secrets" not in text(client.get(KEYS))


def test_old_secret_is_ended_by_hand(
    superuser: Any, client: Client, make_key: Callable[..., ApiKey], works: Any
) -> None:
    key = make_key()
    old, new = key.secret, secret_in(rotate(client, key))  # type: ignore[attr-defined]
    assert 'value="end_previous_secrets"' in text(client.get(change_url(key)))

    act(client, "end_previous_secrets", key, confirmed="1")

    assert (works(key, old), works(key, new)) == (False, True)
    assert (
        'value="end_previous_secrets"'
        not in text(client.get(change_url(key))).partition("tot-acts")[2]
    )


@pytest.mark.req("E7")
def test_tokens_are_ended_by_hand(
    superuser: Any,
    client: Client,
    make_key: Callable[..., ApiKey],
    make_token: Callable[..., str],
    get_token: Callable[..., Any],
    works: Any,
) -> None:
    key = make_key()
    secret, token = key.secret, make_token(key)  # type: ignore[attr-defined]

    act(client, "end_tokens", key, confirmed="1")

    assert get_token(token).status_code == 401
    assert works(key, secret)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (Conflict, "Somebody else changed this at the same moment. Please try again."),
        (PreviousSecretStillValid, "Two secrets work already."),
    ],
)
def test_rotation_refused_at_the_last_moment_is_a_message(
    error: type[Exception],
    expected: str,
    superuser: Any,
    client: Client,
    make_key: Callable[..., ApiKey],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    key = make_key()
    data = rotation_data(client, key)
    monkeypatch.setattr(lifecycle, "rotate_key", mock.Mock(side_effect=error))

    response = client.post(rotate_url(key), data)

    assert response["Location"] == change_url(key)
    assert expected in messages(response)[0]


def test_revoked_or_unknown_key_is_not_rotated(
    superuser: Any, client: Client, make_key: Callable[..., ApiKey]
) -> None:
    key = make_key(revoked_at=timezone.now())

    response = client.get(rotate_url(key))
    assert response["Location"] == change_url(key)
    assert messages(response) == ["This key has been revoked. It stays as it is."]
    assert "/rotate/" not in text(client.get(change_url(key)))
    for unknown in ("0", "x"):
        assert client.get(f"{KEYS}{unknown}/rotate/")["Location"] == "/admin/"


# Keys that a key created


@pytest.mark.req("E7")
@pytest.mark.parametrize(
    ("cascade", "expected"),
    [({"cascade": "1"}, {"Gone", "Parent", "Child", "Grandchild"}), ({}, {"Gone", "Parent"})],
)
def test_revocation_offers_the_keys_that_the_key_created(
    cascade: dict[str, str],
    expected: set[str],
    superuser: Any,
    client: Client,
    family: list[ApiKey],
) -> None:
    asked = act(client, "revoke_keys", family[0])
    assert [item["title"] for item in asked.context["created"]] == ["Child", "Grandchild"]
    assert 'name="cascade" value="1" checked' in text(asked)

    done = act(client, "revoke_keys", family[0], confirmed="1", **cascade)

    assert revoked_names() == expected
    assert f"{len(expected) - 1} API key" in messages(done)[0]
    assert LogEntry.objects.count() == len(expected) - 1


@pytest.mark.req("E7")
def test_revocation_of_a_key_with_what_it_created_lists_each_once(
    superuser: Any, client: Client, family: list[ApiKey]
) -> None:
    asked = act(client, "revoke_keys", *family[:2])

    assert [item["title"] for item in asked.context["affected"]] == ["Parent", "Child"]
    assert [item["title"] for item in asked.context["created"]] == ["Grandchild"]


def test_other_acts_offer_no_cascade_and_take_none(
    superuser: Any, client: Client, family: list[ApiKey]
) -> None:
    assert "cascade" not in text(act(client, "disable_keys", family[0]))

    act(client, "disable_keys", family[0], confirmed="1", cascade="1")

    assert list(ApiKey.objects.exclude(disabled_at=None)) == [family[0]]


@pytest.mark.req("E7")
@pytest.mark.parametrize(
    ("cascade", "expected", "words"),
    [
        (
            {"cascade": "1"},
            {"Gone", "Child", "Grandchild"},
            "2 keys that it created have been revoked.",
        ),
        ({}, {"Gone"}, ""),
    ],
)
def test_rotation_offers_to_revoke_the_keys_that_the_key_created(
    cascade: dict[str, str],
    expected: set[str],
    words: str,
    superuser: Any,
    client: Client,
    family: list[ApiKey],
) -> None:
    page = client.get(rotate_url(family[0]))
    assert [item["title"] for item in page.context["created"]] == ["Child", "Grandchild"]
    assert 'name="cascade" value="1" checked' in text(page)

    response = rotate(client, family[0], grace="0", **cascade)

    assert revoked_names() == expected
    assert words in text(response)
    assert LogEntry.objects.count() == len(expected)


@pytest.mark.req("E7")
def test_rotation_page_with_an_error_keeps_the_answer_about_created_keys(
    superuser: Any, client: Client, family: list[ApiKey]
) -> None:
    ticked = rotate(client, family[0], grace="", cascade="1")
    unticked = rotate(client, family[0], grace="")

    assert 'name="cascade" value="1" checked' in text(ticked)
    assert 'name="cascade" value="1">' in text(unticked)


@pytest.mark.req("E5")
def test_rotation_revokes_nothing_for_whoever_may_only_rotate(
    log_in: Callable[..., Any], client: Client, family: list[ApiKey]
) -> None:
    log_in("view_apikey", "rotate_apikey")

    assert "You do not have the permission to revoke them." in text(
        client.get(rotate_url(family[0]))
    )
    assert secret_in(rotate(client, family[0], cascade="1"))
    assert revoked_names() == {"Gone"}


def test_key_page_leads_to_the_keys_that_it_created(
    superuser: Any, client: Client, family: list[ApiKey]
) -> None:
    url = f"{KEYS}?created_by_key__id__exact={family[0].pk}"

    assert f'href="{url}">2</a>' in text(client.get(change_url(family[0])))
    assert {key.name for key in client.get(url).context["cl"].result_list} == {"Child", "Gone"}


# Who may what


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
def test_rotation_needs_its_permission(
    permissions: list[str],
    allowed: bool,
    log_in: Callable[..., Any],
    client: Client,
    make_key: Callable[..., ApiKey],
) -> None:
    log_in(is_superuser=True)
    key = make_key(previous_secret_expires_at=timezone.now() + DAY)
    data = rotation_data(client, key, grace="0")
    log_in(*permissions)

    assert (f'href="{rotate_url(key)}"' in text(client.get(change_url(key)))) is allowed
    act(client, "end_previous_secrets", key, confirmed="1")
    act(client, "end_tokens", key, confirmed="1")
    assert client.get(rotate_url(key)).status_code == (200 if allowed else 403)
    assert bool(SECRET.search(text(client.post(rotate_url(key), data)))) is allowed

    done = {"previous_secret_ended", "tokens_ended", "rotated"} if allowed else set()
    assert set(KeyEvent.objects.exclude(action="created").values_list("action", flat=True)) == done


def test_rotation_needs_a_login_and_a_csrf_token(
    superuser: Any, client: Client, make_key: Callable[..., ApiKey]
) -> None:
    key = make_key()
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(superuser)

    assert strict.post(rotate_url(key), rotation_data(client, key)).status_code == 403
    client.logout()
    assert client.get(rotate_url(key)).status_code == 302


# Changing a key


def test_expiry_in_the_past_is_an_error_on_its_field(
    superuser: Any, client: Client, make_key: Callable[..., ApiKey]
) -> None:
    key = make_key(expires_at=timezone.now() + DAY)
    past = changed_data(key, expires_at_0="2020-01-01", expires_at_1="00:00:00")

    response = client.post(change_url(key), past)

    assert response.context["adminform"].form.errors == {
        "expires_at": ["The expiry must be in the future."]
    }
    assert ApiKey.objects.get().expires_at == key.expires_at


@pytest.mark.parametrize("days", [-3, 3])
def test_expiry_that_is_not_touched_stays_to_the_fraction_of_the_second(
    days: int, superuser: Any, client: Client, make_key: Callable[..., ApiKey]
) -> None:
    key = make_key(expires_at=timezone.now() + timedelta(days=days))
    here = timezone.localtime(key.expires_at)
    data = changed_data(
        key, name="New", expires_at_0=here.date(), expires_at_1=here.strftime("%H:%M:%S")
    )

    assert client.post(change_url(key), data).status_code == 302

    changed = ApiKey.objects.get()
    assert (changed.name, changed.expires_at) == ("New", key.expires_at)


# What happened


def test_acts_of_a_person_are_recorded_with_name_and_address(
    log_in: Callable[..., Any], client: Client, make_key: Callable[..., ApiKey], settings: Any
) -> None:
    settings.TOT_JWT = {"TRUSTED_PROXIES": 1}
    user = log_in(is_superuser=True, username="maria")
    key = make_key()
    KeyEvent.objects.prune(timezone.now() + DAY)
    client.defaults["HTTP_X_FORWARDED_FOR"] = "203.0.113.5"

    client.post(change_url(key), changed_data(key, name="New"))
    rotate(client, key)
    for name in (
        "end_previous_secrets",
        "end_tokens",
        "disable_keys",
        "enable_keys",
        "revoke_keys",
    ):
        act(client, name, key, confirmed="1")
    for name in ("suspend_domains", "resume_domains"):
        act(client, name, key.app_domain, confirmed="1")

    events = list(KeyEvent.objects.order_by("pk"))
    assert [event.action for event in events] == [
        "changed",
        "rotated",
        "previous_secret_ended",
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


def test_key_page_tells_what_happened_newest_first(
    superuser: Any,
    client: Client,
    make_key: Callable[..., ApiKey],
    settings: Any,
    time_machine: Any,
) -> None:
    settings.TIME_ZONE = "Asia/Tokyo"
    time_machine.move_to("2026-03-01T12:00:00Z", tick=False)
    key = make_key(name="Before", can_issue_tokens=False)
    time_machine.move_to("2026-03-02T12:00:00Z", tick=False)
    later = changed_data(key, name="After", expires_at_0="2026-04-01", expires_at_1="09:30:00")
    client.post(change_url(key), later)
    rotate(client, key, grace="0")

    table = text(client.get(change_url(key))).partition("What happened")[2].partition("</table>")[0]

    words = " ".join(re.sub(r"<[^>]+>", " ", table).split())
    assert words.index("secret rotated") < words.index("changed") < words.index("created")
    assert "March 2, 2026, 9 p.m. changed" in words
    assert f"{superuser.username} 127.0.0.1" in words
    assert "Name: Before → becomes After" in words
    assert "Expires: none → becomes April 1, 2026, 9:30 a.m." in words
    assert "May be exchanged for tokens: no → becomes yes" in words
    assert "Generation: 1 → becomes 2" in words
    created = words.partition("created")[2]
    assert "Name: Before" in created
    assert "becomes" not in created
    assert "Expires" not in created


def test_key_page_tells_the_newest_events_and_links_to_all(
    superuser: Any, client: Client, make_key: Callable[..., ApiKey]
) -> None:
    key = make_key()
    url = f"{EVENTS}?key__id__exact={key.pk}"
    for _ in range(19):
        lifecycle.end_tokens(key)
    make_key()
    assert "All that happened" not in text(client.get(change_url(key)))

    lifecycle.end_tokens(key)

    page = client.get(change_url(key))
    assert len(page.context["events"]) == 20
    assert f'href="{url}"' in text(page)
    assert len(client.get(url).context["cl"].result_list) == 21


def test_key_of_which_nothing_is_on_record_says_so(
    superuser: Any, client: Client, make_key: Callable[..., ApiKey]
) -> None:
    key = make_key()
    KeyEvent.objects.prune(timezone.now() + DAY)

    assert "There is nothing here yet." in text(client.get(change_url(key)))


@pytest.mark.req("E5")
def test_events_are_shown_to_whoever_may_view_them(
    log_in: Callable[..., Any], client: Client, make_key: Callable[..., ApiKey]
) -> None:
    key = make_key()

    log_in("view_apikey")
    assert "What happened" not in text(client.get(change_url(key)))
    assert client.get(EVENTS).status_code == 403
    log_in("view_apikey", "view_keyevent")
    assert "What happened" in text(client.get(change_url(key)))
    assert key.public_key in text(client.get(EVENTS))


@pytest.mark.req("E5")
def test_events_are_neither_added_nor_changed_nor_deleted(
    superuser: Any, client: Client, make_key: Callable[..., ApiKey]
) -> None:
    make_key()
    event = KeyEvent.objects.get()

    page = text(client.get(change_url(event)))
    assert 'name="_save"' not in page
    assert "History" not in page
    assert "created" in page
    assert 'name="action"' not in text(client.get(EVENTS))
    assert client.get(f"{EVENTS}add/").status_code == 403
    assert client.post(change_url(event), {"actor": "nobody"}).status_code == 403
    assert client.post(f"{EVENTS}{event.pk}/delete/", {"post": "yes"}).status_code == 403
    assert KeyEvent.objects.get().actor == event.actor


def test_events_are_filtered_and_searched(
    superuser: Any, client: Client, make_key: Callable[..., ApiKey]
) -> None:
    key, other = make_key(), make_key()
    suspend_domain(other.app_domain)

    def found(**query: str) -> list[tuple[str, str]]:
        rows = client.get(EVENTS, query).context["cl"].result_list
        return [(event.action, event.app_domain.domain) for event in rows]

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
def test_events_are_filtered_by_no_hash(
    field: str, superuser: Any, client: Client, make_key: Callable[..., ApiKey]
) -> None:
    assert client.get(EVENTS, {f"{field}__startswith": "sha"}).status_code == 400


def test_events_are_not_filtered_by_what_is_within_their_changes(
    superuser: Any, client: Client
) -> None:
    assert client.get(EVENTS, {"changes__contains": "1"}).status_code == 400


def test_setting_that_keys_no_longer_have_keeps_its_name_on_record(
    superuser: Any, client: Client, make_key: Callable[..., ApiKey]
) -> None:
    key = make_key()
    KeyEvent.objects.create(
        app_domain=key.app_domain,
        key=key,
        action="changed",
        at=timezone.now(),
        actor="x",
        changes={"colour": [1, "<b>"]},
    )

    assert "Colour: <code" in text(client.get(EVENTS))
    assert "&lt;b&gt;" in text(client.get(EVENTS))


# Queries


@pytest.mark.parametrize(("number", "asked"), [(1, 4), (30, 4)])
def test_list_of_events_asks_as_often_whatever_its_length(
    number: int,
    asked: int,
    superuser: Any,
    client: Client,
    make_key: Callable[..., ApiKey],
    django_assert_num_queries: Any,
) -> None:
    for _ in range(number):
        make_key()

    with django_assert_num_queries(asked):
        client.get(EVENTS)


@pytest.mark.parametrize("events", [1, 30])
def test_page_of_a_key_asks_as_often_whatever_happened_to_it(
    events: int,
    superuser: Any,
    client: Client,
    make_key: Callable[..., ApiKey],
    django_assert_num_queries: Any,
) -> None:
    key = make_key()
    for _ in range(events):
        lifecycle.end_tokens(key)
        make_key(created_by_key=key)

    # Session, user, key, app domain, created keys, events.
    with django_assert_num_queries(6):
        client.get(change_url(key))


@pytest.mark.parametrize("created", [1, 9])
def test_rotation_page_asks_as_often_however_many_keys_the_key_created(
    created: int,
    superuser: Any,
    client: Client,
    make_key: Callable[..., ApiKey],
    django_assert_num_queries: Any,
) -> None:
    key = make_key()
    for _ in range(created):
        make_key(created_by_key=key)

    # Session, user, key, app domain, created keys, those that they created.
    with django_assert_num_queries(6):
        client.get(rotate_url(key))


@pytest.mark.req("E4")
def test_pages_of_rotation_and_history_have_no_inline_script_or_style(
    superuser: Any, client: Client, family: list[ApiKey]
) -> None:
    data = rotation_data(client, family[0])
    pages = [
        client.get(rotate_url(family[0])),
        client.post(rotate_url(family[0]), data),
        client.post(rotate_url(family[0]), data),
        client.get(EVENTS),
    ]

    for page in map(text, pages):
        assert "tot_jwt/admin.css" in page
        assert not re.search(
            r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)(?![^>]*application/json)", page
        )
