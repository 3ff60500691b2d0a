"""Domains, keys and their lives."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.models import ProtectedError
from django.utils import timezone

from tot_jwt.exceptions import Conflict, InvalidValue, KeyIsRevoked
from tot_jwt.keys import lifecycle
from tot_jwt.keys.domains import create_domain, resume_domain, suspend_domain
from tot_jwt.keys.record import Actor
from tot_jwt.models import ApiKey, AppDomain, KeyEvent, KeyStatus

NOON = datetime(2025, 10, 29, 12, 0, tzinfo=UTC)


# Domains


def test_domain_is_kept_in_canonical_form(db):
    assert str(create_domain("Bücher.example", name="Books")) == "xn--bcher-kva.example"


def test_domain_exists_once(db):
    create_domain("example.com")

    with pytest.raises(ValidationError, match="exists already"):
        create_domain("EXAMPLE.com")


@pytest.mark.req("C4")
@pytest.mark.parametrize("domain", ["Example.com", "ä.example", "example.com\n", ""])
def test_domain_in_another_form_is_not_saved(db, domain):
    with pytest.raises(InvalidValue):
        AppDomain(domain=domain).save()
    with pytest.raises(IntegrityError), transaction.atomic():
        AppDomain.objects.bulk_create([AppDomain(domain=domain)])


def test_form_of_a_domain_says_what_is_wrong(db):
    with pytest.raises(ValidationError) as raised:
        AppDomain(domain="a b").full_clean()

    assert "domain" in raised.value.message_dict


def test_suspending_twice_keeps_the_first_time(make_domain):
    with time_machine.travel(NOON, tick=False):
        first = suspend_domain(make_domain())
    again = suspend_domain(first)

    assert first.is_suspended
    assert again.suspended_at == first.suspended_at == NOON
    assert not resume_domain(again).is_suspended
    assert not resume_domain(again).is_suspended


# Keys


def test_new_key_is_what_was_asked_for(make_domain, make_user):
    user = make_user()
    key, secret = lifecycle.create_key(
        make_domain(),
        name="Warehouse",
        environment="test",
        scopes=["b", "a"],
        expires_at=timezone.now() + timedelta(days=1),
        allowed_ips=["192.0.2.1"],
        can_issue_tokens=False,
        created_by=user,
    )
    row = ApiKey.objects.get()

    assert (row.scopes, row.allowed_ips, row.can_issue_tokens) == ("a b", "192.0.2.1/32", False)
    assert (row.environment, row.name, row.generation, row.created_by) == (
        "test",
        "Warehouse",
        1,
        user,
    )
    assert row.scope_set == {"a", "b"}
    assert row.allowed_networks == ["192.0.2.1/32"]
    assert secret.reveal().endswith(row.secret_hint)
    assert str(row) == f"Warehouse ({key.public_key})"


@pytest.mark.req("B2")
def test_database_holds_no_secret(make_key):
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
        ({"public_key": "a b"}, ValidationError),
        ({"public_key": 'a"b'}, ValidationError),
        ({"public_key": "a\n"}, ValidationError),
        ({"public_key": "é"}, ValidationError),
        ({"public_key": "x" * 129}, ValidationError),
    ],
)
def test_key_that_cannot_be_is_not_made(make_domain, changes, error):
    with pytest.raises(error):
        lifecycle.create_key(make_domain(), **{"name": "x", **changes})

    assert not ApiKey.objects.exists()


def test_public_key_exists_once(make_key, make_domain):
    key = make_key(public_key="imported/key+1=")

    with pytest.raises(ValidationError):
        lifecycle.create_key(make_domain(), name="x", public_key=key.public_key)


def test_change_is_checked_like_a_new_key(make_key, settings):
    key = make_key(scopes=["old"])
    settings.TOT_JWT = {"SCOPES": {"new": "New"}}
    given = {"name": "y", "expires_at": None, "allowed_ips": ["::1"], "can_issue_tokens": False}

    changed = lifecycle.change_key(key, scopes=["old", "new"], **given)
    assert (changed.scopes, changed.name, changed.allowed_ips) == ("new old", "y", "::1/128")
    for wrong in ({"scopes": ["other"]}, {"scopes": [], "allowed_ips": ["x"]}):
        with pytest.raises(InvalidValue):
            lifecycle.change_key(key, **{**given, **wrong})
    with pytest.raises(ValidationError):
        lifecycle.change_key(key, **{**given, "scopes": [], "name": ""})
    assert ApiKey.objects.get().scopes == "new old"


def test_key_does_not_change_to_one_that_ended_in_the_past(make_key):
    key = make_key()
    kept = {"name": "A", "scopes": [], "allowed_ips": [], "can_issue_tokens": True}

    with pytest.raises(InvalidValue):
        lifecycle.change_key(key, expires_at=timezone.now(), **kept)
    ended = make_key(expires_at=timezone.now() - timedelta(days=1))
    assert lifecycle.change_key(ended, expires_at=ended.expires_at, **kept).name == "A"


def test_revocation_with_cascade_names_who_did_it_for_every_key(make_key):
    parent = make_key()
    child = make_key(app_domain=parent.app_domain, created_by_key=parent)
    grandchild = make_key(app_domain=parent.app_domain, created_by_key=child)

    lifecycle.revoke_key(parent, cascade=True, by=Actor("somebody", address="192.0.2.1"))

    revoked = KeyEvent.objects.filter(action="revoked").values_list("key", "actor", "address")
    assert set(revoked) == {
        (key.pk, "somebody", "192.0.2.1") for key in (parent, child, grandchild)
    }


def test_form_of_a_key_says_which_network_is_wrong(make_key):
    key = make_key()
    key.allowed_ips = "192.0.2.1 nonsense"

    with pytest.raises(ValidationError) as raised:
        key.full_clean()

    assert "nonsense" in str(raised.value.message_dict["allowed_ips"])


def test_disabled_key_can_be_enabled(make_key):
    key = make_key()

    with time_machine.travel(NOON, tick=False):
        assert lifecycle.disable_key(key).disabled_at == NOON
    assert lifecycle.disable_key(key).disabled_at == NOON
    assert lifecycle.enable_key(key).disabled_at is None
    assert lifecycle.enable_key(key).disabled_at is None


def test_revoked_key_is_revoked_for_ever(make_key):
    key = make_key()
    with time_machine.travel(NOON, tick=False):
        lifecycle.revoke_key(key)

    assert lifecycle.revoke_key(key).revoked_at == NOON
    for act in (lifecycle.enable_key, lifecycle.disable_key):
        with pytest.raises(KeyIsRevoked):
            act(key)
    with pytest.raises(KeyIsRevoked):
        lifecycle.change_key(
            key, name="x", scopes=[], expires_at=None, allowed_ips=[], can_issue_tokens=True
        )


@pytest.mark.parametrize("grace", [timedelta(days=7, seconds=1), timedelta(seconds=-1)])
def test_grace_of_a_rotation_is_a_week_at_most(make_key, grace):
    with pytest.raises(InvalidValue, match="seven days"):
        lifecycle.rotate_key(make_key(), grace=grace)


class Driver(Exception):
    """What a driver raises; PostgreSQL's has a state."""

    def __init__(self, sqlstate):
        self.sqlstate = sqlstate


@pytest.mark.parametrize(
    ("cause", "number", "expected"),
    [
        (Driver("55P03"), "lock not available", Conflict),
        (None, 1205, Conflict),
        (None, 3572, Conflict),
        (Driver("57014"), "statement timeout", OperationalError),
        (None, 2006, OperationalError),
    ],
)
def test_row_that_somebody_else_has_locked_is_a_conflict(
    make_key, monkeypatch, cause, number, expected
):
    """As each database says it; tests/services/test_races.py shows it with two writers."""
    key = make_key()

    def refuse(*args, **kwargs):
        raise OperationalError(number) from cause

    monkeypatch.setattr(connection.features, "has_select_for_update_nowait", True)
    monkeypatch.setattr(ApiKey.objects, "select_for_update", refuse)

    with pytest.raises(expected):
        lifecycle.enable_key(key)


def test_database_that_locks_no_rows_is_just_busy(make_key, monkeypatch):
    def refuse(*args, **kwargs):
        raise OperationalError("database is locked")

    monkeypatch.setattr(connection.features, "has_select_for_update_nowait", False)
    monkeypatch.setattr(ApiKey.objects, "select_for_update", refuse)

    with pytest.raises(OperationalError):
        lifecycle.enable_key(make_key())


def test_domain_with_keys_is_not_deleted(make_key):
    with pytest.raises(ProtectedError):
        make_key().app_domain.delete()


def test_key_outlives_the_account_that_made_it(make_key, make_user):
    user = make_user()
    key = make_key(created_by=user)

    user.delete()

    assert ApiKey.objects.get(pk=key.pk).created_by is None


# One definition of usable


DAY = timedelta(days=1)
ENDINGS = [
    ({}, KeyStatus.ACTIVE),
    ({"expires_at": NOON + 100 * DAY}, KeyStatus.ACTIVE),
    ({"expires_at": NOON + 14 * DAY + timedelta(seconds=1)}, KeyStatus.ACTIVE),
    ({"expires_at": NOON + 14 * DAY}, KeyStatus.EXPIRING),
    ({"expires_at": NOON + timedelta(seconds=1)}, KeyStatus.EXPIRING),
    ({"expires_at": NOON}, KeyStatus.EXPIRED),
    ({"expires_at": NOON - DAY}, KeyStatus.EXPIRED),
    ({"disabled_at": NOON - DAY}, KeyStatus.DISABLED),
    ({"disabled_at": NOON + DAY}, KeyStatus.DISABLED),
    ({"disabled_at": NOON, "expires_at": NOON - DAY}, KeyStatus.DISABLED),
    ({"revoked_at": NOON}, KeyStatus.REVOKED),
    ({"revoked_at": NOON + DAY}, KeyStatus.REVOKED),
    ({"revoked_at": NOON, "disabled_at": NOON, "expires_at": NOON + DAY}, KeyStatus.REVOKED),
]


@pytest.mark.parametrize(("ending", "status"), ENDINGS, ids=str)
@time_machine.travel(NOON, tick=False)
def test_rows_and_instances_agree_on_the_status(make_key, ending, status):
    key = make_key(**ending)
    make_key(revoked_at=NOON) if status is KeyStatus.ACTIVE else make_key()

    assert key.status is status
    assert [other for other in KeyStatus if key in ApiKey.objects.with_status(other)] == [status]
    assert (key in ApiKey.objects.usable()) is key.is_usable is (status in ("active", "expiring"))


@time_machine.travel(NOON, tick=False)
def test_every_key_has_exactly_one_status(make_key):
    for ending, _ in ENDINGS:
        make_key(**ending)

    found = [key.pk for status in KeyStatus for key in ApiKey.objects.with_status(status)]

    assert len(found) == len(set(found)) == len(ENDINGS)
