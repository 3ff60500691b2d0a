"""``change_key``."""

import pytest
import time_machine
from django.core.management import CommandError
from django.db.models.signals import post_init

from tests.support.times import DAY, NOON
from tot_jwt.models import ApiKey, KeyEvent

BEFORE = {
    "name": "Old",
    "scopes": ["a", "b"],
    "expiresAt": "2025-11-28T12:00:00.000Z",
    "allowedIps": ["192.0.2.0/24"],
    "rateLimit": "60/min",
    "canIssueTokens": True,
    "metadata": {"crm": "1"},
}


@pytest.fixture
def public_key(make_key):
    """Create a key with all settings at noon, and return its public key."""
    with time_machine.travel(NOON, tick=False):
        yield make_key(
            name="Old",
            scopes=["a", "b"],
            expires_at=NOON + 30 * DAY,
            allowed_ips=["192.0.2.0/24"],
            rate_limit="60/min",
            metadata={"crm": "1"},
        ).public_key


@pytest.mark.parametrize(
    ("arguments", "changed"),
    [
        (["--name", "New"], {"name": "New"}),
        (["--scope", "c"], {"scopes": ["c"]}),
        (["--scope", "b", "--scope", "c"], {"scopes": ["b", "c"]}),
        (["--scope", ""], {"scopes": []}),
        (["--expires-in-days", "1"], {"expiresAt": "2025-10-30T12:00:00.000Z"}),
        (["--no-expiry"], {"expiresAt": None}),
        (["--allow-ip", "::1"], {"allowedIps": ["::1/128"]}),
        (["--any-ip"], {"allowedIps": []}),
        (["--rate-limit", "9/sec"], {"rateLimit": "9/sec"}),
        (["--no-rate-limit"], {"rateLimit": None}),
        (["--no-tokens"], {"canIssueTokens": False}),
        (["--name", "New", "--any-ip"], {"name": "New", "allowedIps": []}),
    ],
)
def test_only_given_settings_change(run_json, public_key, arguments, changed):
    printed = run_json("change_key", public_key, *arguments)

    expected = BEFORE | changed
    assert {name: printed[name] for name in expected} == expected
    event = KeyEvent.objects.all()[0]
    assert (event.action, len(event.changes)) == ("changed", len(changed))


def test_tokens_can_be_allowed_again(run_json, make_key, post_token):
    key = make_key(can_issue_tokens=False)
    assert post_token(key).status_code == 403

    assert run_json("change_key", key.public_key, "--tokens")["canIssueTokens"] is True

    assert post_token(key).status_code == 200


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "at least one setting"),
        (["--name", ""], "name: This field cannot be blank"),
        (["--name", "a\nb"], "name: Control characters"),
        (["--scope", "a b"], "scope"),
        (["--allow-ip", "x"], "CIDR"),
        (["--allow-ip", ""], "CIDR"),
        (["--allow-ip", "::1", "--any-ip"], "not allowed with"),
        (["--rate-limit", "x"], "rate_limit: "),
        (["--rate-limit", ""], "--no-rate-limit"),
        (["--rate-limit", "9/sec", "--no-rate-limit"], "not allowed with"),
        (["--name", "\udcff"], "--name: has a NUL"),
        (["--allow-ip", "\0"], "--allow-ip: has a NUL"),
        (["--expires-in-days", "0"], "from 1 to 36500"),
        (["--expires-in-days", "1", "--no-expiry"], "not allowed with"),
        (["--tokens", "--cascade"], "unrecognized"),
    ],
)
def test_invalid_change_changes_nothing(run, public_key, arguments, message):
    before = ApiKey.objects.values().get()

    with pytest.raises(CommandError, match=message):
        run("change_key", public_key, *arguments)

    assert ApiKey.objects.values().get() == before


def test_unknown_key_is_an_error(run, public_key):
    with pytest.raises(CommandError, match="does not exist"):
        run("change_key", public_key.upper(), "--name", "x")


def test_change_of_others_is_kept(run, public_key):
    def narrow(instance, **kwargs):
        """Change the key, once, when the command has read it."""
        post_init.disconnect(narrow, sender=ApiKey)
        ApiKey.objects.filter(pk=instance.pk).update(scopes="a", allowed_ips="192.0.2.7/32")

    post_init.connect(narrow, sender=ApiKey)
    run("change_key", public_key, "--name", "New")

    key = ApiKey.objects.get()
    assert (key.name, key.scopes, key.allowed_ips) == ("New", "a", "192.0.2.7/32")
    assert KeyEvent.objects.all()[0].changes == {"name": ["Old", "New"]}
