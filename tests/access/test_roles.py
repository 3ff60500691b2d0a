"""What each role may do to each kind of key (contract §5): a matrix, tried cell by cell."""

from typing import NamedTuple

import pytest

from tests.support.created_keys import administer
from tests.support.keys_calls import NOT_FOUND
from tests.support.keys_client import KeysClient, client_of, code_of
from tests.support.stored_keys import key_in
from tests.support.tokens import claims_for, sign
from tests.support.undo import undone
from tot_jwt.keys import lifecycle
from tot_jwt.keys.domains import suspend_domain
from tot_jwt.models import ApiKey, KeyEvent

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.req("F1", "F2"),
    pytest.mark.usefixtures("unlimited", "pass_time"),
]

SOON = "2025-11-18T12:00:00Z"

KEY = (403, "key_exceeds_caller")
SECRET = (403, "secret_required")
YOURS = (403, "key_not_yours")
CREATION = (403, "key_creation_not_allowed")


class Outcomes(NamedTuple):
    """The outcome of each call; `narrow` and `widen` are both a PATCH."""

    show: object
    narrow: object
    widen: object
    rotate: object
    rotate_with_secret: object
    revoke: object


def always(outcome):
    """Return the same outcome for every call."""
    return Outcomes(*[outcome] * 6)


HIDDEN = always((404, "not_found"))
CREATED = Outcomes((200, ""), (200, ""), (200, ""), (200, ""), (200, ""), (204, ""))
# An administrator has narrowed what the caller created.
RESTRICTED = Outcomes((200, ""), (200, ""), YOURS, (200, ""), (200, ""), (204, ""))
# The caller created it, with scopes that its token does not have.
TAKING = Outcomes((200, ""), (200, ""), KEY, KEY, KEY, (204, ""))
NARROWING = Outcomes((200, ""), (200, ""), YOURS, SECRET, (200, ""), (204, ""))
EXCEEDS = Outcomes((200, ""), KEY, KEY, KEY, KEY, KEY)
READING = Outcomes((200, ""), CREATION, CREATION, CREATION, CREATION, CREATION)
UNAUTHENTICATED = always((401, "not_authenticated"))
REVOKED = always((401, "token_revoked"))
NO_SCOPE = always((403, "insufficient_scope"))

TARGETS = [
    "own",
    "fewer",
    "more",
    "child",
    "child without scopes",
    "child of sibling",
    "restricted child",
    "released child",
    "other environment",
    "other domain",
    "unknown",
]

# fmt: off
#: Role → its outcomes for each of TARGETS.
MATRIX = {
    "anonymous": [UNAUTHENTICATED] * 11,
    "full": [
        NARROWING, NARROWING, EXCEEDS, CREATED, CREATED, NARROWING, RESTRICTED, NARROWING,
        HIDDEN, HIDDEN, HIDDEN,
    ],
    "without keys:manage": [NO_SCOPE] * 11,
    # It may act on keys without scopes.
    "keys:manage only": [
        EXCEEDS, EXCEEDS, EXCEEDS, TAKING, CREATED, EXCEEDS, TAKING, EXCEEDS,
        HIDDEN, HIDDEN, HIDDEN,
    ],
    # The caller is the target "child"; its creator is the target "own".
    "child": [
        READING, READING, READING, NARROWING, READING, READING, READING, READING,
        HIDDEN, HIDDEN, HIDDEN,
    ],
    "released child": [
        EXCEEDS, NARROWING, EXCEEDS, NARROWING, NARROWING, NARROWING, NARROWING, NARROWING,
        HIDDEN, HIDDEN, HIDDEN,
    ],
    "child of disabled creator": [REVOKED] * 11,
    "child of revoked creator": [REVOKED] * 11,
    "other environment": [*[HIDDEN] * 8, NARROWING, HIDDEN, HIDDEN],
    "other domain": [*[HIDDEN] * 9, NARROWING, HIDDEN],
    "revoked": [REVOKED] * 11,
    "disabled": [REVOKED] * 11,
    "suspended": [REVOKED] * 11,
    "host's own token": [always((401, "token_invalid"))] * 11,
}
# fmt: on

#: Role → outcome of listing (the number of keys, or the error), and of creating a key.
LIST_AND_CREATE = {
    "anonymous": ((401, "not_authenticated"), (401, "not_authenticated")),
    "full": (8, (201, "")),
    "without keys:manage": ((403, "insufficient_scope"), (403, "insufficient_scope")),
    "keys:manage only": (8, (201, "")),
    "child": (8, CREATION),
    "released child": (8, (201, "")),
    "child of disabled creator": ((401, "token_revoked"), (401, "token_revoked")),
    "child of revoked creator": ((401, "token_revoked"), (401, "token_revoked")),
    "other environment": (1, (201, "")),
    "other domain": (1, (201, "")),
    "revoked": ((401, "token_revoked"), (401, "token_revoked")),
    "disabled": ((401, "token_revoked"), (401, "token_revoked")),
    "suspended": ((401, "token_revoked"), (401, "token_revoked")),
    "host's own token": ((401, "token_invalid"), (401, "token_invalid")),
}

CALLS = {
    "show": lambda api, key: api.show(key),
    "narrow": lambda api, key: api.change(key, expiresAt=SOON),
    "widen": lambda api, key: api.change(key, name="Better"),
    "rotate": lambda api, key: api.rotate(key),
    "rotate_with_secret": lambda api, key: api.rotate(key, totSecretKey=key.secret),
    "revoke": lambda api, key: api.revoke(key, force="true"),
}

#: Role → the target that it has a token of, if that is not "own".
HOLDERS = {
    "child": "child",
    "child of disabled creator": "child",
    "child of revoked creator": "child",
    "released child": "released child",
    "other environment": "other environment",
    "other domain": "other domain",
}
#: Role → what happens to "own" before the calls.
ENDS = {
    "revoked": lifecycle.revoke_key,
    "disabled": lifecycle.disable_key,
    "suspended": lambda key: suspend_domain(key.app_domain),
    "child of disabled creator": lifecycle.disable_key,
    "child of revoked creator": lifecycle.revoke_key,
}


class World:
    """The keys of a domain, keys out of reach, and a client for each role."""

    def __init__(self, make_key):
        own = make_key(scopes=["a", "b"])
        domain = own.app_domain
        fewer = make_key(app_domain=domain, scopes=["a"])
        api = client_of(own)
        self.targets = {
            "own": own,
            "fewer": fewer,
            "more": make_key(app_domain=domain, scopes=["a", "b", "c"]),
            "child": key_in(api.create(scopes=["a"])),
            "child without scopes": key_in(api.create()),
            "child of sibling": key_in(client_of(fewer).create(scopes=["a"])),
            "restricted child": key_in(api.create(scopes=["a", "b"])),
            "released child": key_in(api.create(scopes=["a"])),
            "other environment": make_key(app_domain=domain, scopes=["a"], environment="test"),
            "other domain": make_key(scopes=["a"]),
            "unknown": ApiKey(public_key="pk_live_tot_unknown"),
        }
        self.targets["unknown"].secret = "sk_unknown"
        administer(self.targets["restricted child"], scopes=["a"])
        lifecycle.release_key(self.targets["released child"])

    def client(self, role):
        """Return a client of the role, after the change that makes the role."""
        own = self.targets["own"]
        if role == "anonymous":
            return KeysClient()
        if role == "host's own token":
            return KeysClient(sign(claims_for(own, scope="keys:manage a b", token_type="access")))
        scopes = {"without keys:manage": ["a", "b"], "keys:manage only": ["keys:manage"]}.get(role)
        holder = self.targets[HOLDERS.get(role, "own")]
        api = client_of(holder, **({"scopes": scopes} if scopes else {}))
        if role in ENDS:
            ENDS[role](own)
        return api


@pytest.fixture
def world(make_key):
    """Return a new world."""
    return World(make_key)


@pytest.mark.parametrize("role", MATRIX)
def test_every_role_follows_the_matrix(world, role):
    api = world.client(role)
    cells = 0

    for target, expected in zip(TARGETS, MATRIX[role], strict=True):
        for call in Outcomes._fields:
            with undone():
                assert_cell(api, world.targets[target], call, getattr(expected, call), target)
            cells += 1

    assert cells == 66


def assert_cell(api, key, call, expected, target):
    """Make the call; fail, naming the cell, unless outcome and stored rows are as expected."""
    cell = f"{call} {target}"
    everything, others = rows(), rows(but=key)

    answer = CALLS[call](api, key)

    assert code_of(answer) == expected, cell
    assert rows(but=key) == others, cell
    is_read_only = call == "show" or answer.status_code >= 400
    assert (rows() == everything) is is_read_only, cell
    if answer.status_code == 404:
        assert answer.content == NOT_FOUND, cell


def rows(but=None):
    """Return all keys and the number of events, or all keys but one and those it created."""
    keys = ApiKey.objects.order_by("pk").values()
    if but is None:
        return [*keys, KeyEvent.objects.count()]
    return [
        row for row in keys if but.pk is None or but.pk not in (row["id"], row["created_by_key_id"])
    ]


@pytest.mark.parametrize(
    ("role", "listed", "created"), [(role, *both) for role, both in LIST_AND_CREATE.items()]
)
def test_role_may_list_and_create(world, role, listed, created):
    api = world.client(role)

    answer = api.list()
    assert (answer.json()["count"] if answer.status_code == 200 else code_of(answer)) == listed
    assert code_of(api.create()) == created


def test_matrix_covers_all_roles_and_targets(world):
    assert MATRIX.keys() == LIST_AND_CREATE.keys()
    assert list(world.targets) == TARGETS
    assert set(CALLS) == set(Outcomes._fields)
