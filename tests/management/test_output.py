"""What all subcommands have in common: arguments, Django's options, output, and errors."""

import os
import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, load_command_class
from django.db.models.signals import pre_save

from tot_jwt.management.subcommands import SUBCOMMANDS
from tot_jwt.models import ApiKey, AppDomain

ROOT = Path(__file__).parents[2]

#: The subcommands that print nothing at ``-v 0``, in an order in which all of them succeed.
SILENT = [
    ["create_domain", "new.example"],
    ["change_domain", "new.example", "--name", "x"],
    ["rename_domain", "new.example", "newer.example"],
    ["suspend_domain", "newer.example"],
    ["resume_domain", "newer.example"],
    ["change_key", "pk_1", "--name", "x"],
    ["disable_key", "pk_1"],
    ["enable_key", "pk_1"],
    ["release_key", "pk_1"],
    ["end_old_secret", "pk_1"],
    ["end_tokens", "pk_1"],
    ["notify_expiring"],
    ["prune_events", "--older-than", "1"],
    ["revoke_key", "pk_1"],
    ["erase_domain", "newer.example"],
]
PRINTING = [
    ["create_key", "old.example", "--name", "x"],
    ["list_domains"],
    ["list_keys"],
    ["show_key", "pk_1"],
    ["rotate_key", "pk_1"],
    ["list_events"],
]


@pytest.fixture
def _domain_and_key(make_domain, make_key):
    """Create a domain and a key."""
    make_key(public_key="pk_1", app_domain=make_domain(domain="old.example"))


def parse(*arguments):
    parser = load_command_class("tot_jwt", "tot_jwt").create_parser("manage.py", "tot_jwt")
    return vars(parser.parse_args(arguments))


def test_no_subcommand_takes_a_secret():
    for subcommand in SUBCOMMANDS:
        parser = ArgumentParser()
        subcommand.add_arguments(parser)
        assert "secret" not in parser.format_usage().lower()


# Django's own options


@pytest.mark.parametrize(
    "options",
    [
        ["-v", "0"],
        ["--verbosity=3"],
        ["--settings", "shop.settings"],
        ["--pythonpath=/srv", "--traceback"],
        ["--no-color", "--skip-checks"],
        ["--force-color"],
    ],
)
def test_django_options_work_anywhere(options):
    before = parse(*options, "list_keys", "myapp.com")

    assert parse("list_keys", *options, "myapp.com") == before
    assert parse("list_keys", "myapp.com", *options) == before
    assert before != parse("list_keys", "myapp.com")


def test_subcommands_keep_earlier_options():
    for subcommand in ("list_domains", "list_keys", "inspect_token"):
        options = parse("-v", "2", "--traceback", subcommand)
        assert (options["verbosity"], options["traceback"]) == (2, True)
        assert parse("-v", "2", subcommand, "-v", "3")["verbosity"] == 3
        assert parse(subcommand)["verbosity"] == 1


@pytest.mark.parametrize("place", [0, 1])
def test_process_accepts_options_anywhere(place):
    options = ["--settings=tests.settings", "-v", "0", "--no-color"]
    arguments = [*options, "inspect_token"] if place == 0 else ["inspect_token", *options]
    # Django's checks would open MariaDB's database, which only exists for the tests.
    ours = ("DJANGO_", "TOT_JWT_")
    variables = {name: text for name, text in os.environ.items() if not name.startswith(ours)}

    run = subprocess.run(
        [sys.executable, "-m", "django", "tot_jwt", *arguments],
        cwd=ROOT,
        env=variables,
        check=False,
        capture_output=True,
        input="nonsense",
        text=True,
    )

    assert (run.stderr, run.returncode) == ("", 1)
    assert "token_malformed" in run.stdout


# Quiet


@pytest.mark.usefixtures("_domain_and_key")
def test_quiet_commands_print_nothing(outcome):
    for arguments in SILENT:
        assert outcome(*arguments, "-v", "0") == ("", "", 0), arguments


@pytest.mark.usefixtures("_domain_and_key")
def test_quiet_commands_print_json(outcome):
    for arguments in SILENT:
        assert outcome(*arguments, "-v", "0", "--json").document, arguments


@pytest.mark.usefixtures("_domain_and_key")
@pytest.mark.parametrize("arguments", PRINTING, ids=lambda arguments: arguments[0])
def test_wanted_output_is_always_printed(outcome, arguments):
    result = outcome(*arguments, "-v", "0")

    assert (result.err, result.status) == ("", 0)
    assert "example" in result.out
    assert ("totSecretKey" in result.out) is (arguments[0] in ("create_key", "rotate_key"))


def test_quiet_list_of_nothing_is_empty(outcome):
    for command in ("list_domains", "list_keys", "list_events"):
        assert outcome(command, "-v", "0").out == ""
        assert outcome(command).out == "None.\n"
        assert outcome(command, "--json").document == []


def test_quiet_import_tells_bad_rows(outcome, tmp_path):
    path = tmp_path / "keys.csv"
    path.write_text("domain,public,secret\nmyapp.com,pk_1,short\n", encoding="utf-8")

    result = outcome("import_keys", str(path), "-v", "0")

    assert (result.out, result.status) == ("", 1)
    assert result.err.startswith("Line 2: secret: ")


def test_every_subcommand_is_tested_quietly():
    tested = {arguments[0] for arguments in [*SILENT, *PRINTING]}

    assert {each.name for each in SUBCOMMANDS} - tested == {
        "create_signing_key",
        "import_keys",
        "inspect_token",
        "usage",
    }


# Text and errors


def test_text_has_one_member_per_line(run, make_domain):
    make_domain(domain="myapp.com")

    printed = run("create_key", "myapp.com", "--name", "CI", "--scope", "a")

    lines = dict(line.split(maxsplit=1) for line in printed.splitlines())
    assert lines["totApiKey"].startswith("pk_live_tot_")
    assert lines["totSecretKey"].startswith("sk_live_tot_")
    assert (lines["scopes"], lines["allowedIps"], lines["expiresAt"]) == ("a", "-", "-")


def test_text_escapes_unprintable_characters(run, run_json, make_key):
    name = "x\x1b[2J\nstatus  active\x9b\u202e ü"
    key = make_key()
    ApiKey.objects.update(name=name, metadata={"a\x1b": "b\n"})

    lines = run("show_key", key.public_key).splitlines()

    assert r"name                     x\x1b[2J\nstatus  active\x9b\u202e ü" in lines
    assert r"metadata                 a\x1b: b\n" in lines
    assert run_json("show_key", key.public_key)["name"] == name
    assert run("list_keys", "--json").isascii()


def test_error_without_fields_is_printed(run):
    def fail(**kwargs):
        raise ValidationError(["This.", "And that."])

    pre_save.connect(fail, sender=AppDomain)
    try:
        with pytest.raises(CommandError, match=r"^This\. And that\.$"):
            run("create_domain", "x.example")
    finally:
        pre_save.disconnect(fail, sender=AppDomain)
