"""Fixtures that run ``manage.py tot_jwt``."""

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import call_command


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
