"""``inspect_token``."""

import io
import json

import pytest
from django.core.management import call_command

from tests.support.tokens import claims_for, sign
from tot_jwt.keys import revoke_key


@pytest.fixture
def inspect(db, monkeypatch):
    """``inspect(token, "--json")``: what the command prints, and its exit status."""

    def inspect(token, *arguments):
        monkeypatch.setattr("sys.stdin", io.StringIO(token))
        out = io.StringIO()
        try:
            call_command("tot_jwt", "inspect_token", *arguments, stdout=out)
            status = 0
        except SystemExit as exit_:
            status = exit_.code
        return out.getvalue(), status

    return inspect


@pytest.fixture
def inspect_json(inspect):
    """``inspect_json(token)``: the JSON document, and the exit status."""

    def inspect_json(token):
        printed, status = inspect(token, "--json")
        return json.loads(printed), status

    return inspect_json


def test_valid_token_exits_with_zero(inspect_json, make_key, make_token):
    key = make_key()

    printed, status = inspect_json(make_token(key) + "\n")

    assert (printed["valid"], printed["code"], status) == (True, None, 0)
    assert printed["claims"]["sub"] == key.public_key


def test_invalid_token_exits_with_one(inspect_json, make_key, make_token):
    key = make_key()
    token = make_token(key)
    revoke_key(key)
    other = make_key()

    for invalid, code, has_claims in [
        (token, "token_revoked", True),
        (sign(claims_for(other, iat=1, exp=2)), "token_expired", True),
        (sign(claims_for(other, env="test")), "token_invalid", True),
        (sign(claims_for(other), key=b"x" * 32), "token_invalid", False),
        ("nonsense", "token_malformed", False),
        ("", "token_malformed", False),
    ]:
        printed, status = inspect_json(invalid)
        assert (printed["valid"], printed["code"], status) == (False, code, 1)
        assert (printed["claims"] is not None) is has_claims


def test_text_lists_each_claim(inspect, make_key, make_token):
    key = make_key()

    printed, _ = inspect(make_token(key))

    lines = dict(line.split(maxsplit=1) for line in printed.splitlines())
    assert (lines["valid"], lines["sub"]) == ("True", key.public_key)
    assert "claims" not in printed
