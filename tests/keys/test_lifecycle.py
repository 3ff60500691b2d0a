"""The life of a key: create, change, disable, enable, rotate and revoke."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.db import OperationalError, connection
from django.utils import timezone

from tests.support.times import DAY, NOON
from tot_jwt.exceptions import Conflict, InvalidValue, KeyIsRevoked, PreviousSecretStillValid
from tot_jwt.keys import lifecycle
from tot_jwt.models import ApiKey

UNCHANGED: dict[str, Any] = {
    "name": "A",
    "scopes": [],
    "expires_at": None,
    "allowed_ips": [],
    "can_issue_tokens": True,
}


# Create


def test_new_key_is_stored_as_given(make_domain, make_user):
    user = make_user()
    key, secret = lifecycle.create_key(
        make_domain(),
        name="Warehouse",
        environment="test",
        scopes=["b", "a"],
        expires_at=timezone.now() + DAY,
        allowed_ips=["192.0.2.1"],
        can_issue_tokens=False,
        created_by=user,
    )
    row = ApiKey.objects.get()

    assert (row.name, row.environment, row.generation) == ("Warehouse", "test", 1)
    assert (row.scopes, row.allowed_ips, row.can_issue_tokens) == ("a b", "192.0.2.1/32", False)
    assert row.created_by == user
    assert row.scope_set == {"a", "b"}
    assert row.allowed_networks == ["192.0.2.1/32"]
    assert secret.reveal().endswith(row.secret_hint)
    assert str(row) == f"Warehouse ({key.public_key})"


@pytest.mark.req("B2")
def test_database_stores_only_secrets_hash(make_key):
    key = make_key()
    row = ApiKey.objects.values().get()

    assert key.secret not in str(row)
    assert row["secret_hash"].startswith("sha256$")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"name": ""}, ValidationError),
        ({"name": "x" * 201}, ValidationError),
        ({"environment": "prod"}, ValueError),
        ({"scopes": ["a b"]}, InvalidValue),
        ({"allowed_ips": ["x"]}, InvalidValue),
        ({"expires_at": NOON}, InvalidValue),
        ({"expires_at": datetime(9999, 12, 31, tzinfo=UTC)}, InvalidValue),
        ({"rate_limit": "many"}, ValidationError),
        ({"metadata": {"a": 1}}, ValidationError),
        ({"public_key": "a b"}, ValidationError),
        ({"public_key": 'a"b'}, ValidationError),
        ({"public_key": "a\n"}, ValidationError),
        ({"public_key": "é"}, ValidationError),
        ({"public_key": "x" * 129}, ValidationError),
    ],
)
def test_invalid_key_is_not_created(make_domain, changes, error):
    with pytest.raises(error):
        lifecycle.create_key(make_domain(), **{"name": "x", **changes})

    assert not ApiKey.objects.exists()


def test_existing_public_key_is_not_created(make_key, make_domain):
    key = make_key(public_key="imported/key+1=")

    with pytest.raises(ValidationError):
        lifecycle.create_key(make_domain(), name="x", public_key=key.public_key)


# Change


def test_change_keeps_scope_outside_catalog(make_key, settings):
    key = make_key(scopes=["old"])
    settings.TOT_JWT = {"SCOPES": {"new": "New"}}
    given = {**UNCHANGED, "scopes": ["old", "new"], "allowed_ips": ["::1"]}

    changed = lifecycle.change_key(key, **given)

    assert (changed.scopes, changed.allowed_ips) == ("new old", "::1/128")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"scopes": ["other"]}, InvalidValue),
        ({"allowed_ips": ["x"]}, InvalidValue),
        ({"name": ""}, ValidationError),
    ],
)
def test_invalid_change_is_not_made(make_key, settings, changes, error):
    key = make_key(name="Before", scopes=["old"])
    settings.TOT_JWT = {"SCOPES": {"new": "New"}}

    with pytest.raises(error):
        lifecycle.change_key(key, **{**UNCHANGED, **changes})

    row = ApiKey.objects.get()
    assert (row.name, row.scopes, row.allowed_ips) == ("Before", "old", "")


def test_new_past_expiry_is_invalid(make_key):
    with pytest.raises(InvalidValue):
        lifecycle.change_key(make_key(), **{**UNCHANGED, "expires_at": timezone.now()})


def test_past_expiry_may_stay_unchanged(make_key):
    ended = make_key(expires_at=timezone.now() - DAY)

    changed = lifecycle.change_key(ended, **{**UNCHANGED, "expires_at": ended.expires_at})

    assert changed.name == "A"


# Disable, enable, revoke


def test_disabled_key_can_be_enabled(make_key):
    key = make_key()

    with time_machine.travel(NOON, tick=False):
        assert lifecycle.disable_key(key).disabled_at == NOON
    assert lifecycle.disable_key(key).disabled_at == NOON
    assert lifecycle.enable_key(key).disabled_at is None
    assert lifecycle.enable_key(key).disabled_at is None


def test_revoked_key_stays_revoked_permanently(make_key):
    key = make_key()
    with time_machine.travel(NOON, tick=False):
        lifecycle.revoke_key(key)

    assert lifecycle.revoke_key(key).revoked_at == NOON
    for act in (lifecycle.enable_key, lifecycle.disable_key):
        with pytest.raises(KeyIsRevoked):
            act(key)
    with pytest.raises(KeyIsRevoked):
        lifecycle.change_key(key, **UNCHANGED)


# Rotate


@pytest.mark.parametrize("grace", [timedelta(days=7, seconds=1), timedelta(seconds=-1)])
def test_grace_outside_its_bounds_is_invalid(make_key, grace):
    with pytest.raises(InvalidValue, match="between 0 seconds and 7 days"):
        lifecycle.rotate_key(make_key(), grace=grace)


def used(key):
    """Note a use of the key's current secret, as another process does."""
    ApiKey.objects.filter(pk=key.pk).update(secret_last_used_at=NOON)
    return key


@pytest.mark.usefixtures("pass_time")
def test_unused_secret_is_replaced_in_grace(make_key):
    key = make_key()
    first, _ = lifecycle.rotate_key(key, grace=DAY)
    second, secret = lifecycle.rotate_key(key, grace=timedelta(seconds=1))

    assert second.previous_secret_hash == first.previous_secret_hash == key.secret_hash
    assert second.previous_secret_expires_at == NOON + DAY
    assert second.secret_hash != first.secret_hash
    assert (second.secret_hint, second.generation) == (secret.hint, 1)


def test_used_secret_is_kept_in_grace(make_key):
    key = make_key()
    rotated, _ = lifecycle.rotate_key(key, grace=DAY)
    used(key)

    with pytest.raises(PreviousSecretStillValid):
        lifecycle.rotate_key(key, grace=DAY)
    assert ApiKey.objects.get().secret_hash == rotated.secret_hash
    assert lifecycle.rotate_key(key, grace=timedelta(0))[0].previous_secret_hash == ""


def test_new_secret_was_never_used(make_key):
    rotated, _ = lifecycle.rotate_key(used(make_key()), grace=DAY)

    assert rotated.secret_last_used_at is None


# Locked rows


class DriverError(Exception):
    """An error of a database driver. PostgreSQL's have a state."""

    def __init__(self, sqlstate):
        self.sqlstate = sqlstate


def refuse_to_lock(number, cause=None):
    """Fail queries of keys, as a database does if another transaction holds the row."""

    def fail(execute, sql, params, many, context):
        if sql.startswith("SELECT") and "tot_jwt_apikey" in sql:
            raise OperationalError(number) from cause
        return execute(sql, params, many, context)

    return connection.execute_wrapper(fail)


@pytest.mark.parametrize(
    ("cause", "number", "expected"),
    [
        (DriverError("55P03"), "lock not available", Conflict),
        (None, 1205, Conflict),
        (None, 3572, Conflict),
        (DriverError("57014"), "statement timeout", OperationalError),
        (None, 2006, OperationalError),
    ],
)
def test_only_locked_row_is_a_conflict(make_key, monkeypatch, cause, number, expected):
    """The errors are those of each database; a test with services provokes them."""
    key = make_key()
    monkeypatch.setattr(connection.features, "has_select_for_update_nowait", True)

    with refuse_to_lock(number, cause), pytest.raises(expected):
        lifecycle.enable_key(key)


def test_database_without_row_locks_is_busy(make_key, monkeypatch):
    key = make_key()
    monkeypatch.setattr(connection.features, "has_select_for_update", False)
    monkeypatch.setattr(connection.features, "has_select_for_update_nowait", False)

    with refuse_to_lock("database is locked"), pytest.raises(OperationalError):
        lifecycle.enable_key(key)
