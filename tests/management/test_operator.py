"""Who ran a command: the record names the operating system's user."""

import getpass
import os

import pytest
import time_machine

from tests.support.key_files import HEADER, row
from tests.support.times import NOON
from tot_jwt.models import KeyEvent


@pytest.fixture
def _alice(monkeypatch):
    """Let the operating system's user be Alice."""
    monkeypatch.setattr(getpass, "getuser", lambda: "alice")


@pytest.mark.usefixtures("_alice")
def test_every_change_names_the_user(run, make_key, make_domain, tmp_path):
    path = tmp_path / "keys.csv"
    path.write_text("\n".join([HEADER, row(1)]), encoding="utf-8")
    creator = make_key(public_key="pk_1", app_domain=make_domain(domain="old.example"))
    make_key(public_key="pk_2", app_domain=creator.app_domain, created_by_key=creator)
    KeyEvent.objects.all().erase()

    for command in [
        "create_domain a.example",
        "change_domain a.example --name x",
        "rename_domain a.example b.example",
        "suspend_domain b.example",
        "resume_domain b.example",
        "create_key b.example --name x",
        "change_key pk_1 --name x",
        "disable_key pk_1",
        "enable_key pk_1",
        "release_key pk_2",
        "rotate_key pk_1",
        "end_old_secret pk_1",
        "end_tokens pk_1",
        "revoke_key pk_1 pk_2",
        f"import_keys {path}",
    ]:
        run(*command.split())

    actors = set(KeyEvent.objects.values_list("actor", "user"))
    actions = set(KeyEvent.objects.values_list("action", flat=True))
    assert actors == {("alice (command line)", None)}
    # The next test is about these.
    rest = {"domain_erased", "events_pruned", "expiry_notified"}
    assert set(KeyEvent.Action.values) - actions <= rest


@pytest.mark.usefixtures("_alice")
def test_erasing_and_pruning_name_user(run, make_key):
    with time_machine.travel(NOON):
        key = make_key()
    run("prune_events", "--older-than", "30")
    run("erase_domain", key.app_domain.domain)

    events = KeyEvent.objects.values_list("action", "actor")
    assert set(events) == {
        ("events_pruned", "alice (command line)"),
        ("domain_erased", "alice (command line)"),
    }


@pytest.mark.parametrize("error", [KeyError, OSError, ImportError])
def test_user_without_name_is_number(run, monkeypatch, error):
    def fail():
        raise error

    monkeypatch.setattr(getpass, "getuser", fail)
    monkeypatch.setattr(os, "getuid", lambda: 1000)

    run("create_domain", "a.example")

    assert KeyEvent.objects.get().actor == "uid 1000 (command line)"


@pytest.mark.parametrize(
    ("name", "actor"),
    [
        ("ada lovelace", "ada lovelace (command line)"),
        ("x\x1b[2J\ny", "x [2J y (command line)"),
        ("josé\udcff", "jos\\xe9\\udcff (command line)"),
        ("x" * 5000, "x" * 128 + " (command line)"),
    ],
)
def test_any_user_name_is_recorded(run, monkeypatch, name, actor):
    monkeypatch.setattr(getpass, "getuser", lambda: name)

    run("create_domain", "a.example")

    assert KeyEvent.objects.get().actor == actor
