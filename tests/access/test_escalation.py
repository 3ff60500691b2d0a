"""No privilege escalation, whoever stole the token: the rules of contract §5, and who may do what to which key."""

from datetime import UTC, datetime
from typing import NamedTuple

import pytest
from django.utils import timezone

from tests.support.keys_client import KeysClient, client_of, code_of
from tests.support.tokens import claims_for, sign
from tot_jwt.keys import lifecycle
from tot_jwt.keys.domains import suspend_domain
from tot_jwt.models import ApiKey, KeyEvent

pytestmark = [pytest.mark.django_db, pytest.mark.req("F1")]

NOON = datetime(2025, 10, 29, 12, tzinfo=UTC)
SOON = "2090-01-01T00:00:00Z"
LATE = "2095-01-01T00:00:00Z"
SOON_AT = datetime.fromisoformat(SOON)

SCOPES = (403, "scopes_exceed_caller")
EXPIRY = (403, "expiry_exceeds_caller")
ADDRESSES = (403, "addresses_exceed_caller")
KEY = (403, "key_exceeds_caller")
SECRET = (403, "secret_required")
YOURS = (403, "key_not_yours")
CREATION = (403, "key_creation_not_allowed")
PERMISSIONS = (403, "insufficient_permissions")


@pytest.fixture
def key(make_key):
    """The caller's own key, made by an administrator."""
    return make_key(scopes=["a", "b"])


@pytest.fixture
def api(key):
    """A client with the full token of `key`."""
    return client_of(key)


@pytest.fixture
def sibling(make_key, key):
    """A key of the same domain, made by an administrator, with fewer scopes."""
    return make_key(app_domain=key.app_domain, scopes=["a"])


def row_of(answer):
    assert answer.status_code in (200, 201), answer.content
    row = ApiKey.objects.get(public_key=answer.json()["totApiKey"])
    row.secret = answer.json()["totSecretKey"]
    return row


def update(key, **columns):
    """Change the row as an administrator would who is not held up."""
    row = ApiKey.objects.get(pk=key.pk)
    for name, value in columns.items():
        setattr(row, name, value)
    row.save()


def reread(key):
    return ApiKey.objects.filter(pk=key.pk).values().get()


# Rule 1: no more than the caller has


@pytest.mark.parametrize(
    ("scopes", "expected"),
    [
        (["a", "b"], (201, "")),
        ([], (201, "")),
        (["a", "c"], SCOPES),
        (["A"], SCOPES),
        (["a", "b", "orders:*"], SCOPES),
    ],
)
def test_new_key_has_no_scope_that_the_caller_has_not(api, scopes, expected):
    assert code_of(api.create(scopes=scopes)) == expected


@pytest.mark.parametrize(
    ("scopes", "expected"), [(["a"], (201, "")), (["b"], SCOPES), (["a", "b"], SCOPES)]
)
def test_narrower_token_makes_a_narrower_key(key, scopes, expected):
    assert code_of(client_of(key, scopes=["keys:manage", "a"]).create(scopes=scopes)) == expected


@pytest.mark.parametrize(("scopes", "expected"), [(["a"], (201, "")), (["b"], SCOPES)])
def test_scope_taken_from_the_callers_key_is_not_passed_on_by_an_older_token(
    key, api, scopes, expected
):
    update(key, scopes="a")

    assert code_of(api.create(scopes=scopes)) == expected


def test_scope_given_to_the_callers_key_is_not_passed_on_by_an_older_token(key, api):
    update(key, scopes="a b c")

    assert code_of(api.create(scopes=["c"])) == SCOPES
    assert code_of(client_of(key).create(scopes=["c"])) == (201, "")


@pytest.mark.parametrize(
    ("scopes", "expected"), [(["a", "b"], (200, "")), (["b"], (200, "")), (["a", "c"], SCOPES)]
)
def test_own_child_is_given_no_scope_that_the_caller_has_not(api, scopes, expected):
    child = row_of(api.create(scopes=["a"]))

    assert code_of(api.change(child, scopes=scopes)) == expected


@pytest.mark.parametrize(
    ("ends", "sent", "expected"),
    [
        (SOON_AT, {"expiresAt": SOON}, (201, "")),
        (SOON_AT, {}, (201, "")),
        (SOON_AT, {"expiresAt": "2090-01-01T00:00:01Z"}, EXPIRY),
        (SOON_AT, {"expiresAt": "2090-01-01T00:00:00-01:00"}, EXPIRY),
        (SOON_AT, {"expiresAt": None}, EXPIRY),
        (None, {"expiresAt": None}, (201, "")),
        (None, {"expiresAt": LATE}, (201, "")),
    ],
)
def test_new_key_does_not_outlive_the_callers(make_key, ends, sent, expected):
    answer = client_of(make_key(expires_at=ends)).create(**sent)

    assert code_of(answer) == expected
    if expected[0] == 201 and ends:
        assert answer.json()["expiresAt"] == "2090-01-01T00:00:00.000Z"


@pytest.mark.parametrize(
    ("sent", "expected"),
    [(SOON, (200, "")), ("2085-01-01T00:00:00Z", (200, "")), (LATE, EXPIRY), (None, EXPIRY)],
)
def test_own_child_does_not_come_to_outlive_the_callers_key(make_key, sent, expected):
    api = client_of(make_key(expires_at=SOON_AT))
    child = row_of(api.create(expiresAt="2080-01-01T00:00:00Z"))

    assert code_of(api.change(child, expiresAt=sent)) == expected


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ({}, (201, "")),
        ({"allowedIps": ["127.0.0.0/8"]}, (201, "")),
        ({"allowedIps": ["127.0.0.1", "2001:db8:1::/48"]}, (201, "")),
        ({"allowedIps": []}, ADDRESSES),
        ({"allowedIps": ["0.0.0.0/0"]}, ADDRESSES),
        ({"allowedIps": ["::/0"]}, ADDRESSES),
        ({"allowedIps": ["126.0.0.0/7"]}, ADDRESSES),
        ({"allowedIps": ["127.0.0.1", "192.0.2.1"]}, ADDRESSES),
        ({"allowedIps": ["::ffff:192.0.2.1"]}, ADDRESSES),
    ],
)
def test_new_key_works_from_no_address_that_the_callers_does_not(make_key, sent, expected):
    answer = client_of(make_key(allowed_ips=["127.0.0.0/8", "2001:db8::/32"])).create(**sent)

    assert code_of(answer) == expected
    if not sent:
        assert answer.json()["allowedIps"] == ["127.0.0.0/8", "2001:db8::/32"]


@pytest.mark.parametrize(
    ("sent", "expected"),
    [(["127.0.0.0/8"], (200, "")), (["0.0.0.0/0"], ADDRESSES), ([], ADDRESSES)],
)
def test_own_child_comes_to_work_from_no_address_that_the_callers_key_does_not(
    make_key, sent, expected
):
    api = client_of(make_key(allowed_ips=["127.0.0.0/8"]))
    child = row_of(api.create(allowedIps=["127.0.0.1/32"]))

    assert code_of(api.change(child, allowedIps=sent)) == expected


@pytest.mark.req("F3")
def test_what_a_child_has_already_may_stay_when_the_caller_was_narrowed_but_does_not_come_back(
    key, api
):
    child = row_of(api.create(scopes=["a"], expiresAt=LATE))
    update(key, expires_at=SOON_AT, allowed_ips="127.0.0.0/8")

    assert code_of(api.change(child, name="still there", scopes=[])) == (200, "")
    assert code_of(api.change(child, expiresAt=SOON, allowedIps=["127.0.0.1"])) == (200, "")
    assert code_of(api.change(child, expiresAt=LATE)) == EXPIRY
    assert code_of(api.change(child, allowedIps=[])) == ADDRESSES


@pytest.mark.req("F3")
@pytest.mark.parametrize(("sent", "expected"), [(False, (201, "")), (True, PERMISSIONS)])
def test_key_that_may_issue_no_tokens_any_more_makes_none_that_may(key, api, sent, expected):
    update(key, can_issue_tokens=False)

    assert code_of(api.create(canIssueTokens=sent)) == expected


# Rule 2: only keys within the caller's rights


ACTS = {
    "rename": lambda api, key: api.change(key, name="x"),
    "change nothing": lambda api, key: api.change(key),
    "narrow": lambda api, key: api.change(key, scopes=[]),
    "shorten": lambda api, key: api.change(key, expiresAt=SOON),
    "disable": lambda api, key: api.change(key, disabled=True),
    "rotate": lambda api, key: api.rotate(key, totSecretKey=key.secret),
    "revoke": lambda api, key: api.revoke(key),
}


@pytest.mark.parametrize("act", ACTS)
def test_key_with_more_scopes_is_only_to_be_read(make_key, key, api, sibling, act):
    more = make_key(app_domain=key.app_domain, scopes=["a", "c"])
    before = reread(more)

    assert api.show(more).status_code == 200
    assert code_of(ACTS[act](api, more)) == KEY
    assert reread(more) == before
    if act != "rename":
        assert ACTS[act](api, sibling).status_code in (200, 204)


@pytest.mark.parametrize("act", ["disable", "rotate", "revoke"])
def test_narrower_token_acts_on_narrower_keys_only(key, sibling, act):
    api = client_of(key, scopes=["keys:manage", "b"])

    assert code_of(ACTS[act](api, sibling)) == KEY
    assert code_of(ACTS[act](api, key)) == KEY
    assert ACTS[act](client_of(key, scopes=["keys:manage", "a"]), sibling).status_code in (200, 204)


@pytest.mark.parametrize("act", ACTS)
def test_own_child_that_an_administrator_gave_more_is_out_of_reach(api, act):
    child = row_of(api.create(scopes=["a"]))
    update(child, scopes="a c")

    assert code_of(ACTS[act](api, child)) == KEY
    update(child, scopes="a b")
    assert ACTS[act](api, child).status_code in (200, 204)


@pytest.mark.parametrize("act", ["revoke", "rotate"])
def test_cascade_reaches_no_child_with_more_scopes(api, sibling, act):
    child = row_of(client_of(sibling).create(scopes=["a"]))
    calls = {
        "revoke": lambda: api.revoke(sibling, cascade="true"),
        "rotate": lambda: api.rotate(sibling, totSecretKey=sibling.secret, cascade=True),
    }
    update(child, scopes="c")
    before = reread(child), reread(sibling)

    assert code_of(calls[act]()) == KEY
    assert (reread(child), reread(sibling)) == before
    update(child, scopes="a")
    assert calls[act]().status_code in (200, 204)
    assert reread(child)["revoked_at"] is not None


# Rule 3: a new secret for who has the current one, or made the key


@pytest.mark.parametrize("whose", ["own", "sibling"])
@pytest.mark.usefixtures("unlimited")
def test_new_secret_is_not_given_for_a_token_alone(key, api, sibling, whose):
    target = key if whose == "own" else sibling
    before = reread(target)
    tries = [
        {},
        {"totSecretKey": "wrong"},
        {"totSecretKey": target.secret_hash},
        {"totSecretKey": target.secret[:-1]},
    ]
    tries.append({"totSecretKey": (sibling if whose == "own" else key).secret})

    for sent in tries:
        for how in ({}, {"graceSeconds": 0}, {"cascade": True}):
            answer = api.rotate(target, **sent, **how)
            assert code_of(answer) == SECRET
            assert "totSecretKey" not in answer.json()
    assert reread(target) == before
    assert (
        api.rotate(target, totSecretKey=target.secret).json()["totSecretKey"].startswith("sk_live_")
    )


def test_previous_secret_does_not_rotate(key, api):
    new = api.rotate(key, totSecretKey=key.secret).json()["totSecretKey"]

    assert code_of(api.rotate(key, totSecretKey=key.secret, graceSeconds=0)) == SECRET
    assert code_of(api.rotate(key, totSecretKey=new, graceSeconds=0)) == (200, "")


def test_maker_rotates_its_child_without_the_secret_but_not_the_child_of_another(api, sibling):
    own, others = row_of(api.create()), row_of(client_of(sibling).create())

    assert code_of(api.rotate(own)) == (200, "")
    assert code_of(api.rotate(others)) == SECRET
    assert code_of(api.rotate(others, totSecretKey=others.secret)) == (200, "")


@pytest.mark.req("F1")
@pytest.mark.parametrize(
    "narrowed",
    [{"expires_at": SOON_AT}, {"allowed_ips": "127.0.0.0/8"}, {"can_issue_tokens": False}],
    ids=str,
)
def test_maker_that_was_narrowed_rotates_a_child_that_was_not_by_its_secret_only(
    key, api, narrowed
):
    child = row_of(api.create(expiresAt=None, allowedIps=[]))
    update(key, **narrowed)

    assert code_of(api.rotate(child)) == SECRET
    assert code_of(api.rotate(child, graceSeconds=0)) == SECRET
    assert code_of(api.rotate(child, totSecretKey=child.secret)) == (200, "")
    update(child, **narrowed)
    assert code_of(api.rotate(child, graceSeconds=0)) == (200, "")


def test_child_rotates_itself_by_its_secret_only(api):
    child = row_of(api.create(scopes=["a"]))

    assert code_of(client_of(child).rotate(child)) == SECRET
    assert code_of(client_of(child).rotate(child, totSecretKey=child.secret)) == (200, "")


# Rule 4: nothing of others is widened, and nothing undone that an administrator did


@pytest.mark.parametrize(
    ("state", "sent", "expected"),
    [
        ({}, {"name": "x"}, YOURS),
        ({"name": "Same"}, {"name": "Same"}, (200, "")),
        ({"scopes": "a"}, {"scopes": ["a", "b"]}, YOURS),
        ({"scopes": "a"}, {"scopes": ["b"]}, YOURS),
        ({"scopes": "a b"}, {"scopes": ["b"]}, (200, "")),
        ({"expires_at": SOON_AT}, {"expiresAt": LATE}, YOURS),
        ({"expires_at": SOON_AT}, {"expiresAt": None}, YOURS),
        ({"expires_at": SOON_AT}, {"expiresAt": "2085-01-01T00:00:00Z"}, (200, "")),
        ({"expires_at": None}, {"expiresAt": LATE}, (200, "")),
        ({"allowed_ips": "127.0.0.0/8"}, {"allowedIps": []}, YOURS),
        ({"allowed_ips": "127.0.0.0/8"}, {"allowedIps": ["0.0.0.0/0"]}, YOURS),
        ({"allowed_ips": "127.0.0.0/8"}, {"allowedIps": ["127.0.0.0/8", "::1"]}, YOURS),
        ({"allowed_ips": "127.0.0.0/8"}, {"allowedIps": ["127.0.0.1"]}, (200, "")),
        ({"allowed_ips": ""}, {"allowedIps": ["127.0.0.1"]}, (200, "")),
        ({"disabled_at": None}, {"disabled": True}, (200, "")),
        ({"disabled_at": None}, {"disabled": False}, (200, "")),
    ],
)
@pytest.mark.parametrize("whose", ["own", "sibling", "sibling's child"])
def test_key_of_others_and_the_callers_own_can_only_be_narrowed(
    key, api, sibling, whose, state, sent, expected
):
    target = {"own": key, "sibling": sibling}.get(whose) or row_of(client_of(sibling).create())
    update(target, **{"scopes": "a", **state})
    if whose == "own":
        api = client_of(key)
    before = reread(target)

    assert code_of(api.change(target, **sent)) == expected
    if expected != (200, ""):
        assert reread(target) == before


@pytest.mark.parametrize(
    ("state", "sent", "expected"),
    [
        ({"disabled_at": NOON}, {"disabled": False}, YOURS),
        ({"disabled_at": NOON}, {"disabled": True}, (200, "")),
        ({"disabled_at": NOON}, {"scopes": []}, (200, "")),
        ({"expires_at": NOON}, {"expiresAt": LATE}, YOURS),
        ({"revoked_at": NOON}, {"disabled": False}, (409, "key_revoked")),
    ],
)
def test_what_an_administrator_ended_does_not_come_back(api, sibling, state, sent, expected):
    update(sibling, **state)

    assert code_of(api.change(sibling, **sent)) == expected
    assert {name: reread(sibling)[name] for name in state} == state


def test_own_child_may_be_renamed_widened_and_enabled_again(api):
    child = row_of(api.create(scopes=["a"], expiresAt=SOON, allowedIps=["127.0.0.0/8"]))
    api.change(child, disabled=True)

    wider = {
        "name": "x",
        "scopes": ["a", "b"],
        "expiresAt": LATE,
        "allowedIps": [],
        "disabled": False,
    }
    assert code_of(api.change(child, **wider)) == (200, "")


# Rule 5: one generation


def test_key_made_by_a_token_makes_none(key, api):
    child = row_of(api.create(scopes=["a", "b"]))

    assert code_of(client_of(child).create()) == CREATION
    assert code_of(client_of(child).create(scopes=["not:held"])) == CREATION
    assert code_of(client_of(key).create()) == (201, "")


@pytest.mark.parametrize(
    "act", ["change nothing", "narrow", "shorten", "disable", "rotate", "revoke"]
)
def test_key_made_by_a_token_acts_on_itself_alone(key, api, sibling, act):
    child = row_of(api.create(scopes=["a", "b"], expiresAt=None))
    brother = row_of(api.create(scopes=["a"], expiresAt=None))
    others_child = row_of(client_of(sibling).create(scopes=["a"], expiresAt=None))

    for target in (key, sibling, brother, others_child):
        assert code_of(ACTS[act](client_of(child), target)) == CREATION
        assert client_of(child).show(target).status_code == 200
    assert ACTS[act](client_of(child), child).status_code in (200, 204)


# Rules 6 and 7: the end is the end, for the children too


def test_revoked_key_is_beyond_everybodys_reach(key, api):
    child = row_of(api.create(scopes=["a"]))
    assert code_of(api.revoke(child)) == (204, "")

    for sent in ({"disabled": False}, {"expiresAt": LATE}, {"name": "x"}):
        assert code_of(api.change(child, **sent)) == (409, "key_revoked")
    assert code_of(api.rotate(child, totSecretKey=child.secret)) == (409, "key_revoked")


def test_children_end_with_the_key_that_is_shortened_by_whomever(key, api):
    child = row_of(api.create(expiresAt=LATE))

    lifecycle.change_key(
        key,
        name=key.name,
        scopes=["a", "b"],
        expires_at=SOON_AT,
        allowed_ips=[],
        can_issue_tokens=True,
    )

    assert reread(child)["expires_at"] == SOON_AT


# Who may do what to which key


class Doing(NamedTuple):
    """What comes of each call: read, narrow (PATCH), widen (PATCH), rotate without and with the secret, revoke."""

    show: object
    narrow: object
    widen: object
    rotate: object
    rotate_with_secret: object
    revoke: object


def always(answer):
    return Doing(*[answer] * 6)


UNSEEN = always((404, "not_found"))
OWN_CHILD = Doing((200, ""), (200, ""), (200, ""), (200, ""), (200, ""), (204, ""))
NARROWING = Doing((200, ""), (200, ""), YOURS, SECRET, (200, ""), (204, ""))
EXCEEDS = Doing((200, ""), KEY, KEY, KEY, KEY, KEY)
READING = Doing((200, ""), CREATION, CREATION, CREATION, CREATION, CREATION)
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
    "other environment",
    "other domain",
    "unknown",
]

#: Role → what it may do to each of TARGETS.
MATRIX = {
    "anonymous": [UNAUTHENTICATED] * 9,
    "full": [
        NARROWING,
        NARROWING,
        EXCEEDS,
        OWN_CHILD,
        OWN_CHILD,
        NARROWING,
        UNSEEN,
        UNSEEN,
        UNSEEN,
    ],
    "without keys:manage": [NO_SCOPE] * 9,
    # It may still act on what has no scopes.
    "keys:manage only": [
        EXCEEDS,
        EXCEEDS,
        EXCEEDS,
        EXCEEDS,
        OWN_CHILD,
        EXCEEDS,
        UNSEEN,
        UNSEEN,
        UNSEEN,
    ],
    # Its "own" is the child; the parent is among the targets of its own below.
    "child": [READING, READING, READING, NARROWING, READING, READING, UNSEEN, UNSEEN, UNSEEN],
    "child of disabled parent": [
        READING,
        READING,
        READING,
        NARROWING,
        READING,
        READING,
        UNSEEN,
        UNSEEN,
        UNSEEN,
    ],
    "other environment": [
        UNSEEN,
        UNSEEN,
        UNSEEN,
        UNSEEN,
        UNSEEN,
        UNSEEN,
        NARROWING,
        UNSEEN,
        UNSEEN,
    ],
    "other domain": [UNSEEN, UNSEEN, UNSEEN, UNSEEN, UNSEEN, UNSEEN, UNSEEN, NARROWING, UNSEEN],
    "revoked": [REVOKED] * 9,
    "disabled": [REVOKED] * 9,
    "suspended": [REVOKED] * 9,
    "host's own token": [always((401, "token_invalid"))] * 9,
}

#: Role → what comes of listing (how many keys, or the refusal), and of making a key.
LIST_AND_CREATE = {
    "anonymous": ((401, "not_authenticated"), (401, "not_authenticated")),
    "full": (6, (201, "")),
    "without keys:manage": ((403, "insufficient_scope"), (403, "insufficient_scope")),
    "keys:manage only": (6, (201, "")),
    "child": (6, CREATION),
    "child of disabled parent": (6, CREATION),
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


class World:
    """A domain's keys, those of others, and a client for each role."""

    def __init__(self, make_key):
        own = make_key(scopes=["a", "b"])
        domain = own.app_domain
        fewer = make_key(app_domain=domain, scopes=["a"])
        api = client_of(own)
        self.targets = {
            "own": own,
            "fewer": fewer,
            "more": make_key(app_domain=domain, scopes=["a", "b", "c"]),
            "child": row_of(api.create(scopes=["a"], expiresAt=None)),
            "child without scopes": row_of(api.create(expiresAt=None)),
            "child of sibling": row_of(client_of(fewer).create(scopes=["a"], expiresAt=None)),
            "other environment": make_key(app_domain=domain, scopes=["a"], environment="test"),
            "other domain": make_key(scopes=["a"]),
            "unknown": ApiKey(public_key="pk_live_tot_unknown"),
        }
        self.targets["unknown"].secret = "sk_unknown"

    def client(self, role):
        own, child = self.targets["own"], self.targets["child"]
        if role == "anonymous":
            return KeysClient()
        if role == "host's own token":
            return KeysClient(sign(claims_for(own, scope="keys:manage a b", token_type="access")))
        if role in ("other environment", "other domain"):
            return client_of(self.targets[role])
        if role.startswith("child"):
            api = client_of(child)
            if role == "child of disabled parent":
                lifecycle.disable_key(own)
            return api
        scopes = {"without keys:manage": ["a", "b"], "keys:manage only": ["keys:manage"]}.get(role)
        api = client_of(own, **({"scopes": scopes} if scopes else {}))
        end = {
            "revoked": lifecycle.revoke_key,
            "disabled": lifecycle.disable_key,
            "suspended": lambda key: suspend_domain(key.app_domain),
        }.get(role)
        if end:
            end(own)
        return api


@pytest.fixture
def world(make_key):
    return World(make_key)


@pytest.mark.req("F2")
@pytest.mark.parametrize("call", Doing._fields)
@pytest.mark.parametrize(
    ("role", "target", "expected"),
    [
        (role, target, doing)
        for role, row in MATRIX.items()
        for target, doing in zip(TARGETS, row, strict=True)
    ],
)
def test_role_may_do_to_a_key_what_the_matrix_says(world, role, target, expected, call):
    api = world.client(role)
    key = world.targets[target]
    everything, others = rows(), rows(but=key)

    answer = CALLS[call](api, key)

    assert code_of(answer) == getattr(expected, call)
    assert rows(but=key) == others
    if call == "show" or answer.status_code >= 400:
        assert rows() == everything
    else:
        assert rows() != everything
    if answer.status_code == 404:
        assert answer.content == b'{"detail":"Not found","code":"not_found"}'


def rows(but=None):
    """All keys and how many events there are, or all keys but one and its children."""
    keys = ApiKey.objects.order_by("pk").values()
    if but is None:
        return [*keys, KeyEvent.objects.count()]
    return [
        row for row in keys if but.pk is None or but.pk not in (row["id"], row["created_by_key_id"])
    ]


@pytest.mark.req("F2")
@pytest.mark.parametrize(
    ("role", "listed", "created"), [(role, *both) for role, both in LIST_AND_CREATE.items()]
)
def test_role_may_list_and_make_what_the_matrix_says(world, role, listed, created):
    api = world.client(role)

    answer = api.list()
    assert (answer.json()["count"] if answer.status_code == 200 else code_of(answer)) == listed
    assert code_of(api.create()) == created


@pytest.mark.req("F2")
def test_matrix_has_a_row_for_each_role_and_a_column_for_each_target(world):
    assert MATRIX.keys() == LIST_AND_CREATE.keys()
    assert list(world.targets) == TARGETS
    assert set(CALLS) == set(Doing._fields)


def test_token_lives_no_longer_than_its_key_whatever_it_did_to_it(key, api):
    assert code_of(api.change(key, expiresAt=SOON)) == (200, "")
    update(key, expires_at=timezone.now())

    assert code_of(api.list()) == (401, "token_revoked")
    assert code_of(api.change(key, expiresAt=LATE)) == (401, "token_revoked")
