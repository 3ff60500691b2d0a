"""The rotation of a key in the admin."""

import html
import json
import re
import shlex
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.db.models.signals import post_init, pre_save
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.formats import date_format

from tests.support.admin import (
    EVENTS,
    INLINE,
    KEYS,
    SECRET,
    before_transaction,
    change_url,
    fail_with,
    messages,
    once_on,
    rotate,
    rotate_url,
    rotation_data,
    run_action,
    secret_in,
    text,
)
from tests.support.times import NOON
from tot_jwt.exceptions import Conflict
from tot_jwt.keys.domains import erase_domain
from tot_jwt.models import ApiKey, KeyEvent

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def offered_graces(response):
    """Return the choices that the page offers: grace periods in seconds, and `replace`."""
    return re.findall(r'type="radio" name="grace" value="(\w+)"', text(response))


@pytest.mark.req("E4")
def test_rotation_keeps_the_previous_secret(superuser, client, make_key, works):
    key = make_key()

    response = rotate(client, key)

    assert response.status_code == 200
    assert ", the previous secret keeps working." in text(response)
    assert "Add another" not in text(response)
    assert works(key, key.secret)
    assert works(key, secret_in(response))


@pytest.mark.req("E4")
def test_rotated_secret_is_shown_only_once(superuser, client, make_key):
    key = make_key()

    response = rotate(client, key)

    secret = secret_in(response)
    assert "no-store" in response["Cache-Control"]
    stored = [LogEntry.objects.values(), ApiKey.objects.values(), KeyEvent.objects.values()]
    kept = [client.cookies, dict(client.session), messages(response), *map(list, stored)]
    assert secret not in str(kept)
    for url in (KEYS, rotate_url(key), change_url(key), f"{KEYS}{key.pk}/history/", EVENTS):
        page = text(client.get(url))
        assert not SECRET.search(page)
        assert ApiKey.objects.get().secret_hash not in page


@pytest.mark.req("E4")
@pytest.mark.parametrize("grace", ["86400", "0"])
def test_form_submitted_twice_rotates_once(grace, superuser, client, make_key):
    key = make_key()
    data = rotation_data(client, key)
    client.post(rotate_url(key), data)
    rotated = ApiKey.objects.get()

    again = client.post(rotate_url(key), {**data, "grace": grace})

    assert "This form was already used" in text(again)
    assert "rotate the key again" in text(again)
    assert f'href="{rotate_url(key)}"' in text(again)
    assert "no-store" in again["Cache-Control"]
    assert not SECRET.search(text(again))
    assert ApiKey.objects.get().secret_hash == rotated.secret_hash


@pytest.mark.req("E4")
def test_form_submitted_concurrently_rotates_once(superuser, client, make_key):
    key = make_key()
    data = rotation_data(client, key)
    other = Client()
    other.force_login(superuser)

    with before_transaction(lambda: other.post(rotate_url(key), data)):
        response = client.post(rotate_url(key), data)

    assert "This form was already used" in text(response)
    assert KeyEvent.objects.filter(action="rotated").count() == 1


@pytest.mark.req("E4")
@pytest.mark.parametrize("stamp", ["", "0" * 64, "ü"])
def test_form_without_stamp_rotates_nothing(stamp, superuser, client, make_key):
    key = make_key()

    rotate(client, key, stamp=stamp)

    assert ApiKey.objects.get().secret_hash == key.secret_hash


def test_stamp_of_another_key_is_rejected(superuser, client, make_key):
    key, other = make_key(), make_key()

    rotate(client, key, stamp=rotation_data(client, other)["stamp"])

    assert not KeyEvent.objects.filter(action="rotated").exists()
    assert key.secret_hash not in str(rotation_data(client, key))


def test_rotation_without_grace_ends_everything(
    superuser, client, make_key, make_token, get_token, works
):
    key = make_key()
    token = make_token(key)

    response = rotate(client, key, grace="0")

    assert "All earlier secrets and tokens have ended." in text(response)
    assert works(key, secret_in(response))
    assert not works(key, key.secret)
    assert get_token(token).status_code == 401


@pytest.mark.req("D7")
@pytest.mark.parametrize("grace", ["0", "3600"])
def test_only_rotation_without_grace_waits(grace, superuser, client, make_key):
    key = make_key()
    data = rotation_data(client, key, grace=grace)

    with CaptureQueriesContext(connection) as queries:
        client.post(rotate_url(key), data)

    can_refuse = connection.features.has_select_for_update_nowait and grace != "0"
    assert any("NOWAIT" in query["sql"] for query in queries) is can_refuse
    assert KeyEvent.objects.filter(action="rotated").count() == 1


def test_rotation_offers_a_day_first(superuser, client, make_key):
    page = client.get(rotate_url(make_key()))

    assert offered_graces(page) == ["0", "3600", "86400", "604800"]
    assert re.search(r'value="86400"[^>]* checked', text(page))


@pytest.mark.parametrize("grace", ["", "60", "-1", "604801", "soon"])
def test_other_grace_gives_form_error(grace, superuser, client, make_key):
    key = make_key()

    response = rotate(client, key, grace=grace)

    assert "errorlist" in text(response)
    assert ApiKey.objects.get().secret_hash == key.secret_hash


def test_grace_ends_with_the_key(superuser, client, make_key):
    expires_at = timezone.now() + timedelta(hours=2)
    key = make_key(expires_at=expires_at)

    rotate(client, key)

    assert ApiKey.objects.get().previous_secret_expires_at == expires_at
    expired = make_key(expires_at=timezone.now() - HOUR)
    assert offered_graces(client.get(rotate_url(expired))) == ["0"]


@pytest.mark.req("E4")
def test_unused_secret_can_be_replaced(superuser, client, make_key, works):
    key = make_key()
    unused = secret_in(rotate(client, key))
    before = ApiKey.objects.get()

    page = client.get(rotate_url(key))

    assert offered_graces(page) == ["0", "replace"]
    assert "How long the older secret keeps working" in text(page)
    end = date_format(timezone.localtime(before.previous_secret_expires_at), "TIME_FORMAT")
    assert re.search(rf"Until [^:<]*{end}[^<]*: the new secret replaces the unused", text(page))
    assert re.search(r'value="replace"[^>]* checked', text(page))
    secret = secret_in(rotate(client, key, grace="replace"))
    after = ApiKey.objects.get()
    assert after.previous_secret_expires_at == before.previous_secret_expires_at
    assert [works(key, text) for text in (key.secret, unused, secret)] == [True, False, True]


@pytest.mark.parametrize("grace", ["3600", "86400"])
def test_unused_secret_has_no_grace(grace, superuser, client, make_key):
    key = make_key()
    rotate(client, key)

    response = rotate(client, key, grace=grace)

    assert response.context["form"].errors["grace"]
    assert not SECRET.search(text(response))


@pytest.mark.parametrize("is_live", [True, False])
def test_used_or_only_secret_is_kept(is_live, superuser, client, make_key):
    now = timezone.now()
    key = make_key(
        previous_secret_expires_at=now + (HOUR if is_live else -HOUR),
        secret_last_used_at=now if is_live else None,
    )

    response = rotate(client, key, grace="replace")

    assert response.context["form"].errors["grace"]
    assert ApiKey.objects.get().secret_hash == key.secret_hash


@pytest.mark.req("E4")
def test_form_replacing_secret_rotates_once(superuser, client, make_key):
    key = make_key()
    rotate(client, key)
    data = rotation_data(client, key, grace="replace")
    hint = ApiKey.objects.get().secret_hint
    client.post(rotate_url(key), data)
    ApiKey.objects.update(secret_hint=hint)  # two secrets may end in the same characters

    again = client.post(rotate_url(key), data)

    assert "This form was already used" in text(again)
    assert KeyEvent.objects.filter(action="rotated").count() == 2


@pytest.mark.parametrize(
    "change",
    [
        {"secret_hash": "x" * 64},
        {"secret_last_used_at": NOON},
        {"generation": 7},
        {"disabled_at": NOON},
    ],
)
def test_other_changes_keep_rotation_form(change, superuser, client, make_key):
    """The first use of an imported secret changes its hash, for example."""
    key = make_key()
    data = rotation_data(client, key)
    ApiKey.objects.update(**change)

    assert SECRET.search(text(client.post(rotate_url(key), data)))


def test_key_erased_meanwhile_gives_message(superuser, client, make_key):
    key = make_key()
    data = rotation_data(client, key)

    with before_transaction(lambda: erase_domain(key.app_domain)):
        response = client.post(rotate_url(key), data)

    assert response["Location"] == KEYS
    assert "another user has erased it" in messages(response)[0]


def test_curl_command_quotes_the_public_key(superuser, client, make_key):
    key = make_key(public_key="""o'$(touch${IFS}zebra7)';`zebra7`&""")
    page = rotate(client, key)

    shown = re.search(r'<pre id="tot-curl"[^>]*>(.*?)</pre>', text(page), re.DOTALL)
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
        (None, "The previous secret was not used in the last hour."),
        (timedelta(minutes=61), "The previous secret was not used in the last hour."),
        (timedelta(minutes=20), "The previous secret was used 20\xa0minutes ago."),
    ],
)
def test_pages_show_previous_secret_use(used, expected, superuser, client, make_key):
    now = timezone.now()
    key = make_key(
        previous_secret_expires_at=now + DAY,
        previous_secret_last_used_at=None if used is None else now - used,
        secret_last_used_at=now,
    )
    make_key(previous_secret_expires_at=now - DAY)

    assert text(client.get(KEYS)).count("two secrets until") == 1
    for page in (
        client.get(change_url(key)),
        client.get(rotate_url(key)),
        run_action(client, "end_previous_secrets", key),
    ):
        assert "two secrets until" in text(page)
        assert expected in text(page)
    assert offered_graces(client.get(rotate_url(key))) == ["0"]


def test_badge_omits_the_date_of_today(superuser, client, make_key, time_machine, settings):
    settings.TIME_ZONE = "Europe/Berlin"
    time_machine.move_to("2026-03-01T12:00:00Z", tick=False)
    key = make_key(previous_secret_expires_at=timezone.now() + HOUR)
    assert "two secrets until 2 p.m." in text(client.get(change_url(key)))

    key = make_key(previous_secret_expires_at=timezone.now() + DAY)
    assert "two secrets until March 2, 2026, 1 p.m." in text(client.get(change_url(key)))


def test_page_omits_ended_previous_secret(superuser, client, make_key):
    now = timezone.now()

    for key in (make_key(), make_key(previous_secret_expires_at=now + DAY, revoked_at=now)):
        page = text(client.get(change_url(key)))
        assert "revious secret" not in page
        assert "two secrets" not in page
    assert "two secrets" not in text(client.get(KEYS))


def test_key_locked_meanwhile_gives_message(superuser, client, make_key):
    key = make_key()
    data = rotation_data(client, key)

    with once_on(pre_save, ApiKey, fail_with(Conflict())):
        response = client.post(rotate_url(key), data)

    assert response["Location"] == change_url(key)
    assert messages(response) == ["Another user changed this at the same time. Please try again."]


@pytest.mark.req("E7")
def test_failed_rotation_revokes_nothing(superuser, client, family):
    data = rotation_data(client, family[0], grace="0", revoke_created_keys="1")

    def is_second(row):
        return row.pk == family[2].pk

    with once_on(pre_save, ApiKey, fail_with(Conflict()), fits=is_second):
        response = client.post(rotate_url(family[0]), data)

    assert response["Location"] == change_url(family[0])
    assert [key.name for key in ApiKey.objects.exclude(revoked_at=None)] == ["Gone"]
    assert ApiKey.objects.get(pk=family[0].pk).secret_hash == family[0].secret_hash


def test_second_secret_meanwhile_gives_message(superuser, client, make_key):
    key = make_key()
    data = rotation_data(client, key)

    def give_second_secret(row):
        in_an_hour = timezone.now() + HOUR
        ApiKey.objects.filter(pk=row.pk).update(
            previous_secret_expires_at=in_an_hour, secret_last_used_at=in_an_hour - HOUR
        )

    with once_on(post_init, ApiKey, give_second_secret):
        response = client.post(rotate_url(key), data)

    assert response["Location"] == change_url(key)
    assert "This key already has two valid secrets." in messages(response)[0]


def test_revoked_or_unknown_key_redirects(superuser, client, make_key):
    key = make_key(revoked_at=timezone.now())

    response = client.get(rotate_url(key))
    assert response["Location"] == change_url(key)
    assert messages(response) == ["This key has been revoked and can no longer be changed."]
    assert "/rotate/" not in text(client.get(change_url(key)))
    for unknown in ("0", "x"):
        assert client.get(f"{KEYS}{unknown}/rotate/")["Location"] == "/admin/"


@pytest.mark.req("E7")
@pytest.mark.parametrize("grace", ["0", "86400"])
@pytest.mark.parametrize(
    ("box", "expected", "words"),
    [
        (
            {"revoke_created_keys": "1"},
            {"Gone", "First", "Second"},
            "2 created keys have been revoked.",
        ),
        ({}, {"Gone"}, ""),
    ],
)
def test_rotation_offers_revoking_created_keys(
    box, expected, words, grace, superuser, client, family
):
    page = client.get(rotate_url(family[0]))
    assert [item["title"] for item in page.context["created"]] == ["First", "Second"]
    assert 'name="revoke_created_keys" value="1" checked' in text(page)

    response = rotate(client, family[0], grace=grace, **box)

    assert {key.name for key in ApiKey.objects.exclude(revoked_at=None)} == expected
    assert words in text(response)
    assert ("have been revoked" in text(response)) is bool(words)
    assert LogEntry.objects.count() == len(expected)


@pytest.mark.req("E7")
def test_form_with_error_keeps_choice(superuser, client, family):
    ticked = rotate(client, family[0], grace="", revoke_created_keys="1")
    unticked = rotate(client, family[0], grace="")

    assert 'name="revoke_created_keys" value="1" checked' in text(ticked)
    assert 'name="revoke_created_keys" value="1">' in text(unticked)


@pytest.mark.parametrize("created", [1, 9])
def test_many_created_keys_cost_no_queries(
    created, superuser, client, make_key, django_assert_num_queries
):
    key = make_key()
    for _ in range(created):
        make_key(created_by_key=key)

    # Session, user, key, app domain, created keys, the last rotation.
    with django_assert_num_queries(6):
        client.get(rotate_url(key))


@pytest.mark.req("E4")
def test_rotation_pages_contain_nothing_inline(superuser, client, family):
    data = rotation_data(client, family[0])
    pages = [
        client.get(rotate_url(family[0])),
        client.post(rotate_url(family[0]), data),
        client.post(rotate_url(family[0]), data),
        client.get(EVENTS),
    ]

    for page in map(text, pages):
        assert "tot_jwt/admin.css" in page
        assert not INLINE.search(page)
