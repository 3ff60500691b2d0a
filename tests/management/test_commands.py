"""``manage.py tot_jwt …``."""

import io
import json
from argparse import ArgumentParser
from datetime import timedelta

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.utils import timezone

from tests.support.key_files import HEADER, HEADER_ERROR, row
from tests.support.tokens import claims_for, sign
from tot_jwt.exceptions import Conflict
from tot_jwt.keys import importing, lifecycle
from tot_jwt.keys.domains import suspend_domain
from tot_jwt.keys.record import Actor
from tot_jwt.management.subcommands import SUBCOMMANDS
from tot_jwt.management.subcommands import import_keys as import_command
from tot_jwt.models import ApiKey, AppDomain, KeyEvent


@pytest.fixture
def run(db):
    """``run("list_keys", "--json")``: what the command prints."""

    def run(*args):
        out = io.StringIO()
        call_command("tot_jwt", *args, stdout=out)
        return out.getvalue()

    return run


@pytest.fixture
def run_json(run):
    """The one JSON document that the command prints."""
    return lambda *args: json.loads(run(*args, "--json"))


def test_domain_is_created(run_json):
    printed = run_json("create_domain", "MyApp.com", "--name", "My app")

    assert printed.pop("createdAt").endswith("Z")
    assert printed == {"appDomain": "myapp.com", "name": "My app", "suspended": False}
    assert AppDomain.objects.get().domain == "myapp.com"


@pytest.mark.parametrize(
    ("domain", "message"), [("myapp.com", "exists already"), ("a b", "not a valid domain")]
)
def test_domain_that_cannot_be_is_an_error(run, make_domain, domain, message):
    make_domain(domain="myapp.com")

    with pytest.raises(CommandError, match=message):
        run("create_domain", domain)


def test_key_is_created_and_works(run_json, make_domain, post_token):
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
        "createdAt": printed["createdAt"],
        "createdBy": "admin",
        "expiresAt": None,
        "lastUsedAt": None,
        "previousSecretExpiresAt": None,
        "totSecretKey": key.secret,
    }


def test_key_is_created_as_told(run_json, make_domain):
    make_domain(domain="myapp.com")
    now = timezone.now().replace(microsecond=0)

    with time_machine.travel(now, tick=False):
        arguments = ["--env", "test", "--expires-in-days", "10", "--allow-ip", "::1", "--no-tokens"]
        printed = run_json("create_key", "MYAPP.com", "--name", "x", *arguments)

    key = ApiKey.objects.get()
    assert (key.environment, key.allowed_ips, key.can_issue_tokens) == ("test", "::1/128", False)
    assert key.expires_at == now + timedelta(days=10)
    assert (printed["totApiKey"][:7], printed["status"]) == ("pk_test", "expiring")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["other.com", "--name", "x"], "no domain other.com"),
        (["a b", "--name", "x"], "not a valid domain"),
        (["myapp.com"], "--name"),
        (["myapp.com", "--name", ""], "name: This field cannot be blank"),
        (["myapp.com", "--name", "x", "--scope", "a b"], "not a scope"),
        (["myapp.com", "--name", "x", "--allow-ip", "x"], "CIDR"),
        (["myapp.com", "--name", "x", "--env", "prod"], "invalid choice"),
        (["myapp.com", "--name", "x", "--expires-in-days", "x"], "from 1 to 36500"),
        (["myapp.com", "--name", "x", "--expires-in-days", "9" * 5000], "from 1 to 36500"),
        (["myapp.com", "--name", "x", "--expires-in-days", "0"], "from 1 to 36500"),
    ],
)
def test_key_that_cannot_be_is_an_error(run, make_domain, arguments, message):
    make_domain(domain="myapp.com")

    with pytest.raises(CommandError, match=message):
        run("create_key", *arguments)
    assert not ApiKey.objects.exists()


def test_text_is_for_people(run, make_domain):
    make_domain(domain="myapp.com")

    printed = run("create_key", "myapp.com", "--name", "CI", "--scope", "a")

    lines = dict(line.split(maxsplit=1) for line in printed.splitlines())
    assert lines["totApiKey"].startswith("pk_live_tot_")
    assert lines["totSecretKey"].startswith("sk_live_tot_")
    assert (lines["scopes"], lines["allowedIps"], lines["expiresAt"]) == ("a", "-", "-")


def test_keys_are_listed_newest_first_without_a_secret(
    run, run_json, make_key, make_domain, django_assert_num_queries
):
    old, new = make_key(), make_key()
    child = make_key(app_domain=old.app_domain, created_by_key=old)
    empty = make_domain()

    with django_assert_num_queries(1):
        listed = run_json("list_keys")
    assert [key["totApiKey"] for key in listed] == [
        child.public_key,
        new.public_key,
        old.public_key,
    ]
    assert [key["createdBy"] for key in listed] == [old.public_key, "admin", "admin"]
    assert [key["totApiKey"] for key in run_json("list_keys", new.app_domain.domain)] == [
        new.public_key
    ]
    assert run("list_keys", empty.domain) == "None.\n"
    assert run("list_keys").count("\n\n") == 2
    assert not [
        key
        for key in (old, new, child)
        if key.secret in run("list_keys") or key.secret_hash in run("list_keys")
    ]


@pytest.mark.req("E7")
def test_key_is_rotated_with_a_grace_of_a_day(
    run_json, make_key, make_token, get_token, post_token
):
    key = make_key(scopes=["a"])
    token = make_token(key)

    with time_machine.travel(timezone.now().replace(microsecond=0), tick=False):
        printed = run_json("rotate_key", key.public_key)
        key.refresh_from_db()
        assert key.previous_secret_expires_at == timezone.now() + timedelta(days=1)

    assert (printed["totApiKey"], printed["scopes"]) == (key.public_key, ["a"])
    assert printed["totSecretKey"] != key.secret
    assert [
        post_token(key, totSecretKey=secret).status_code
        for secret in (printed["totSecretKey"], key.secret)
    ] == [*(200, 200)]
    assert get_token(token).status_code == 200


@pytest.mark.req("E7")
def test_key_is_rotated_without_grace(run_json, make_key, make_token, get_token, post_token):
    key = make_key()
    token = make_token(key)

    key.new_secret = run_json("rotate_key", key.public_key, "--grace-seconds", "0")["totSecretKey"]

    assert post_token(key, totSecretKey=key.new_secret).status_code == 200
    assert post_token(key).status_code == get_token(token).status_code == 401


@pytest.fixture
def family(make_key):
    """A key, one that it created, and one that that one created."""
    parent = make_key()
    child = make_key(created_by_key=parent)
    return parent, child, make_key(created_by_key=child)


def statuses(keys):
    return [ApiKey.objects.get(pk=key.pk).status.value for key in keys]


@pytest.mark.req("E7")
@pytest.mark.parametrize("cascade", [False, True])
@pytest.mark.parametrize(("command", "own"), [("rotate_key", "active"), ("revoke_key", "revoked")])
def test_what_a_key_created_is_revoked_with_it_where_that_is_asked_for(
    run, family, command, own, cascade
):
    run(command, family[0].public_key, *["--cascade"] * cascade)

    assert statuses(family) == [own, *["revoked" if cascade else "active"] * 2]


def test_rotation_that_fails_revokes_nothing(run, family):
    run("rotate_key", family[0].public_key)

    with pytest.raises(CommandError, match="previous secret is still valid"):
        run("rotate_key", family[0].public_key, "--cascade")

    assert statuses(family) == ["active"] * 3


def test_cascade_that_fails_rotates_nothing(run, make_key, post_token, monkeypatch):
    def refuse(key):
        raise Conflict

    key = make_key()
    monkeypatch.setattr(lifecycle, "revoke_created_keys", refuse)

    with pytest.raises(CommandError, match="Somebody else"):
        run("rotate_key", key.public_key, "--grace-seconds", "0", "--cascade")

    assert post_token(key).status_code == 200


@pytest.mark.parametrize("seconds", ["-1", "604801", "1.5", "x"])
def test_grace_that_cannot_be_is_an_error(run, make_key, seconds):
    with pytest.raises(CommandError, match=r"from 0 to 604800|expected one argument"):
        run("rotate_key", make_key().public_key, "--grace-seconds", seconds)


def test_key_is_revoked_also_twice(run_json, make_key, post_token):
    key = make_key()

    assert run_json("revoke_key", key.public_key)["status"] == "revoked"
    assert run_json("revoke_key", key.public_key)["status"] == "revoked"
    assert post_token(key).status_code == 401


@pytest.mark.req("E7")
def test_tokens_are_ended_and_the_secret_stays(
    run_json, make_key, make_token, get_token, post_token
):
    key = make_key()
    token = make_token(key)

    assert run_json("end_tokens", key.public_key)["status"] == "active"

    assert (get_token(token).status_code, post_token(key).status_code) == (401, 200)


@pytest.mark.parametrize("command", ["rotate_key", "revoke_key", "end_tokens", "list_events"])
@pytest.mark.parametrize("nearly", [str.upper, "{} ".format, "x{}".format])
def test_unknown_key_is_an_error(run, make_key, command, nearly):
    name = nearly(make_key(public_key="pk_Mixed").public_key)

    with pytest.raises(CommandError, match=f"no key {name}"):
        run(command, name)
    assert set(KeyEvent.objects.values_list("action", flat=True)) == {"created"}


@pytest.mark.parametrize("command", ["rotate_key", "end_tokens"])
def test_error_of_the_lifecycle_is_an_error_of_the_command(run, make_key, command):
    key = make_key()
    lifecycle.revoke_key(key)

    with pytest.raises(CommandError, match="has been revoked"):
        run(command, key.public_key)


def test_validation_error_without_fields_is_told_too(run, monkeypatch):
    def refuse(*args, **kwargs):
        raise ValidationError(["This.", "And that."])

    monkeypatch.setattr(lifecycle, "create_domain", refuse)

    with pytest.raises(CommandError, match=r"^This\. And that\.$"):
        run("create_domain", "x.example")


def test_name_from_a_client_does_nothing_to_the_terminal(run, run_json, make_key):
    name = "x\x1b[2J\nstatus  active\x9b\u202e ü"
    key = make_key(name=name)

    printed = run("list_keys")

    assert r"name                     x\x1b[2J\nstatus  active\x9b\u202e ü" in printed.splitlines()
    assert run_json("list_keys")[0]["name"] == name
    assert run("list_keys", "--json").isascii()
    assert key.public_key in printed


# The record


def test_events_are_listed_newest_first(run, run_json, make_key):
    by = Actor("ada", jti="j1", address="192.0.2.1")
    with time_machine.travel("2025-10-29T12:00:00Z", tick=False):
        key = make_key(name="Old", scopes=["a"])
    with time_machine.travel("2025-10-29T13:00:00Z", tick=False):
        ends = timezone.now() + timedelta(days=1)
        lifecycle.change_key(
            key,
            name="New",
            scopes=["a"],
            expires_at=ends,
            allowed_ips=[],
            can_issue_tokens=True,
            by=by,
        )

    changed, created = run_json("list_events")

    assert changed == {
        "at": "2025-10-29T13:00:00.000Z",
        "action": "changed",
        "appDomain": key.app_domain.domain,
        "totApiKey": key.public_key,
        "by": "ada",
        "jti": "j1",
        "address": "192.0.2.1",
        "changes": {"name": ["Old", "New"], "expiresAt": [None, "2025-10-30T13:00:00+00:00"]},
    }
    assert (created["action"], created["by"], created["changes"]["canIssueTokens"]) == (
        "created",
        "system",
        [None, True],
    )
    assert (
        "changes    name: Old → New; expiresAt: - → 2025-10-30T13:00:00+00:00"
        in run("list_events").splitlines()
    )


def test_events_are_those_of_a_key_or_of_a_domain(
    run_json, make_key, make_domain, django_assert_num_queries
):
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
        (["--domain", "other.com"], "no domain other.com"),
        (["--limit", "0"], "from 1 to 1000000"),
    ],
)
def test_events_that_cannot_be_listed_are_an_error(run, arguments, message):
    with pytest.raises(CommandError, match=message):
        run("list_events", *arguments)


def test_at_most_a_hundred_events_are_listed_unless_more_are_asked_for(run_json, make_key):
    key = make_key()
    for _ in range(100):
        lifecycle.end_tokens(key)

    assert (len(run_json("list_events")), len(run_json("list_events", "--limit", "200"))) == (
        100,
        101,
    )


def test_old_events_are_pruned(run, run_json, make_key):
    with time_machine.travel(timezone.now() - timedelta(days=31)):
        key = make_key()
    lifecycle.disable_key(key)

    assert run_json("prune_events", "--older-than", "32") == {"deleted": 0}
    assert run("prune_events", "--older-than", "31") == "deleted  1\n"
    assert [event.action for event in KeyEvent.objects.all()] == ["disabled"]


@pytest.mark.parametrize(
    "arguments", [[], ["--older-than", "0"], ["--older-than", "36501"], ["--older-than", "x"]]
)
def test_pruning_without_a_good_age_is_an_error(run, make_key, arguments):
    make_key()

    with pytest.raises(CommandError, match="--older-than"):
        run("prune_events", *arguments)
    assert KeyEvent.objects.count() == 1


def test_oldest_age_is_one_that_every_database_knows(run_json):
    assert run_json("prune_events", "--older-than", "36500") == {"deleted": 0}


# Tokens


@pytest.fixture
def inspect(run, monkeypatch, capsys):
    """``inspect(token)``: the document and the exit status."""

    def inspect(token, as_json=True):
        monkeypatch.setattr("sys.stdin", io.StringIO(token))
        out = io.StringIO()
        try:
            call_command("tot_jwt", "inspect_token", *(["--json"] if as_json else []), stdout=out)
            status = 0
        except SystemExit as exit_:
            status = exit_.code
        return (json.loads(out.getvalue()) if as_json else out.getvalue()), status

    return inspect


def test_good_token_is_inspected(inspect, make_key, make_token):
    key = make_key()

    printed, status = inspect(make_token(key) + "\n")

    assert (printed["valid"], printed["code"], status) == (True, None, 0)
    assert printed["claims"]["sub"] == key.public_key


def test_bad_token_is_inspected_and_exits_with_1(inspect, make_key, make_token):
    key = make_key()
    token = make_token(key)
    lifecycle.revoke_key(key)
    other = make_key()

    for bad, code, has_claims in [
        (token, "token_revoked", True),
        (sign(claims_for(other, iat=1, exp=2)), "token_expired", True),
        (sign(claims_for(other, env="test")), "token_invalid", True),
        (sign(claims_for(other), key=b"x" * 32), "token_invalid", False),
        ("nonsense", "token_malformed", False),
        ("", "token_malformed", False),
    ]:
        printed, status = inspect(bad)
        assert (printed["valid"], printed["code"], status) == (False, code, 1)
        assert (printed["claims"] is not None) is has_claims


def test_inspection_in_text_lists_the_claims(inspect, make_key, make_token):
    key = make_key()

    printed, _ = inspect(make_token(key), as_json=False)

    assert key.public_key in printed
    assert "claims" not in printed


def test_no_command_takes_a_secret():
    for subcommand in SUBCOMMANDS:
        parser = ArgumentParser()
        subcommand.add_arguments(parser)
        assert "secret" not in " ".join(action.dest for action in parser._actions)


# The import of keys; tests/keys/test_importing.py tests what it takes and what it refuses


@pytest.fixture
def csv(tmp_path):
    """``csv(row(1), …)``: the path of a file with these rows."""

    def csv(*rows):
        path = tmp_path / "keys.csv"
        path.write_text("\n".join([HEADER, *rows]), encoding="utf-8")
        return str(path)

    return csv


def test_command_imports(run_json, csv):
    assert run_json("import_keys", csv(row(1), row(2))) == {
        "imported": 2,
        "domainsCreated": 1,
        "refused": False,
        "cutShort": False,
        "badRows": [],
    }
    assert KeyEvent.objects.first().action == KeyEvent.Action.IMPORTED


def test_command_refuses_a_bad_row_by_its_line_and_exits_with_1(run, run_json, csv, capsys):
    path = csv(row(1), row(2, secret="short"), row(3))

    with pytest.raises(SystemExit, match="1"):
        run("import_keys", path)
    assert (
        capsys.readouterr().err
        == "Line 3: secret: It is shorter than 20 characters.\nNothing was imported.\n"
    )
    with pytest.raises(SystemExit, match="1"):
        run_json("import_keys", path)
    assert capsys.readouterr().err == ""
    assert not ApiKey.objects.exists()


def test_command_skips_or_takes_what_it_is_told_to(run, run_json, csv, capsys):
    path = csv(row(1), row(2, secret="short"), row(3, scopes="\\"))

    assert "imported        1\n" in run("import_keys", path, "--skip-bad")
    assert capsys.readouterr().err.splitlines() == [
        "Line 3: secret: It is shorter than 20 characters.",
        "Line 4: scopes: Number 1 of them is none that an API key may be given.",
    ]
    printed = run_json("import_keys", path, "--skip-bad", "--allow-weak")
    assert (printed["imported"], [found["line"] for found in printed["badRows"]]) == (1, [2, 4])


def test_command_says_when_it_read_no_further(run, csv, capsys):
    with pytest.raises(SystemExit):
        run("import_keys", csv(*[row(number, domain="") for number in range(200)]))

    assert capsys.readouterr().err.splitlines()[100:] == [
        "The file was read no further.",
        "Nothing was imported.",
    ]


def test_command_reads_standard_input(run_json, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(f"{HEADER}\n{row(1)}".encode())))

    assert run_json("import_keys", "-")["imported"] == 1


def test_command_tells_of_progress_on_standard_error(run, csv, capsys, monkeypatch):
    monkeypatch.setattr(importing, "BATCH", 1)
    monkeypatch.setattr(import_command, "PROGRESS", 2)

    run("import_keys", csv(*map(row, range(5))))

    assert capsys.readouterr().err.splitlines() == ["2 keys …", "4 keys …"]


@pytest.mark.parametrize(
    ("name", "message"), [("missing.csv", "No such file"), ("", "Is a directory")]
)
def test_file_that_cannot_be_read_is_an_error(run, tmp_path, name, message):
    with pytest.raises(CommandError, match=message):
        run("import_keys", str(tmp_path / name))


def test_file_that_is_no_csv_is_an_error_of_the_command(run, tmp_path):
    path = tmp_path / "keys.csv"
    path.write_bytes(b"\x00\xff")

    with pytest.raises(CommandError, match=HEADER_ERROR):
        run("import_keys", str(path))
