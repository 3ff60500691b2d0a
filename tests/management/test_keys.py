"""The subcommands that create, rotate and end API keys, and how they find a key."""

from datetime import timedelta

import pytest
import time_machine
from django.core.management import CommandError
from django.db.models.signals import pre_save
from django.utils import timezone

from tot_jwt.exceptions import Conflict
from tot_jwt.keys import revoke_key
from tot_jwt.models import ApiKey, KeyEvent


def statuses(keys):
    return [ApiKey.objects.get(pk=key.pk).status.value for key in keys]


# create_key


def test_created_key_works_and_is_printed(run_json, make_domain, post_token):
    make_domain(domain="myapp.com")

    printed = run_json("create_key", "myapp.com", "--name", "CI", "--scope", "b", "--scope", "a")

    key = ApiKey.objects.get()
    key.secret = printed["totSecretKey"]
    assert post_token(key).status_code == 200
    assert printed["createdAt"].endswith("Z")
    assert printed == {
        "totApiKey": key.public_key,
        "appDomain": "myapp.com",
        "environment": "live",
        "name": "CI",
        "scopes": ["a", "b"],
        "status": "active",
        "secretHint": key.secret[-4:],
        "allowedIps": [],
        "canIssueTokens": True,
        "disabled": False,
        "rateLimit": None,
        "metadata": {},
        "createdAt": printed["createdAt"],
        "createdBy": "admin",
        "expiresAt": None,
        "lastUsedAt": None,
        "previousSecretExpiresAt": None,
        "totSecretKey": key.secret,
    }


def test_created_key_has_requested_settings(run_json, make_domain):
    make_domain(domain="myapp.com")
    now = timezone.now().replace(microsecond=0)

    with time_machine.travel(now, tick=False):
        arguments = ["--env", "test", "--expires-in-days", "10", "--allow-ip", "::1", "--no-tokens"]
        arguments += ["--rate-limit", "60/min"]
        printed = run_json("create_key", "MYAPP.com", "--name", "x", *arguments)

    key = ApiKey.objects.get()
    assert (key.environment, key.allowed_ips, key.can_issue_tokens) == ("test", "::1/128", False)
    assert key.expires_at == now + timedelta(days=10)
    assert (printed["totApiKey"][:7], printed["status"]) == ("pk_test", "expiring")
    assert printed["rateLimit"] == "60/min"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["other.com", "--name", "x"], "other.com does not exist"),
        (["a b", "--name", "x"], "not a valid domain"),
        (["myapp.com"], "--name"),
        (["myapp.com", "--name", ""], "name: This field cannot be blank"),
        (["myapp.com", "--name", "x", "--scope", "a b"], "scope"),
        (["myapp.com", "--name", "x", "--allow-ip", "x"], "CIDR"),
        (["myapp.com", "--name", "x", "--allow-ip", ""], "CIDR"),
        (["myapp.com", "--name", "x", "--rate-limit", "x"], "rate_limit: Use a number per"),
        (["myapp.com", "--name", "x", "--env", "prod"], "invalid choice"),
        (["myapp.com", "--name", "x", "--expires-in-days", "x"], "from 1 to 36500"),
        (["myapp.com", "--name", "x", "--expires-in-days", "9" * 5000], "from 1 to 36500"),
        (["myapp.com", "--name", "x", "--expires-in-days", "0"], "from 1 to 36500"),
    ],
)
def test_invalid_key_is_an_error(run, make_domain, arguments, message):
    make_domain(domain="myapp.com")

    with pytest.raises(CommandError, match=message):
        run("create_key", *arguments)
    assert not ApiKey.objects.exists()


# rotate_key, revoke_key, release_key, end_tokens


@pytest.mark.req("E7")
def test_rotation_has_one_day_of_grace(run_json, make_key, make_token, get_token, post_token):
    key = make_key(scopes=["a"])
    token = make_token(key)

    with time_machine.travel(timezone.now().replace(microsecond=0), tick=False):
        printed = run_json("rotate_key", key.public_key)
        key.refresh_from_db()
        assert key.previous_secret_expires_at == timezone.now() + timedelta(days=1)

    new_secret = printed["totSecretKey"]
    assert (printed["totApiKey"], printed["scopes"]) == (key.public_key, ["a"])
    assert new_secret != key.secret
    assert post_token(key, totSecretKey=new_secret).status_code == 200
    assert post_token(key).status_code == 200
    assert get_token(token).status_code == 200


@pytest.mark.req("E7")
def test_rotation_without_grace_ends_everything(
    run_json, make_key, make_token, get_token, post_token
):
    key = make_key()
    token = make_token(key)

    new_secret = run_json("rotate_key", key.public_key, "--grace-seconds", "0")["totSecretKey"]

    assert post_token(key, totSecretKey=new_secret).status_code == 200
    assert post_token(key).status_code == get_token(token).status_code == 401


@pytest.fixture
def family(make_key):
    """Return a key and two keys that live inside it."""
    creator = make_key()
    return creator, *[make_key(created_by_key=creator) for _ in range(2)]


@pytest.mark.req("E7")
@pytest.mark.parametrize(
    ("arguments", "created"),
    [
        ([], "active"),
        (["--keep-created-keys"], "active"),
        (["--grace-seconds", "1"], "active"),
        (["--grace-seconds", "0"], "revoked"),
        (["--grace-seconds", "0", "--keep-created-keys"], "active"),
    ],
)
def test_rotation_may_revoke_created_keys(run, family, arguments, created):
    run("rotate_key", family[0].public_key, *arguments)

    assert statuses(family) == ["active", created, created]


@pytest.mark.req("E7")
def test_failed_rotation_revokes_no_keys(run, family, post_token):
    def fail(instance, **kwargs):
        if instance.pk == family[2].pk:
            raise Conflict

    pre_save.connect(fail, sender=ApiKey)
    try:
        with pytest.raises(CommandError, match=Conflict.detail):
            run("rotate_key", family[0].public_key, "--grace-seconds", "0")
    finally:
        pre_save.disconnect(fail, sender=ApiKey)

    assert statuses(family) == ["active"] * 3
    assert post_token(family[0]).status_code == 200


def test_used_secret_needs_no_grace(run, run_json, family):
    lost = run_json("rotate_key", family[0].public_key)["totSecretKey"]
    assert run_json("rotate_key", family[0].public_key)["totSecretKey"] != lost
    ApiKey.objects.update(secret_last_used_at=timezone.now())

    with pytest.raises(CommandError, match="previous secret is still valid"):
        run("rotate_key", family[0].public_key)
    run("rotate_key", family[0].public_key, "--grace-seconds", "0")


@pytest.mark.req("E7")
def test_old_secret_can_be_ended(run_json, make_key, post_token):
    key = make_key()
    new_secret = run_json("rotate_key", key.public_key)["totSecretKey"]

    assert run_json("end_old_secret", key.public_key)["previousSecretExpiresAt"] is None

    assert post_token(key).status_code == 401
    assert post_token(key, totSecretKey=new_secret).status_code == 200
    run_json("end_old_secret", key.public_key)
    assert KeyEvent.objects.filter(action="previous_secret_ended").count() == 1


def test_disabled_key_can_be_enabled(run_json, family, make_token, get_token, post_token):
    token = make_token(family[0])

    assert run_json("disable_key", family[0].public_key)["status"] == "disabled"
    assert [post_token(key).status_code for key in family] == [401] * 3
    assert get_token(token).status_code == 401

    assert run_json("enable_key", family[0].public_key)["status"] == "active"
    assert [post_token(key).status_code for key in family] == [200] * 3
    assert get_token(token).status_code == 200


@pytest.mark.req("E7")
def test_revocation_ends_created_keys(run, family, post_token):
    run("revoke_key", family[0].public_key)

    assert statuses(family) == ["revoked"] * 3
    assert [post_token(key).status_code for key in family] == [401] * 3
    assert ApiKey.objects.filter(revoked_at=None).count() == 2


@pytest.mark.parametrize("command", ["rotate_key", "revoke_key"])
def test_cascade_is_no_option(run, family, command):
    with pytest.raises(CommandError, match="unrecognized arguments: --cascade"):
        run(command, family[0].public_key, "--cascade")
    assert statuses(family) == ["active"] * 3


@pytest.mark.parametrize("ending", ["revoked_at", "disabled_at", "expires_at"])
def test_released_key_works_without_creator(run_json, make_key, post_token, ending):
    creator = make_key(**{ending: timezone.now()})
    key = make_key(created_by_key=creator)
    assert post_token(key).status_code == 401

    printed = run_json("release_key", key.public_key)

    assert (printed["status"], printed["createdBy"]) == ("active", creator.public_key)
    assert post_token(key).status_code == 200
    assert KeyEvent.objects.get(action="released").key == key


@pytest.mark.parametrize("has_creator", [True, False])
def test_second_release_changes_nothing(run_json, make_key, has_creator):
    key = make_key(created_by_key=make_key() if has_creator else None)

    first = run_json("release_key", key.public_key)

    assert run_json("release_key", key.public_key) == first
    assert KeyEvent.objects.filter(action="released").count() == has_creator


@pytest.mark.parametrize("seconds", ["-1", "604801", "1.5", "x"])
def test_invalid_grace_is_an_error(run, make_key, seconds):
    key = make_key()

    with pytest.raises(CommandError, match=r"from 0 to 604800|expected one argument"):
        run("rotate_key", key.public_key, "--grace-seconds", seconds)


def test_key_can_be_revoked_twice(run_json, make_key, post_token):
    key = make_key()

    assert run_json("revoke_key", key.public_key)["status"] == "revoked"
    assert run_json("revoke_key", key.public_key)["status"] == "revoked"
    assert post_token(key).status_code == 401


@pytest.mark.req("E7")
def test_ending_tokens_keeps_the_secret(run_json, make_key, make_token, get_token, post_token):
    key = make_key()
    token = make_token(key)

    assert run_json("end_tokens", key.public_key)["status"] == "active"

    assert (get_token(token).status_code, post_token(key).status_code) == (401, 200)


@pytest.mark.parametrize(
    "command",
    ["rotate_key", "release_key", "end_tokens", "disable_key", "enable_key", "end_old_secret"],
)
def test_revoked_key_is_an_error(run, make_key, command):
    key = make_key()
    revoke_key(key)

    with pytest.raises(CommandError, match="has been revoked"):
        run(command, key.public_key)


@pytest.mark.parametrize(
    "command",
    [
        "rotate_key",
        "revoke_key",
        "release_key",
        "end_tokens",
        "list_events",
        "show_key",
        "disable_key",
        "enable_key",
        "end_old_secret",
    ],
)
@pytest.mark.parametrize("similar", [str.upper, "{} ".format, "x{}".format, "{}é".format])
def test_similar_public_key_is_an_error(run, make_key, command, similar):
    public_key = similar(make_key(public_key="pk_Mixed").public_key)

    with pytest.raises(CommandError, match=f"key {public_key} does not exist"):
        run(command, public_key)
    assert set(KeyEvent.objects.values_list("action", flat=True)) == {"created"}
