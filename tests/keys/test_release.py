"""Keys created with a token: what creates, releases, rotates and revokes them."""

from datetime import timedelta

import pytest
import time_machine

from tests.support.created_keys import ADMINISTRATOR, created_by
from tests.support.stored_keys import reread
from tests.support.times import DAY, NOON
from tot_jwt.exceptions import KeyCreationNotAllowed, KeyIsRevoked, PreviousSecretStillValid
from tot_jwt.keys import lifecycle
from tot_jwt.models import ApiKey, KeyEvent

pytestmark = pytest.mark.req("F0")


@pytest.fixture
def creator(make_key):
    """Return a key that an administrator created."""
    return make_key()


@pytest.fixture
def created(creator):
    """Return a key that lives inside the creator."""
    return created_by(creator)


def actions(key):
    """Return the actions of the key's events, oldest first."""
    return list(KeyEvent.objects.filter(key=key).order_by("pk").values_list("action", flat=True))


def is_revoked(key):
    return reread(key).revoked_at is not None


def test_created_key_creates_none(created):
    with pytest.raises(KeyCreationNotAllowed):
        created_by(created)

    assert ApiKey.objects.count() == 2


def test_released_key_stands_alone(creator, created):
    assert (created.creator, created.has_creator) == (creator, True)

    with time_machine.travel(NOON, tick=False):
        released = lifecycle.release_key(created, by=ADMINISTRATOR)

    assert (released.creator, released.has_creator) == (None, False)
    row = reread(created)
    assert (row.released_at, row.created_by_key) == (NOON, creator)
    event = KeyEvent.objects.get(key=created, action="released")
    assert (event.actor, event.address) == (ADMINISTRATOR.name, ADMINISTRATOR.address)
    assert created_by(row).creator == row


def test_second_release_changes_nothing(created):
    first = lifecycle.release_key(created).released_at

    assert lifecycle.release_key(created).released_at == first
    assert actions(created) == ["created", "released"]


def test_key_standing_alone_is_not_released(creator):
    assert lifecycle.release_key(creator).released_at is None
    assert actions(creator) == ["created"]


def test_revoked_key_is_not_released(created):
    lifecycle.revoke_key(created)

    with pytest.raises(KeyIsRevoked):
        lifecycle.release_key(created)
    assert reread(created).released_at is None


def test_creators_revocation_writes_one_row(creator, created):
    lifecycle.revoke_key(creator)

    assert not is_revoked(created)
    assert reread(created).status == "revoked"
    assert actions(created) == ["created"]


#: The grace, what is asked, and whether the created keys are revoked.
ROTATIONS = [
    (timedelta(0), None, True),
    (timedelta(0), True, True),
    (timedelta(0), False, False),
    (timedelta(seconds=1), None, False),
    (DAY, None, False),
    (DAY, True, True),
    (DAY, False, False),
]


@pytest.mark.parametrize(("grace", "asked", "expected"), ROTATIONS, ids=str)
def test_rotation_may_revoke_created_keys(creator, make_key, grace, asked, expected):
    inside = [created_by(creator) for _ in range(3)]
    others = [
        created_by(creator, released_at=NOON),
        created_by(make_key(app_domain=creator.app_domain)),
        make_key(app_domain=creator.app_domain),
        creator,
    ]
    gone = created_by(creator, revoked_at=NOON)

    lifecycle.rotate_key(creator, grace=grace, revoke_created_keys=asked, by=ADMINISTRATOR)

    assert [is_revoked(key) for key in inside] == [expected] * 3
    assert not [key for key in others if is_revoked(key)]
    assert (reread(gone).revoked_at, actions(gone)) == (NOON, ["created"])
    for key in inside:
        assert actions(key) == ["created", *["revoked"] * expected]
    assert {event.actor for event in KeyEvent.objects.filter(action="revoked")} <= {
        ADMINISTRATOR.name
    }


def test_refused_rotation_revokes_nothing(creator, created):
    lifecycle.rotate_key(creator)
    ApiKey.objects.filter(pk=creator.pk).update(secret_last_used_at=NOON)

    with pytest.raises(PreviousSecretStillValid):
        lifecycle.rotate_key(creator, revoke_created_keys=True)

    assert not is_revoked(created)


def test_queries_stay_constant(creator, django_assert_max_num_queries):
    """Revoking a creator costs the same, however many keys it created."""
    for _ in range(5):
        created_by(creator)

    with django_assert_max_num_queries(6):
        lifecycle.revoke_key(creator)
