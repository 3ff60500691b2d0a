"""The keys endpoints: the events they record (contract §5)."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from asgiref.sync import async_to_sync
from django.db import transaction
from django.db.models.signals import pre_save

from tests.support.keys_client import KeysClient
from tests.support.stored_keys import columns_of, key_in, stored_columns
from tests.support.tokens import claims_for, claims_of, sign
from tot_jwt.exceptions import RecordIsPermanent
from tot_jwt.keys import lifecycle
from tot_jwt.keys.domains import prune_events
from tot_jwt.keys.record import Actor, administrator
from tot_jwt.models import ApiKey, KeyEvent
from tot_jwt.signals import key_event

pytestmark = pytest.mark.django_db
NOON = datetime(2025, 10, 29, 12, 0, 0, 250_000, tzinfo=UTC)


def recorded_actions(key):
    """Return the actions of the key's events, oldest first."""
    return list(KeyEvent.objects.filter(key=key).order_by("pk").values_list("action", flat=True))


@time_machine.travel(NOON, tick=False)
def test_every_action_is_recorded_with_changes(key, make_token):
    token = make_token(key)
    api = KeysClient(token, REMOTE_ADDR="2001:db8::7")
    other = sign(claims_for(key, scope="keys:manage orders:read", jti="c0" * 16))
    created = KeysClient(other, REMOTE_ADDR="2001:db8::7").create(
        name="Child", scopes=["orders:read"]
    )
    child = key_in(created)
    hint = child.secret_hint
    rotated = api.rotate(child, graceSeconds=0)
    api.change(
        child,
        name="Other",
        scopes=[],
        allowedIps=["192.0.2.0/24"],
        expiresAt="2025-12-01T00:00:00Z",
    )
    api.change(child, disabled=True)
    api.change(child, disabled=False)
    api.revoke(child)

    assert recorded_actions(child) == [
        "created",
        "rotated",
        "changed",
        "disabled",
        "enabled",
        "revoked",
    ]
    events = KeyEvent.objects.filter(key=child).order_by("pk")
    for event in events:
        assert event.app_domain == key.app_domain
        assert (event.actor, event.user, event.address) == (key.public_key, None, "2001:db8::7")
        assert event.jti == ("c0" * 16 if event.action == "created" else claims_of(token)["jti"])
    assert events[0].at == NOON
    assert events[0].changes == {
        "name": [None, "Child"],
        "scopes": [None, "orders:read"],
        "expires_at": [None, "2026-01-27T12:00:00.250000+00:00"],
        "can_issue_tokens": [None, True],
        "secret_hint": [None, hint],
        "generation": [None, 1],
    }
    assert events[1].changes == {
        "secret_hint": [hint, rotated.json()["secretHint"]],
        "generation": [1, 2],
    }
    assert events[2].changes == {
        "name": ["Child", "Other"],
        "scopes": ["orders:read", ""],
        "expires_at": ["2026-01-27T12:00:00.250000+00:00", "2025-12-01T00:00:00+00:00"],
        "allowed_ips": ["", "192.0.2.0/24"],
    }
    assert [event.changes for event in events[3:]] == [{}, {}, {}]


def test_rejected_request_leaves_no_event(key, api, child):
    before = KeyEvent.objects.count()

    api.create(scopes=["not:held"])
    api.change(child, scopes=["not:held"])
    api.change(key, name="x")
    api.rotate(key)
    api.revoke("x")

    assert KeyEvent.objects.count() == before


def test_event_signal_follows_commit(key, api, django_capture_on_commit_callbacks):
    received = []

    def receive(event, **kwargs):
        received.append((event.action, event.key.public_key))

    key_event.connect(receive)
    try:
        with django_capture_on_commit_callbacks(execute=False) as callbacks:
            answer = api.create()
        assert received == []
        for callback in callbacks:
            callback()
    finally:
        key_event.disconnect(receive)

    assert received == [("created", answer.json()["totApiKey"])]


def test_failing_receiver_does_not_prevent_creation(key, api, django_capture_on_commit_callbacks):
    def fail(**kwargs):
        raise RuntimeError

    key_event.connect(fail)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            assert api.create().status_code == 201
    finally:
        key_event.disconnect(fail)


def test_failing_event_undoes_the_action(key, api, child):
    def fail(**kwargs):
        raise RuntimeError

    pre_save.connect(fail, sender=KeyEvent)
    try:
        for call in (api.create, lambda: api.rotate(child), lambda: api.revoke(child)):
            with pytest.raises(RuntimeError):
                call()
    finally:
        pre_save.disconnect(fail, sender=KeyEvent)

    assert stored_columns(child) == columns_of(child)
    assert ApiKey.objects.count() == 2


def test_events_cannot_be_changed(key):
    event = KeyEvent.objects.get(key=key)
    event.actor = "another"
    replacing = {"update_fields": ["actor"], "unique_fields": ["id"]}

    for change in (
        event.save,
        event.delete,
        KeyEvent.objects.all().delete,
        lambda: KeyEvent.objects.update(actor="x"),
        lambda: KeyEvent.objects.bulk_update([event], ["actor"]),
        lambda: KeyEvent.objects.bulk_create([event], update_conflicts=True, **replacing),
        lambda: KeyEvent.objects.bulk_create([event], None, False, True, ["actor"], ["id"]),
        lambda: key.events.bulk_create([event], update_conflicts=True, **replacing),
        lambda: KeyEvent.objects.update_or_create(pk=event.pk, defaults={"actor": "x"}),
        KeyEvent(pk=event.pk, app_domain=event.app_domain, at=event.at).save,
        key.events.all().delete,
        lambda: key.events.update(actor="x"),
    ):
        with pytest.raises(RecordIsPermanent), transaction.atomic():
            change()
    assert KeyEvent.objects.get().actor == "system"


@pytest.mark.parametrize("asynchronous", ["aupdate", "adelete", "abulk_update", "abulk_create"])
def test_events_cannot_be_changed_asynchronously(key, asynchronous):
    events = list(KeyEvent.objects.filter(key=key))
    arguments = {
        "aupdate": ((), {"actor": "x"}),
        "adelete": ((), {}),
        "abulk_update": ((events, ["actor"]), {}),
        "abulk_create": (
            (events,),
            {"update_conflicts": True, "update_fields": ["actor"], "unique_fields": ["id"]},
        ),
    }
    given, named = arguments[asynchronous]

    with pytest.raises(RecordIsPermanent):
        async_to_sync(getattr(KeyEvent.objects.all(), asynchronous))(*given, **named)


def test_new_events_may_be_written_together(key):
    first = KeyEvent.objects.get(key=key)
    new = [KeyEvent(app_domain=first.app_domain, action="changed", at=NOON) for _ in range(3)]

    KeyEvent.objects.bulk_create(new, 2)

    assert KeyEvent.objects.count() == 4


def test_event_outlives_deleted_account(make_key, make_user):
    account = make_user(username="augusta")
    key = lifecycle.disable_key(make_key(), by=administrator(account, "192.0.2.1"))

    account.delete()

    event = KeyEvent.objects.get(key=key, action="disabled")
    assert (event.user, event.actor, event.address) == (None, "augusta", "192.0.2.1")


def test_pruning_leaves_one_event(make_key):
    with time_machine.travel(NOON, tick=False):
        old = make_key()
    key = make_key()

    assert prune_events(NOON) == 0
    assert not KeyEvent.objects.filter(action="events_pruned").exists()
    assert prune_events(NOON + timedelta(seconds=1), by=Actor("cron")) == 1

    assert (recorded_actions(old), recorded_actions(key)) == ([], ["created"])
    pruned = KeyEvent.objects.get(action="events_pruned")
    assert (pruned.app_domain, pruned.key, pruned.actor) == (None, None, "cron")
    assert pruned.changes == {"events": [1, 0]}


def test_long_actor_is_recorded(key, make_user):
    lifecycle.disable_key(key, by=Actor("k" * 255, jti="j" * 64, address="a" * 64))

    assert recorded_actions(key) == ["created", "disabled"]
