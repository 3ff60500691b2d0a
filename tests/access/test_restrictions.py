"""What an administrator took away from a created key, no token gives back (contract §5)."""

from datetime import timedelta
from typing import Any

import pytest

from tests.support.created_keys import ADMINISTRATOR, administer
from tests.support.keys_client import client_of, code_of, url_of
from tests.support.stored_keys import key_in, reread, stored_columns
from tests.support.times import DAY, NOON
from tot_jwt.keys import lifecycle
from tot_jwt.keys.record import Actor

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.req("F0", "F1"),
    pytest.mark.usefixtures("pass_time"),
]

YOURS = (403, "key_not_yours")


def iso(days: int) -> str:
    """Return the moment so many days after NOON."""
    return (NOON + timedelta(days=days)).isoformat()


@pytest.fixture
def child(api):
    """Return a key that the caller created, with all that it may give."""
    return key_in(api.create(scopes=["a", "b"]))


def disable(key: Any) -> None:
    """Disable the key as an administrator does."""
    lifecycle.disable_key(key, by=ADMINISTRATOR)


def disable_twice(key: Any) -> None:
    """Disable the key as its creator does, and then as an administrator does."""
    lifecycle.disable_key(key, by=Actor(key.created_by_key.public_key, jti="0f" * 16))
    disable(key)


#: What an administrator takes away, and how the creator tries to give it back.
TAKEN = {
    "disabled": (disable, {"disabled": False}),
    "disabled already": (disable_twice, {"disabled": False}),
    "a scope": (lambda key: administer(key, scopes=["a"]), {"scopes": ["a", "b"]}),
    "another scope": (lambda key: administer(key, scopes=["a"]), {"scopes": ["b"]}),
    "days": (lambda key: administer(key, expires_at=NOON + 10 * DAY), {"expiresAt": iso(20)}),
    "addresses": (lambda key: administer(key, allowed_ips=["127.0.0.1"]), {"allowedIps": []}),
    "other addresses": (
        lambda key: administer(key, allowed_ips=["192.0.2.1"]),
        {"allowedIps": ["127.0.0.1"]},
    ),
    # A token cannot change this one; it may not gain anything else either.
    "tokens": (lambda key: administer(key, can_issue_tokens=False), {"name": "x"}),
}


@pytest.mark.parametrize(("take", "sent"), TAKEN.values(), ids=TAKEN)
def test_token_gives_nothing_back(api, child, take, sent):
    assert code_of(api.change(child, name="Before")) == (200, "")
    take(child)
    before = stored_columns(child)
    assert before["restricted_at"] == NOON

    for more in (sent, {**sent, "name": "x"}, {"name": "x"}):
        assert code_of(api.change(child, **more)) == YOURS
    assert stored_columns(child) == before


@pytest.mark.parametrize(("take", "sent"), TAKEN.values(), ids=TAKEN)
def test_creator_keeps_taking_away(api, child, take, sent):
    take(child)

    for less in ({"scopes": []}, {"expiresAt": iso(5)}, {"disabled": True}):
        assert code_of(api.change(child, **less)) == (200, "")
    assert code_of(api.rotate(child)) == (200, "")
    assert code_of(api.revoke(child)) == (204, "")


def test_restriction_outlasts_its_undoing(api, child):
    """The administrator decides on everything from then on."""
    disable(child)
    lifecycle.enable_key(child, by=ADMINISTRATOR)

    assert code_of(api.change(child, disabled=True)) == (200, "")
    assert code_of(api.change(child, disabled=False)) == YOURS


#: What is no restriction: the creator controls the key afterwards.
HARMLESS = {
    "nothing": lambda api, key: administer(key),
    "renamed": lambda api, key: administer(key, name="By hand"),
    "widened": lambda api, key: administer(key, expires_at=None),
    "rotated": lambda api, key: lifecycle.rotate_key(key, by=ADMINISTRATOR),
    "tokens ended": lambda api, key: lifecycle.end_tokens(key, by=ADMINISTRATOR),
    "disabled by its creator": lambda api, key: api.change(key, disabled=True),
    "narrowed by its creator": lambda api, key: api.change(key, scopes=[], expiresAt=iso(1)),
}


@pytest.mark.parametrize("act", HARMLESS.values(), ids=HARMLESS)
def test_harmless_act_keeps_control(api, child, act):
    act(api, child)

    assert reread(child).restricted_at is None
    wider = {"name": "Mine", "scopes": ["a", "b"], "expiresAt": iso(80), "disabled": False}
    assert code_of(api.change(child, **wider)) == (200, "")


def test_restriction_keeps_its_first_time(child, pass_time):
    disable(child)
    pass_time(60)

    administer(child, scopes=[])

    assert reread(child).restricted_at == NOON


@pytest.mark.parametrize("is_released", [False, True])
def test_key_standing_alone_has_no_restriction(key, child, is_released):
    alone = lifecycle.release_key(child) if is_released else key

    disable(alone)

    assert reread(alone).restricted_at is None


# Release


def test_creator_loses_control_of_released_key(api, child):
    api.change(child, scopes=["a"])

    lifecycle.release_key(child, by=ADMINISTRATOR)

    assert code_of(api.change(child, scopes=["a", "b"])) == YOURS
    assert code_of(api.change(child, name="x")) == YOURS
    assert code_of(api.rotate(child)) == (403, "secret_required")
    assert code_of(api.change(child, scopes=[])) == (200, "")


@pytest.mark.parametrize("end", [None, lifecycle.revoke_key])
def test_released_key_goes_on_naming_creator(key, make_key, api, child, end):
    observer = client_of(make_key(app_domain=key.app_domain))
    if end:
        end(key)

    lifecycle.release_key(child, by=ADMINISTRATOR)

    shown = observer.show(child).json()
    assert (shown["createdBy"], shown["status"]) == (key.public_key, "active")


def test_released_key_may_create_keys(child):
    assert code_of(client_of(child).create()) == (403, "key_creation_not_allowed")

    lifecycle.release_key(child, by=ADMINISTRATOR)

    grandchild = client_of(child).create()
    assert code_of(grandchild) == (201, "")
    assert grandchild.json()["createdBy"] == child.public_key


def test_release_has_no_endpoint(api, child):
    for sent in ({"released": True}, {"releasedAt": iso(0)}, {"createdBy": "admin"}):
        assert code_of(api.change(child, **sent))[0] == 400
    assert api.send("post", url_of(child) + "/release").status_code == 405
    assert reread(child).released_at is None
