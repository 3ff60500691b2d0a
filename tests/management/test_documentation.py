"""docs/commands.md lists every command and option, and its examples work."""

import argparse
import re
import shlex

import pytest

from tests.support import documents
from tests.support.key_files import HEADER, row
from tot_jwt.management.subcommands import SUBCOMMANDS
from tot_jwt.models import ApiKey

PAGE = documents.read("docs/commands.md")
COMMAND = "python manage.py tot_jwt "


def examples():
    """Return the subcommands of the examples with their arguments, in their order."""
    lines = "".join(documents.blocks(PAGE, "bash")).splitlines()
    parts = [part for line in lines for part in line.split(" | ")]
    return [shlex.split(part.removeprefix(COMMAND)) for part in parts if part.startswith(COMMAND)]


def test_page_has_section_per_command():
    titles = re.findall(r"^## (.+)$", PAGE, re.MULTILINE)

    assert titles == ["For all commands", *[subcommand.name for subcommand in SUBCOMMANDS]]


@pytest.mark.parametrize("subcommand", SUBCOMMANDS, ids=lambda each: each.name)
def test_section_names_every_option(subcommand):
    section = documents.section(PAGE, subcommand.name)
    parser = argparse.ArgumentParser(add_help=False)
    subcommand.add_arguments(parser)

    usage = re.search(r"^`(.+)`$", section, re.MULTILINE)[1]

    assert usage.split()[0] == subcommand.name
    assert options_in(usage) == options_in(parser.format_usage())
    assert f"```bash\n{COMMAND}{subcommand.name}" in section or f"| {COMMAND}" in section


def options_in(usage):
    return re.findall(r"--[a-z-]+", usage)


def test_examples_work(outcome, make_domain, make_key, make_token, type_in, tmp_path, monkeypatch):
    (tmp_path / "keys.csv").write_text("\n".join([HEADER, row(1)]), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    make_domain(domain="old.example")
    mobile = make_key(public_key="pk_live_tot_mobile")
    for name in ("web", "ci"):
        make_key(public_key=f"pk_live_tot_{name}")
    typed = {"inspect_token": make_token(mobile), "revoke_key": "pk_live_tot_ci\n"}

    for arguments in examples():
        type_in(typed.get(arguments[0], ""))
        result = outcome(*arguments)
        assert (result.err, result.status) == ("", 0), arguments
        assert (result.out == "") is ("-v" in arguments), arguments
        typed["inspect_token"] = make_token(mobile)

    assert ApiKey.objects.exclude(revoked_at=None).count() == 2
