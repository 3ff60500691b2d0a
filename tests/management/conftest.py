"""Fixtures that run ``manage.py tot_jwt``."""

import io
import json
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from django.core.management import call_command


class Outcome(NamedTuple):
    """What a command prints, what it tells on standard error, and its exit status."""

    out: str
    err: str
    status: int

    @property
    def document(self) -> Any:
        """The JSON document that it prints."""
        return json.loads(self.out)


@pytest.fixture
def outcome(db: None) -> Callable[..., Outcome]:
    """``outcome("revoke_key", "-")``: the outcome of a command that may fail."""

    def outcome(*arguments: str) -> Outcome:
        out, err, status = io.StringIO(), io.StringIO(), 0
        try:
            call_command("tot_jwt", *arguments, stdout=out, stderr=err)
        except SystemExit as exit_:
            status = int(exit_.code or 0)
        return Outcome(out.getvalue(), err.getvalue(), status)

    return outcome


@pytest.fixture
def run(db: None) -> Callable[..., str]:
    """``run("list_keys", "--json")``: what the command prints."""

    def run(*arguments: str) -> str:
        out = io.StringIO()
        call_command("tot_jwt", *arguments, stdout=out)
        return out.getvalue()

    return run


@pytest.fixture
def run_json(run: Callable[..., str]) -> Callable[..., Any]:
    """``run_json("list_keys")``: the JSON document that the command prints."""
    return lambda *arguments: json.loads(run(*arguments, "--json"))


@pytest.fixture
def type_in(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """``type_in("pk_1")``: set what the command reads from standard input."""
    return lambda text: monkeypatch.setattr("sys.stdin", io.StringIO(text))
