"""The life of a domain, and the record of it."""

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import RestrictedError

from tests.support.times import DAY, NOON
from tot_jwt.exceptions import InvalidValue, ResourceNotFound
from tot_jwt.keys.domains import (
    change_domain,
    create_domain,
    erase_domain,
    prune_events,
    rename_domain,
    resume_domain,
    suspend_domain,
)
from tot_jwt.keys.record import Actor
from tot_jwt.models import ApiKey, AppDomain, KeyEvent
from tot_jwt.signals import key_event

ADA = Actor("ada")
CHANGED = {
    "name": "New",
    "aliases": ["B.example", "a.example:80"],
    "contact": "ada@example.com",
    "external_id": "C-1",
    "metadata": {"crm": "1"},
    "rate_limit": "60/min",
}


def test_domain_is_stored_in_canonical_form(db):
    assert str(create_domain("Bücher.example", name="Books")) == "xn--bcher-kva.example"


def test_existing_domain_cannot_be_created(db):
    create_domain("example.com")

    with pytest.raises(ValidationError, match="exists"):
        create_domain("EXAMPLE.com")


def test_creation_records_all_settings(db):
    created = create_domain("example.com", by=ADA, **CHANGED)

    event = KeyEvent.objects.get()
    assert (event.action, event.app_domain, event.actor) == ("domain_created", created, "ada")
    assert event.changes == {
        "domain": [None, "example.com"],
        "aliases": [None, "a.example b.example"],
        "name": [None, "New"],
        "contact": [None, "ada@example.com"],
        "external_id": [None, "C-1"],
        "rate_limit": [None, "60/min"],
        "metadata": [None, {"crm": "1"}],
    }


def test_change_records_what_differs(make_domain):
    changed = change_domain(make_domain(name="Old", contact="ada@example.com"), by=ADA, **CHANGED)

    assert (changed.aliases, changed.external_id) == ("a.example b.example", "C-1")
    event = KeyEvent.objects.get()
    assert (event.action, event.actor) == ("domain_changed", "ada")
    assert event.changes["name"] == ["Old", "New"]
    assert set(event.changes) == set(CHANGED) - {"contact"}


def test_change_of_nothing_records_nothing(make_domain):
    changed = change_domain(make_domain(), **CHANGED)

    assert change_domain(changed, **CHANGED).updated_at == changed.updated_at
    assert KeyEvent.objects.count() == 1


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [
        ("name", "a\nb", ValidationError),
        ("aliases", ["a b"], InvalidValue),
        ("contact", "ada", ValidationError),
        ("external_id", "taken", ValidationError),
        ("metadata", {"a": 1}, ValidationError),
        ("rate_limit", "60", ValidationError),
    ],
)
def test_invalid_change_changes_nothing(make_domain, field, value, error):
    make_domain(external_id="taken")
    app_domain = make_domain()
    before = AppDomain.objects.values().get(pk=app_domain.pk)

    with pytest.raises(error):
        change_domain(app_domain, **CHANGED | {field: value})

    assert AppDomain.objects.values().get(pk=app_domain.pk) == before
    assert not KeyEvent.objects.exists()


@pytest.mark.parametrize(
    ("keep_alias", "aliases"), [(False, "x.example"), (True, "old.example x.example")]
)
def test_rename_keeps_wanted_aliases(make_domain, keep_alias, aliases):
    app_domain = make_domain(domain="old.example", aliases="new.example x.example")

    renamed = rename_domain(app_domain, "NEW.example", keep_alias=keep_alias, by=ADA)

    assert (renamed.domain, renamed.aliases) == ("new.example", aliases)
    event = KeyEvent.objects.get()
    assert (event.action, event.actor) == ("domain_renamed", "ada")
    assert event.changes["domain"] == ["old.example", "new.example"]


@pytest.mark.parametrize("keep_alias", [False, True])
def test_rename_to_same_name_changes_nothing(make_domain, keep_alias):
    app_domain = make_domain(domain="old.example", aliases="x.example")

    renamed = rename_domain(app_domain, "OLD.example", keep_alias=keep_alias)

    assert (renamed.domain, renamed.aliases) == ("old.example", "x.example")
    assert not KeyEvent.objects.exists()


def test_suspending_twice_keeps_first_time(make_domain):
    with time_machine.travel(NOON, tick=False):
        first = suspend_domain(make_domain())

    assert first.is_suspended
    assert suspend_domain(first).suspended_at == first.suspended_at == NOON
    assert KeyEvent.objects.filter(action="suspended").count() == 1


def test_resuming_twice_changes_nothing_more(make_domain):
    suspended = suspend_domain(make_domain())

    resumed = resume_domain(suspended)

    assert not resumed.is_suspended
    assert not resume_domain(resumed).is_suspended
    assert KeyEvent.objects.filter(action="resumed").count() == 1


def test_erasure_leaves_other_domains(make_key):
    gone, other = make_key(), make_key()
    for _ in range(2):
        make_key(app_domain=gone.app_domain, created_by_key=gone)
    kept = KeyEvent.objects.get(key=other)

    assert erase_domain(gone.app_domain, by=ADA) == {"keys": 3, "events": 3}

    assert list(ApiKey.objects.all()) == [other]
    erased, left = KeyEvent.objects.all()
    assert (left, erased.action, erased.actor) == (kept, "domain_erased", "ada")


def test_created_key_elsewhere_prevents_erasure(make_key):
    creator = make_key()
    created = make_key(created_by_key=creator)

    with pytest.raises(RestrictedError) as caught:
        erase_domain(creator.app_domain)

    assert caught.value.restricted_objects == {created}
    assert KeyEvent.objects.count() == ApiKey.objects.count() == 2


def test_erasure_is_signalled_after_commit(make_key, django_capture_on_commit_callbacks):
    key, seen = make_key(), []

    def receive(event, **kwargs):
        seen.append((event.action, event.app_domain, event.key))

    key_event.connect(receive)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            erase_domain(key.app_domain)
            assert seen == []
    finally:
        key_event.disconnect(receive)

    assert seen == [("domain_erased", None, None)]


def test_erased_key_stays_in_rollback(make_key, make_token, get_token):
    key = make_key()
    token = make_token(key)

    with transaction.atomic():
        erase_domain(key.app_domain)
        assert get_token(token).status_code == 401
        transaction.set_rollback(True)

    assert get_token(token).status_code == 200


def test_pruning_records_itself(make_key):
    with time_machine.travel(NOON, tick=False):
        make_key()
        make_key()
    with time_machine.travel(NOON + DAY, tick=False):
        make_key()

    assert prune_events(NOON, by=ADA) == 0
    assert KeyEvent.objects.count() == 3
    assert prune_events(NOON + DAY, by=ADA) == 2
    pruned, kept = KeyEvent.objects.all()
    assert (kept.action, pruned.action, pruned.actor) == ("created", "events_pruned", "ada")
    assert (pruned.app_domain, pruned.key, pruned.changes) == (None, None, {"events": [2, 0]})


def test_renaming_back_revives_no_token(make_key, make_token, get_token):
    key = make_key()
    token, old = make_token(key), key.app_domain.domain

    rename_domain(rename_domain(key.app_domain, "other.example"), old)

    assert get_token(token).json()["code"] == "token_revoked"
    assert get_token(make_token(key)).status_code == 200


@pytest.mark.parametrize("act", [suspend_domain, resume_domain, erase_domain])
def test_erased_domain_is_not_found(make_domain, act):
    app_domain = make_domain()
    erase_domain(AppDomain.objects.get())

    with pytest.raises(ResourceNotFound):
        act(app_domain)


def test_unchanged_bad_name_stays(make_domain):
    app_domain = make_domain()
    AppDomain.objects.update(name="\u202e")

    renamed = rename_domain(app_domain, "other.example")

    assert (renamed.domain, renamed.name) == ("other.example", "\u202e")


def test_aliases_may_be_one_text(db):
    app_domain = create_domain("a.example", aliases="B.example рф.рф:8000")

    assert app_domain.alias_list == ["b.example", "xn--p1ai.xn--p1ai"]
