"""Limits on exchanges and on what tokens do to keys (security.md D1, D5)."""

from itertools import count

import pytest

from tests.support.keys_client import client_of, code_of
from tot_jwt.keys import lifecycle
from tot_jwt.models import ApiKey

pytestmark = [pytest.mark.req("D1"), pytest.mark.usefixtures("clock")]
WRONG = (401, "invalid_credentials")
THROTTLED = (429, "throttled")


# Exchanges


def test_exchange_rate_limits_each_key(limit, make_key, guess):
    limit(EXCHANGE_RATE="3/min")
    key, other = make_key(), make_key()

    answers = [guess(key, totSecretKey=key.secret)[0] for _ in range(5)]

    assert answers == [200, 200, 200, 429, 429]
    assert guess(key, address="192.0.2.2", totSecretKey=key.secret) == THROTTLED
    assert guess(other, totSecretKey=other.secret)[0] == 200


def test_rejected_exchange_does_not_count(limit, make_key, guess):
    limit(EXCHANGE_RATE="1/min")
    key = make_key()
    for _ in range(5):
        assert guess(key) == WRONG
        assert guess(key, totSecretKey=key.secret, scopes=["not:held"])[0] == 403

    assert guess(key, totSecretKey=key.secret)[0] == 200


def test_throttled_exchange_logs_no_token(limit, make_key, guess, caplog):
    limit(EXCHANGE_RATE="1/min")
    key = make_key()
    for _ in range(3):
        guess(key, totSecretKey=key.secret)

    with caplog.at_level("INFO", "tot_jwt"):
        guess(key, totSecretKey=key.secret)

    assert "Token issued" not in caplog.text


# Changes of keys


@pytest.mark.req("D5")
def test_creating_in_loop_is_limited(make_key):
    api = client_of(make_key())
    statuses = []
    for _ in range(40):
        created = api.create(scopes=[])
        statuses.append(created.status_code)
        if created.status_code == 201:
            assert api.revoke(created.json()["totApiKey"]).status_code == 204

    assert statuses == [201] * 30 + [429] * 10
    assert ApiKey.objects.count() == 31


@pytest.mark.req("D5")
@pytest.mark.parametrize("action", ["create", "change", "rotate"])
def test_every_change_counts_and_is_limited(limit, make_key, action):
    limit(KEY_CHANGE_RATE="2/hour")
    key = make_key()
    api = client_of(key)
    created = make_key(app_domain=key.app_domain, created_by_key=key)
    names = count()

    def rotate():
        sibling = make_key(app_domain=key.app_domain)
        return api.rotate(sibling, totSecretKey=sibling.secret, graceSeconds=3600)

    calls = {
        "create": lambda: api.create(scopes=[]),
        "change": lambda: api.change(created, name=f"New {next(names)}"),
        "rotate": rotate,
    }
    for _ in range(2):
        assert calls[action]().status_code < 300

    assert {code_of(call()) for call in calls.values()} == {THROTTLED}
    assert calls[action]().headers["Retry-After"] == str(37 * 60)


@pytest.mark.req("D5")
def test_revoking_is_never_throttled(limit, make_key):
    limit(KEY_CHANGE_RATE="1/hour")
    key = make_key()
    api = client_of(key)
    victim = make_key(app_domain=key.app_domain)
    assert api.create(scopes=[]).status_code == 201
    assert code_of(api.create(scopes=[])) == THROTTLED

    assert api.revoke(victim).status_code == 204
    assert api.revoke(key, force="true").status_code == 204


@pytest.mark.req("D5", "D8")
def test_each_key_has_own_change_limit(limit, make_key):
    limit(KEY_CHANGE_RATE="1/hour")
    key = make_key()
    sibling = make_key(app_domain=key.app_domain)
    test = make_key(app_domain=key.app_domain, environment="test")
    assert client_of(test).create(scopes=[]).status_code == 201
    assert code_of(client_of(test).create(scopes=[])) == THROTTLED

    assert client_of(key).create(scopes=[]).status_code == 201
    assert code_of(client_of(key).create(scopes=[])) == THROTTLED
    assert client_of(sibling).create(scopes=[]).status_code == 201
    assert client_of(key).show(key).status_code == client_of(key).list().status_code == 200


@pytest.mark.req("D8")
def test_refused_changes_spend_own_budget(limit, make_key):
    limit(KEY_CHANGE_RATE="2/hour")
    thief = make_key(scopes=["a"])
    owner = make_key(app_domain=thief.app_domain, scopes=["a", "b"])
    for _ in range(2):
        refused = client_of(thief).create(scopes=["b"])
        assert code_of(refused) == (403, "scopes_exceed_caller")

    assert code_of(client_of(thief).create(scopes=["a"])) == THROTTLED
    assert client_of(owner).create(scopes=["b"]).status_code == 201


@pytest.mark.req("D5")
def test_change_rate_spares_administrators(limit, make_key):
    limit(KEY_CHANGE_RATE="1/hour")
    key = make_key()
    api = client_of(key)
    api.create(scopes=[])
    assert code_of(api.create(scopes=[])) == THROTTLED

    for _ in range(3):
        lifecycle.create_key(key.app_domain, name="By hand")


@pytest.mark.req("D5")
def test_rejected_changes_are_not_counted(limit, make_key):
    limit(KEY_CHANGE_RATE="1/hour")
    key = make_key()
    api = client_of(key)
    for _ in range(3):
        assert api.create(scopes="?").status_code == 400
        assert api.change("pk_live_unknown", name="x").status_code == 404

    assert api.create(scopes=[]).status_code == 201
