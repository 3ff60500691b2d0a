"""What a refused token costs: its own budget, and no lock (security.md D7, D8)."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.support.created_keys import created_by
from tests.support.keys_client import KeysClient, client_of, code_of
from tests.support.stored_keys import stored_columns
from tests.support.times import NOON
from tot_jwt.models import KeyEvent

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

THROTTLED = (429, "throttled")


@pytest.fixture
def owner(make_key: Callable[..., Any]) -> Any:
    """Return a key that has more scopes than its domain's others."""
    return make_key(scopes=["a", "b"])


@pytest.fixture
def thief(make_key: Callable[..., Any], owner: Any) -> Any:
    """Return a key of the owner's domain, of which a thief has a token."""
    return make_key(app_domain=owner.app_domain, scopes=["a"])


#: Acts of the thief that a rule refuses, and the rule's code.
REFUSED: dict[str, tuple[Callable[[KeysClient, Any], Any], str]] = {
    "create with more scopes": (lambda api, key: api.create(scopes=["b"]), "scopes_exceed_caller"),
    "create without end": (lambda api, key: api.create(expiresAt=None), "expiry_exceeds_caller"),
    "narrow a wider key": (lambda api, key: api.change(key, scopes=[]), "key_exceeds_caller"),
    "rename a wider key": (lambda api, key: api.change(key, name="x"), "key_exceeds_caller"),
    "change nothing": (lambda api, key: api.change(key), "key_exceeds_caller"),
    "rotate a wider key": (lambda api, key: api.rotate(key), "key_exceeds_caller"),
    "end a wider key's secrets": (
        lambda api, key: api.rotate(key, graceSeconds=0, totSecretKey=key.secret),
        "key_exceeds_caller",
    ),
    "revoke a wider key": (lambda api, key: api.revoke(key), "key_exceeds_caller"),
    "force a revocation": (lambda api, key: api.revoke(key, force="true"), "key_exceeds_caller"),
}


def writes(captured: CaptureQueriesContext) -> list[str]:
    """Return the captured statements that are no SELECT: a transaction begins with one."""
    statements = [query["sql"].strip() for query in captured]
    return [sql for sql in statements if not sql.startswith("SELECT") or "FOR UPDATE" in sql]


@pytest.mark.req("D7")
@pytest.mark.parametrize(("act", "code"), REFUSED.values(), ids=REFUSED)
def test_refused_act_begins_no_transaction(thief, owner, limit, act, code):
    limit()
    api = client_of(thief)

    with CaptureQueriesContext(connection) as captured:
        assert code_of(act(api, owner)) == (403, code)
    assert writes(captured) == []
    with CaptureQueriesContext(connection) as captured:
        assert code_of(api.create(scopes=["a"])) == (201, "")
    assert "SAVEPOINT" in writes(captured)[0]


@pytest.mark.req("D7")
@pytest.mark.parametrize("act", [act for act, _ in REFUSED.values()], ids=REFUSED)
def test_created_keys_refused_act_locks_nothing(thief, owner, limit, act):
    limit()
    api = client_of(created_by(thief, scopes=["a"]))

    with CaptureQueriesContext(connection) as captured:
        assert code_of(act(api, owner)) == (403, "key_creation_not_allowed")
    assert writes(captured) == []


@pytest.mark.req("D7")
def test_rotation_without_secret_locks_nothing(thief, make_key, limit):
    limit()
    api = client_of(thief)
    sibling = make_key(app_domain=thief.app_domain)

    for sent in ({}, {"totSecretKey": "wrong"}, {"totSecretKey": "wrong", "graceSeconds": 0}):
        with CaptureQueriesContext(connection) as captured:
            assert code_of(api.rotate(sibling, **sent)) == (403, "secret_required")
        assert writes(captured) == []


@pytest.mark.req("D7")
def test_change_of_nothing_begins_no_transaction(thief, limit):
    limit()
    api = client_of(thief)

    for sent in ({}, {"scopes": ["a"]}, {"name": thief.name, "disabled": False}):
        with CaptureQueriesContext(connection) as captured:
            assert code_of(api.change(thief, **sent)) == (200, "")
        assert writes(captured) == []


@pytest.mark.req("D8")
@pytest.mark.parametrize(("act", "code"), REFUSED.values(), ids=REFUSED)
def test_refused_act_spends_callers_budget(thief, owner, make_key, limit, act, code):
    limit(KEY_CHANGE_RATE="3/hour")
    sibling = make_key(app_domain=thief.app_domain)
    api = client_of(thief)

    # Over the budget, what is refused stays refused for the same reason.
    for _ in range(5):
        assert code_of(act(api, owner)) == (403, code)
    assert code_of(api.create(scopes=["a"])) == THROTTLED
    assert client_of(owner).create(scopes=["b"]).status_code == 201
    assert client_of(sibling).create().status_code == 201


@pytest.mark.req("D8")
def test_refused_test_token_spares_live_keys(thief, owner, make_key):
    test = make_key(app_domain=owner.app_domain, environment="test")
    other = make_key(app_domain=owner.app_domain, environment="test", scopes=["a"])
    api = client_of(test)

    for _ in range(60):  # the whole budget by default
        assert code_of(api.change(other, scopes=[])) == (403, "key_exceeds_caller")

    assert code_of(api.create()) == THROTTLED
    live = client_of(owner)
    assert live.change(thief, scopes=[]).status_code == 200
    assert live.create(scopes=["b"]).status_code == 201
    assert client_of(other).create(scopes=["a"]).status_code == 201


@pytest.mark.req("D8")
def test_created_key_has_its_own_budget(thief, limit):
    limit(KEY_CHANGE_RATE="1/hour")
    created = created_by(thief)
    for _ in range(3):
        assert code_of(client_of(created).create()) == (403, "key_creation_not_allowed")

    assert client_of(thief).create().status_code == 201


#: What only takes away: each succeeds, or answers what it would without a limit.
TAKING_AWAY: dict[str, tuple[Callable[[KeysClient, Any], Any], int]] = {
    "narrow": (lambda api, key: api.change(key, scopes=[]), 200),
    "shorten": (lambda api, key: api.change(key, expiresAt="2025-10-30T00:00:00Z"), 200),
    "pin": (lambda api, key: api.change(key, allowedIps=["127.0.0.1"]), 200),
    "disable": (lambda api, key: api.change(key, disabled=True), 200),
    "all of these": (
        lambda api, key: api.change(key, scopes=[], disabled=True, allowedIps=["127.0.0.1"]),
        200,
    ),
    "change nothing": (lambda api, key: api.change(key), 200),
    "end the secrets": (
        lambda api, key: api.rotate(key, totSecretKey=key.secret, graceSeconds=0),
        200,
    ),
    "revoke": (lambda api, key: api.revoke(key), 204),
}
#: What gives something: refused over the budget.
GIVING: dict[str, Callable[[KeysClient, Any], Any]] = {
    "create": lambda api, key: api.create(),
    "rename": lambda api, key: api.change(key, name="Other"),
    "rename and narrow": lambda api, key: api.change(key, name="Other", scopes=[]),
    "rotate": lambda api, key: api.rotate(key, totSecretKey=key.secret),
    "widen": lambda api, key: api.change(key, scopes=["a", "b"]),
}


@pytest.fixture
def spent(owner: Any, limit: Callable[..., None]) -> KeysClient:
    """Return the owner's client, whose budget is spent."""
    limit(KEY_CHANGE_RATE="1/hour")
    api = client_of(owner)
    assert code_of(api.create()) == (201, "")
    assert code_of(api.create()) == THROTTLED
    return api


@pytest.mark.req("D5", "D8")
@pytest.mark.parametrize(("act", "status"), TAKING_AWAY.values(), ids=TAKING_AWAY)
@pytest.mark.parametrize("whose", ["sibling", "created"])
def test_taking_away_needs_no_budget(spent, owner, thief, act, status, whose):
    key = thief if whose == "sibling" else created_by(owner, scopes=["a"])

    assert act(spent, key).status_code == status


@pytest.mark.req("D5", "D8")
@pytest.mark.parametrize("act", GIVING.values(), ids=GIVING)
def test_giving_needs_budget(spent, owner, act):
    created = created_by(owner, scopes=["a"])
    before, events = stored_columns(created), KeyEvent.objects.count()

    assert code_of(act(spent, created)) == THROTTLED
    assert (stored_columns(created), KeyEvent.objects.count()) == (before, events)


@pytest.mark.req("D8")
def test_enabling_is_no_taking_away(spent, owner):
    created = created_by(owner, disabled_at=NOON)

    assert code_of(spent.change(created, disabled=False)) == THROTTLED
