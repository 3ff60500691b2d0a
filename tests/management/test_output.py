"""What all subcommands have in common: their arguments, text and JSON, and errors."""

from argparse import ArgumentParser

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError
from django.db.models.signals import pre_save

from tot_jwt.management.subcommands import SUBCOMMANDS
from tot_jwt.models import AppDomain


def test_no_subcommand_takes_a_secret():
    for subcommand in SUBCOMMANDS:
        parser = ArgumentParser()
        subcommand.add_arguments(parser)
        assert "secret" not in parser.format_usage().lower()


def test_text_has_one_member_per_line(run, make_domain):
    make_domain(domain="myapp.com")

    printed = run("create_key", "myapp.com", "--name", "CI", "--scope", "a")

    lines = dict(line.split(maxsplit=1) for line in printed.splitlines())
    assert lines["totApiKey"].startswith("pk_live_tot_")
    assert lines["totSecretKey"].startswith("sk_live_tot_")
    assert (lines["scopes"], lines["allowedIps"], lines["expiresAt"]) == ("a", "-", "-")


def test_text_escapes_unprintable_characters(run, run_json, make_key):
    name = "x\x1b[2J\nstatus  active\x9b\u202e ü"
    key = make_key(name=name)

    printed = run("list_keys")

    assert r"name                     x\x1b[2J\nstatus  active\x9b\u202e ü" in printed.splitlines()
    assert run_json("list_keys")[0]["name"] == name
    assert run("list_keys", "--json").isascii()
    assert key.public_key in printed


def test_error_without_fields_is_printed(run):
    def fail(**kwargs):
        raise ValidationError(["This.", "And that."])

    pre_save.connect(fail, sender=AppDomain)
    try:
        with pytest.raises(CommandError, match=r"^This\. And that\.$"):
            run("create_domain", "x.example")
    finally:
        pre_save.disconnect(fail, sender=AppDomain)
