"""Keys that live inside their creators: what the pages show, and how the actions treat them."""

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.utils import timezone

from tests.support.admin import KEYS, change_url, listed, messages, run_action, text, words
from tot_jwt.models import ApiKey

DAY = timedelta(days=1)


def titles(response, name):
    """Return the names of the keys in one of the confirmation page's lists."""
    return [item["title"] for item in response.context[name]]


@pytest.fixture
def make_created(make_key):
    """``make_created(creator={…}, scopes=…)``: create a key inside a creator with these columns."""

    def make(creator=None, **columns):
        parent = make_key(name="Creator", **(creator or {}))
        return make_key(
            name="Created", app_domain=parent.app_domain, created_by_key=parent, **columns
        )

    return make


# Revoking and disabling


@pytest.mark.req("E7")
@pytest.mark.parametrize(
    ("name", "heading", "status"),
    [
        ("revoke_keys", "These created keys end too", "revoked"),
        ("disable_keys", "These created keys stop too", "disabled"),
    ],
)
def test_action_lists_keys_ending_too(name, heading, status, superuser, client, family):
    asked = run_action(client, name, family[0])
    assert titles(asked, "affected") == ["Creator"]
    assert titles(asked, "further") == ["First", "Second"]
    assert heading in text(asked)
    assert 'type="checkbox"' not in text(asked)

    done = run_action(client, name, family[0], confirmed="1")

    keys = {key.name: key.status.value for key in ApiKey.objects.all()}
    assert keys == {
        "Creator": status,
        "First": status,
        "Second": status,
        "Released": "active",
        "Gone": "revoked",
    }
    assert "1 API key." in messages(done)[0]
    assert LogEntry.objects.get().object_id == str(family[0].pk)


@pytest.mark.req("E7")
@pytest.mark.parametrize("name", ["revoke_keys", "disable_keys"])
def test_confirmation_lists_each_key_once(name, superuser, client, family):
    asked = run_action(client, name, *family[:2])

    assert titles(asked, "affected") == ["Creator", "First"]
    assert titles(asked, "further") == ["Second"]


def test_confirmation_lists_only_what_changes(superuser, client, make_created):
    created = make_created(disabled_at=timezone.now())

    disabling = run_action(client, "disable_keys", created.created_by_key)
    revoking = run_action(client, "revoke_keys", created.created_by_key)

    assert titles(disabling, "further") == []
    assert "stop too" not in text(disabling)
    assert titles(revoking, "further") == ["Created"]


@pytest.mark.parametrize("name", ["enable_keys", "end_tokens", "end_previous_secrets"])
def test_other_actions_list_no_keys(name, superuser, client, family):
    assert titles(run_action(client, name, family[0]), "further") == []


@pytest.mark.parametrize("name", ["revoke_keys", "disable_keys", "release_keys"])
@pytest.mark.parametrize("number", [1, 9])
def test_many_keys_cost_no_queries(
    number, name, superuser, client, make_key, django_assert_num_queries
):
    creators = [make_key() for _ in range(number)]
    created = [make_key(created_by_key=key) for key in creators for _ in range(2)]

    # Session, user, number of keys, keys, and the keys inside them. Releasing needs no others.
    with django_assert_num_queries(4 if name == "release_keys" else 5):
        run_action(client, name, *(created if name == "release_keys" else creators))


# Releasing


@pytest.mark.parametrize("ending", ["revoked_at", "disabled_at", "expires_at"])
def test_released_key_works_again(ending, superuser, client, make_created, works):
    key = make_created({ending: timezone.now() - DAY})
    assert not works(key, key.secret)

    asked = run_action(client, "release_keys", key)
    assert titles(asked, "further") == ["Created"]
    assert "These keys work again" in text(asked)
    assert "then stands alone" in text(asked)
    assert "It no longer has the rate limit of its creator." in text(asked)
    assert not works(key, key.secret)

    done = run_action(client, "release_keys", key, confirmed="1")
    assert works(key, key.secret)
    assert messages(done) == ["Released: 1 API key."]
    assert LogEntry.objects.get().get_change_message() == "Released"


@pytest.mark.parametrize(
    ("creator", "own"),
    [
        ({}, {}),
        ({"disabled_at": timezone.now()}, {"disabled_at": timezone.now()}),
        ({"revoked_at": timezone.now()}, {"expires_at": timezone.now() - DAY}),
        ({"revoked_at": timezone.now(), "app_domain__suspended_at": timezone.now()}, {}),
    ],
)
def test_release_names_only_reviving_keys(creator, own, superuser, client, make_created):
    key = make_created(creator, **own)
    status = key.status

    asked = run_action(client, "release_keys", key)
    run_action(client, "release_keys", key, confirmed="1")

    assert titles(asked, "affected") == ["Created"]
    assert titles(asked, "further") == []
    assert "These keys work again" not in text(asked)
    released = ApiKey.objects.get(pk=key.pk)
    assert not released.has_creator
    assert released.is_usable is status.is_usable


def test_release_skips_keys_standing_alone(superuser, client, family):
    creator, first, second, released, gone = family

    asked = run_action(client, "release_keys", *family)
    assert titles(asked, "affected") == ["First", "Second"]
    assert titles(asked, "unaffected") == ["Creator", "Released", "Gone"]

    run_action(client, "release_keys", *family, confirmed="1")
    assert [ApiKey.objects.get(pk=key.pk).has_creator for key in (first, second, gone)] == [
        False,
        False,
        True,
    ]
    assert ApiKey.objects.get(pk=released.pk).released_at == released.released_at
    assert ApiKey.objects.get(pk=creator.pk).released_at is None


# The list and the page of a key


@pytest.mark.parametrize(
    ("creator", "status"),
    [
        ({"revoked_at": timezone.now()}, "revoked"),
        ({"disabled_at": timezone.now()}, "disabled"),
        ({"expires_at": timezone.now() - DAY}, "expired"),
        ({"app_domain__suspended_at": timezone.now()}, "suspended"),
        ({}, "active"),
    ],
)
def test_status_counts_the_creator(creator, status, superuser, client, make_created):
    key = make_created(creator)

    assert f"tot-badge-{status}" in text(client.get(change_url(key)))
    assert key in listed(client.get(KEYS, {"status": status}))


def test_suspended_badges_look_alike(superuser, client, make_key):
    key = make_key(app_domain__suspended_at=timezone.now())
    badge = 'tot-badge-suspended"><span aria-hidden="true">‖</span> suspended</span>'

    for url in (KEYS, change_url(key), change_url(key.app_domain)):
        assert badge in text(client.get(url))


def test_key_page_shows_its_creator(superuser, client, make_created):
    key = make_created({"disabled_at": timezone.now()})
    creator = key.created_by_key

    page = client.get(change_url(key))

    assert f'<a href="{change_url(creator)}">Creator</a>' in text(page)
    assert creator.public_key in text(page)
    assert "This key lives inside its creator, and works only while its creator works." in words(
        page
    )
    assert "restricted" not in words(page)
    assert "lives inside" not in words(client.get(change_url(creator)))


def test_key_page_tells_of_restriction(superuser, client, make_created):
    page = client.get(change_url(make_created(restricted_at=timezone.now())))

    assert "An administrator has restricted it" in words(page)


def test_page_shows_time_of_release(superuser, client, make_created, time_machine, settings):
    settings.TIME_ZONE = "UTC"
    time_machine.move_to("2026-03-01T12:00:00Z", tick=False)
    key = make_created({"revoked_at": timezone.now()}, scopes=["a"], released_at=timezone.now())

    page = client.get(change_url(key))

    assert "Released on March 1, 2026, noon: this key stands alone." in words(page)
    assert key.created_by_key.public_key in text(page)
    assert "Limited by its creator" not in words(page)
    assert 'value="release_keys"' not in text(page)


@pytest.mark.parametrize(
    ("creator", "own", "expected"),
    [
        ({"scopes": ["a", "c"]}, {"scopes": ["a", "b"]}, "Scopes: a"),
        ({"scopes": []}, {"scopes": ["a", "b"]}, "Scopes: none"),
        ({"can_issue_tokens": False}, {}, "Can be exchanged for tokens: no"),
        ({"expires_at": "2031-05-06T12:00:00Z"}, {}, "Expires: May 6, 2031, noon"),
        (
            {"expires_at": "2031-05-06T12:00:00Z"},
            {"expires_at": "2031-05-06T12:00:01Z"},
            "Expires: May 6, 2031, noon",
        ),
        ({"allowed_ips": ["10.0.0.0/8"]}, {}, "Allowed addresses: 10.0.0.0/8"),
        (
            {"allowed_ips": ["10.0.0.0/8", "192.0.2.1/32"]},
            {"allowed_ips": ["10.1.0.0/16", "192.0.2.0/24", "::1"]},
            "Allowed addresses: 10.1.0.0/16 192.0.2.1/32",
        ),
        (
            {"allowed_ips": ["10.0.0.0/8"]},
            {"allowed_ips": ["192.0.2.0/24"]},
            "Allowed addresses: none",
        ),
    ],
)
def test_page_shows_limits_of_creator(
    creator, own, expected, superuser, client, make_created, settings
):
    settings.TIME_ZONE = "UTC"
    key = make_created(creator, **own)

    for revoked_at in (None, timezone.now()):
        ApiKey.objects.filter(pk=key.pk).update(revoked_at=revoked_at)
        shown = words(client.get(change_url(key)))
        assert f"Limited by its creator to: {expected}" in shown


@pytest.mark.parametrize(
    "rights",
    [
        {},
        {"scopes": ["a"], "allowed_ips": ["10.0.0.0/8"], "can_issue_tokens": False},
        {"expires_at": timezone.now() + DAY},
    ],
)
def test_page_omits_limits_without_effect(rights, superuser, client, make_created):
    key = make_created(rights, **rights)

    assert "Limited by its creator" not in words(client.get(change_url(key)))
