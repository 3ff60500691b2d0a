"""The rules against privilege escalation with a stolen token (contract §5)."""

from datetime import datetime

import pytest
from django.utils import timezone

from tests.support.keys_client import client_of, code_of
from tests.support.stored_keys import key_in, stored_columns
from tests.support.times import NOON
from tot_jwt.models import ApiKey

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.req("F1"),
    pytest.mark.usefixtures("pass_time"),
]
# Ten, twenty and forty days after NOON, at which the clocks stand.
SOONER = "2025-11-08T12:00:00Z"
SOON = "2025-11-18T12:00:00Z"
LATE = "2025-12-08T12:00:00Z"
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
def sibling(make_key, key):
    """Return a key of the same domain with fewer scopes, which an administrator created."""
    return make_key(app_domain=key.app_domain, scopes=["a"])


def update(key, **columns):
    """Change the row without the checks that bind a token."""
    row = ApiKey.objects.get(pk=key.pk)
    for name, value in columns.items():
        setattr(row, name, value)
    row.save()


# Rule 1: at most the caller's rights


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
def test_new_key_cannot_exceed_caller_scopes(api, scopes, expected):
    assert code_of(api.create(scopes=scopes)) == expected


@pytest.mark.parametrize(
    ("scopes", "expected"), [(["a"], (201, "")), (["b"], SCOPES), (["a", "b"], SCOPES)]
)
def test_narrow_token_limits_new_keys(key, scopes, expected):
    assert code_of(client_of(key, scopes=["keys:manage", "a"]).create(scopes=scopes)) == expected


@pytest.mark.parametrize(("scopes", "expected"), [(["a"], (201, "")), (["b"], SCOPES)])
def test_old_token_cannot_delegate_removed_scope(key, api, scopes, expected):
    update(key, scopes="a")

    assert code_of(api.create(scopes=scopes)) == expected


def test_old_token_cannot_delegate_added_scope(key, api):
    update(key, scopes="a b c")

    assert code_of(api.create(scopes=["c"])) == SCOPES
    assert code_of(client_of(key).create(scopes=["c"])) == (201, "")


@pytest.mark.parametrize(
    ("scopes", "expected"), [(["a", "b"], (200, "")), (["b"], (200, "")), (["a", "c"], SCOPES)]
)
def test_created_key_cannot_exceed_caller_scopes(api, scopes, expected):
    child = key_in(api.create(scopes=["a"]))

    assert code_of(api.change(child, scopes=scopes)) == expected


@pytest.mark.parametrize(
    ("ends", "sent", "expected"),
    [
        (SOON_AT, {"expiresAt": SOON}, (201, "")),
        (SOON_AT, {}, (201, "")),
        (SOON_AT, {"expiresAt": "2025-11-18T12:00:01Z"}, EXPIRY),
        (SOON_AT, {"expiresAt": "2025-11-18T12:00:00-01:00"}, EXPIRY),
        (SOON_AT, {"expiresAt": None}, EXPIRY),
        (None, {"expiresAt": LATE}, (201, "")),
    ],
)
def test_new_key_cannot_outlive_caller(make_key, ends, sent, expected):
    answer = client_of(make_key(expires_at=ends)).create(**sent)

    assert code_of(answer) == expected
    if expected[0] == 201 and ends:
        assert answer.json()["expiresAt"] == "2025-11-18T12:00:00.000Z"


@pytest.mark.parametrize(
    ("sent", "expected"),
    [(SOON, (200, "")), (SOONER, (200, "")), (LATE, EXPIRY), (None, EXPIRY)],
)
def test_created_key_cannot_outlive_caller(make_key, sent, expected):
    api = client_of(make_key(expires_at=SOON_AT))
    child = key_in(api.create(expiresAt=SOONER))

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
def test_new_key_cannot_exceed_caller_addresses(make_key, sent, expected):
    answer = client_of(make_key(allowed_ips=["127.0.0.0/8", "2001:db8::/32"])).create(**sent)

    assert code_of(answer) == expected
    if not sent:
        assert answer.json()["allowedIps"] == ["127.0.0.0/8", "2001:db8::/32"]


@pytest.mark.parametrize(
    ("sent", "expected"),
    [(["127.0.0.0/8"], (200, "")), (["0.0.0.0/0"], ADDRESSES), ([], ADDRESSES)],
)
def test_created_key_cannot_exceed_caller_addresses(make_key, sent, expected):
    api = client_of(make_key(allowed_ips=["127.0.0.0/8"]))
    child = key_in(api.create(allowedIps=["127.0.0.1/32"]))

    assert code_of(api.change(child, allowedIps=sent)) == expected


@pytest.mark.req("F3")
def test_narrowed_creator_cannot_restore_rights(key, api):
    child = key_in(api.create(scopes=["a"], expiresAt=LATE))
    update(key, expires_at=SOON_AT, allowed_ips="127.0.0.0/8")

    assert code_of(api.change(child, name="still there", scopes=[])) == (200, "")
    assert code_of(api.change(child, expiresAt=SOON, allowedIps=["127.0.0.1"])) == (200, "")
    assert code_of(api.change(child, expiresAt=LATE)) == EXPIRY
    assert code_of(api.change(child, allowedIps=[])) == ADDRESSES


@pytest.mark.req("F3")
@pytest.mark.parametrize(("sent", "expected"), [(False, (201, "")), (True, PERMISSIONS)])
def test_new_key_cannot_exceed_issuing_right(key, api, sent, expected):
    update(key, can_issue_tokens=False)

    assert code_of(api.create(canIssueTokens=sent)) == expected


# Rule 2: only keys within the caller's rights

ACTIONS = {
    "rename": lambda api, key: api.change(key, name="x"),
    "change nothing": lambda api, key: api.change(key),
    "narrow": lambda api, key: api.change(key, scopes=[]),
    "shorten": lambda api, key: api.change(key, expiresAt=SOON),
    "disable": lambda api, key: api.change(key, disabled=True),
    "rotate": lambda api, key: api.rotate(key, totSecretKey=key.secret),
    "revoke": lambda api, key: api.revoke(key),
}


@pytest.mark.parametrize("action", ACTIONS)
def test_key_with_more_scopes_is_readonly(make_key, key, api, sibling, action):
    more = make_key(app_domain=key.app_domain, scopes=["a", "c"])
    before = stored_columns(more)

    assert api.show(more).status_code == 200
    assert code_of(ACTIONS[action](api, more)) == KEY
    assert stored_columns(more) == before
    if action != "rename":
        assert ACTIONS[action](api, sibling).status_code in (200, 204)


@pytest.mark.parametrize("action", ["disable", "rotate", "revoke"])
def test_narrow_token_acts_on_narrower_keys(key, sibling, action):
    api = client_of(key, scopes=["keys:manage", "b"])

    assert code_of(ACTIONS[action](api, sibling)) == KEY
    assert code_of(ACTIONS[action](api, key)) == KEY
    assert ACTIONS[action](client_of(key, scopes=["keys:manage", "a"]), sibling).status_code in (
        200,
        204,
    )


@pytest.mark.parametrize("action", ACTIONS)
def test_widened_created_key_can_be_narrowed(api, action):
    child = key_in(api.create(scopes=["a"]))
    update(child, scopes="a c")
    gives_something = action in ("rename", "rotate")

    answer = ACTIONS[action](api, child)

    assert code_of(answer) == KEY if gives_something else answer.status_code in (200, 204)
    update(child, scopes="a b", revoked_at=None)
    assert ACTIONS[action](api, child).status_code in (200, 204)


# Rule 3: a new secret only for the creator, or for a caller with the current secret


@pytest.mark.parametrize("whose", ["own", "sibling"])
@pytest.mark.usefixtures("unlimited")
def test_rotation_needs_more_than_token(key, api, sibling, whose):
    target = key if whose == "own" else sibling
    before = stored_columns(target)
    tries = [
        {},
        {"totSecretKey": "wrong"},
        {"totSecretKey": target.secret_hash},
        {"totSecretKey": target.secret[:-1]},
    ]
    tries.append({"totSecretKey": (sibling if whose == "own" else key).secret})

    for sent in tries:
        for how in ({}, {"graceSeconds": 0}, {"revokeCreatedKeys": True}):
            answer = api.rotate(target, **sent, **how)
            assert code_of(answer) == SECRET
            assert "totSecretKey" not in answer.json()
    assert stored_columns(target) == before
    assert (
        api.rotate(target, totSecretKey=target.secret).json()["totSecretKey"].startswith("sk_live_")
    )


def test_previous_secret_cannot_rotate(key, api):
    new = api.rotate(key, totSecretKey=key.secret).json()["totSecretKey"]

    assert code_of(api.rotate(key, totSecretKey=key.secret, graceSeconds=0)) == SECRET
    assert code_of(api.rotate(key, totSecretKey=new, graceSeconds=0)) == (200, "")


def test_only_creator_rotates_without_secret(api, sibling):
    own, others = key_in(api.create()), key_in(client_of(sibling).create())

    assert code_of(api.rotate(own)) == (200, "")
    assert code_of(api.rotate(others)) == SECRET
    assert code_of(api.rotate(others, totSecretKey=others.secret)) == (200, "")


def test_created_key_needs_own_secret(api):
    child = key_in(api.create(scopes=["a"]))

    assert code_of(client_of(child).rotate(child)) == SECRET
    assert code_of(client_of(child).rotate(child, totSecretKey=child.secret)) == (200, "")


# Rule 4: a caller cannot widen a key it did not create, or undo what an administrator did


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
        ({"expires_at": SOON_AT}, {"expiresAt": SOONER}, (200, "")),
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
def test_other_keys_can_only_be_narrowed(key, api, sibling, whose, state, sent, expected):
    target = {"own": key, "sibling": sibling}.get(whose) or key_in(client_of(sibling).create())
    update(target, **{"scopes": "a", **state})
    if whose == "own":
        api = client_of(key)
    before = stored_columns(target)

    assert code_of(api.change(target, **sent)) == expected
    if expected != (200, ""):
        assert stored_columns(target) == before


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
def test_token_cannot_undo_administrator(api, sibling, state, sent, expected):
    update(sibling, **state)

    assert code_of(api.change(sibling, **sent)) == expected
    assert {name: stored_columns(sibling)[name] for name in state} == state


def test_creator_may_widen_created_key(api):
    child = key_in(api.create(scopes=["a"], expiresAt=SOON, allowedIps=["127.0.0.0/8"]))
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


def test_created_key_cannot_create_keys(key, api):
    child = key_in(api.create(scopes=["a", "b"]))

    assert code_of(client_of(child).create()) == CREATION
    assert code_of(client_of(child).create(scopes=["not:held"])) == CREATION
    assert code_of(client_of(key).create()) == (201, "")


@pytest.mark.parametrize(
    "action", ["change nothing", "narrow", "shorten", "disable", "rotate", "revoke"]
)
def test_created_key_acts_on_itself_only(key, api, sibling, action):
    child = key_in(api.create(scopes=["a", "b"]))
    brother = key_in(api.create(scopes=["a"]))
    others_child = key_in(client_of(sibling).create(scopes=["a"]))

    for target in (key, sibling, brother, others_child):
        assert code_of(ACTIONS[action](client_of(child), target)) == CREATION
        assert client_of(child).show(target).status_code == 200
    assert ACTIONS[action](client_of(child), child).status_code in (200, 204)


# Rules 6 and 7: the end is permanent, also for created keys


def test_revoked_key_cannot_be_changed(key, api):
    child = key_in(api.create(scopes=["a"]))
    assert code_of(api.revoke(child)) == (204, "")

    for sent in ({"disabled": False}, {"expiresAt": LATE}, {"name": "x"}):
        assert code_of(api.change(child, **sent)) == (409, "key_revoked")
    assert code_of(api.rotate(child, totSecretKey=child.secret)) == (409, "key_revoked")


def test_token_ends_with_its_key(key, api):
    assert code_of(api.change(key, expiresAt=SOON)) == (200, "")
    update(key, expires_at=timezone.now())

    assert code_of(api.list()) == (401, "token_revoked")
    assert code_of(api.change(key, expiresAt=LATE)) == (401, "token_revoked")
