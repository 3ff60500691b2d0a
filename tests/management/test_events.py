"""``list_events`` and ``prune_events``."""

from datetime import timedelta

import pytest
import time_machine
from django.core.management import CommandError
from django.utils import timezone

from tot_jwt.keys import change_key, disable_key, end_tokens, suspend_domain
from tot_jwt.keys.record import Actor
from tot_jwt.models import KeyEvent


@pytest.fixture
def changed_key(make_key):
    """Create a key at twelve o'clock and change it at one."""
    with time_machine.travel("2025-10-29T12:00:00Z", tick=False):
        key = make_key(name="Old", scopes=["a"])
    with time_machine.travel("2025-10-29T13:00:00Z", tick=False):
        change_key(
            key,
            name="New",
            scopes=["a"],
            expires_at=timezone.now() + timedelta(days=1),
            allowed_ips=[],
            can_issue_tokens=True,
            by=Actor("ada", jti="j1", address="192.0.2.1"),
        )
    return key


def test_events_are_listed_newest_first(run_json, changed_key):
    changed, created = run_json("list_events")

    assert changed == {
        "at": "2025-10-29T13:00:00.000Z",
        "action": "changed",
        "appDomain": changed_key.app_domain.domain,
        "totApiKey": changed_key.public_key,
        "by": "ada",
        "jti": "j1",
        "address": "192.0.2.1",
        "changes": {"name": ["Old", "New"], "expiresAt": [None, "2025-10-30T13:00:00+00:00"]},
    }
    assert (created["action"], created["by"]) == ("created", "system")
    assert created["changes"]["canIssueTokens"] == [None, True]


def test_changes_are_shown_on_one_line(run, changed_key):
    line = "changes    name: Old → New; expiresAt: - → 2025-10-30T13:00:00+00:00"

    assert line in run("list_events").splitlines()


def test_list_is_limited_to_subject(run_json, make_key, make_domain, django_assert_num_queries):
    key, other = make_key(), make_key()
    sibling = make_key(app_domain=key.app_domain)
    suspend_domain(key.app_domain)

    def listed(*arguments):
        return [
            (event["action"], event["totApiKey"]) for event in run_json("list_events", *arguments)
        ]

    created = [("created", made.public_key) for made in (sibling, key)]
    assert listed(key.public_key) == created[1:]
    assert listed("--domain", key.app_domain.domain.upper()) == [("suspended", None), *created]
    assert listed("--domain", make_domain().domain) == []
    with django_assert_num_queries(1):
        assert len(listed()) == 4
    assert listed("--limit", "2") == [("suspended", None), created[0]]
    assert listed(other.public_key) == [("created", other.public_key)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["pk_x", "--domain", "myapp.com"], "not allowed with"),
        (["--domain", "other.com"], "other.com does not exist"),
        (["--limit", "0"], "from 1 to 1000000"),
    ],
)
def test_invalid_list_arguments_are_an_error(run, arguments, message):
    with pytest.raises(CommandError, match=message):
        run("list_events", *arguments)


def test_list_has_hundred_events_by_default(run_json, make_key):
    key = make_key()
    for _ in range(100):
        end_tokens(key)

    assert len(run_json("list_events")) == 100
    assert len(run_json("list_events", "--limit", "200")) == 101


def test_old_events_are_pruned(run, run_json, make_key):
    with time_machine.travel(timezone.now() - timedelta(days=31)):
        key = make_key()
    disable_key(key)

    assert run_json("prune_events", "--older-than", "32") == {"deleted": 0}
    assert run("prune_events", "--older-than", "31") == "deleted  1\n"
    pruned, disabled = KeyEvent.objects.all()
    assert (disabled.action, pruned.action) == ("disabled", "events_pruned")
    assert (pruned.app_domain, pruned.key, pruned.changes) == (None, None, {"events": [1, 0]})
    assert run_json("list_events", "--limit", "1")[0]["appDomain"] is None


@pytest.mark.parametrize(
    "arguments", [[], ["--older-than", "0"], ["--older-than", "36501"], ["--older-than", "x"]]
)
def test_invalid_age_is_an_error(run, make_key, arguments):
    make_key()

    with pytest.raises(CommandError, match="--older-than"):
        run("prune_events", *arguments)
    assert KeyEvent.objects.count() == 1


def test_database_accepts_the_greatest_age(run_json):
    assert run_json("prune_events", "--older-than", "36500") == {"deleted": 0}
