"""The class ApiToken, and the form that a token must have."""

import copy
import pickle
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from tests.support.token_errors import assert_token_error
from tests.support.tokens import claims_for, claims_of, sign
from tot_jwt.exceptions import ExpiredToken, InvalidToken, MalformedToken
from tot_jwt.tokens import ApiToken
from tot_jwt.tokens.backend import backend

# The class


@pytest.mark.req("A12")
def test_token_cannot_be_changed(make_key, make_token):
    token = ApiToken(make_token(make_key()))

    for change in (
        lambda: token.__setitem__("exp", 1),
        lambda: token.__delitem__("exp"),
        token.set_exp,
        token.set_iat,
        token.set_jti,
        lambda: token.payload.update(exp=1),
        lambda: setattr(token, "payload", {}),
        lambda: delattr(token, "payload"),
        lambda: setattr(token, "scopes", frozenset()),
        lambda: ApiToken.for_user(None),
        lambda: copy.deepcopy(token).__setitem__("exp", 1),
        lambda: pickle.dumps(token),
    ):
        with pytest.raises((TypeError, AttributeError)):
            change()
    assert "." not in str(token)


@pytest.mark.req("A12")
def test_token_shows_only_its_id(make_key, make_token):
    key = make_key()
    raw = make_token(key)
    token = ApiToken(raw)

    for shown in (str(token), repr(token), f"{token}"):
        assert token["jti"] in shown
        assert raw not in shown
        assert key.public_key not in shown


def test_token_reads_like_simplejwts(make_key, make_token):
    raw = make_token(make_key())
    token = ApiToken(raw)

    assert token["token_type"] == "tot_api"
    assert token.get("exp") == claims_of(raw)["exp"]
    assert "jti" in token
    assert token.lifetime == timedelta(minutes=15)
    assert token.get_token_backend() is backend()
    token.verify()
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=1)), pytest.raises(ExpiredToken):
        token.verify()


def test_token_is_never_read_unverified(make_key, make_token):
    with pytest.raises(InvalidToken):
        ApiToken(make_token(make_key()), verify=False)
    with pytest.raises(MalformedToken):
        ApiToken("")


# The form: three parts of base64url


@pytest.mark.req("A7")
@pytest.mark.parametrize(
    "bend",
    [
        lambda token: "",
        lambda token: " ",
        lambda token: " " + token,
        lambda token: token + " ",
        lambda token: token.replace(".", ". "),
        lambda token: token + "=",
        lambda token: token + "\n",
        lambda token: token + "\t",
        lambda token: f'"{token}"',
        lambda token: token + ".",
        lambda token: token + ".a",
        lambda token: token.rpartition(".")[0],
        lambda token: token.rpartition(".")[0] + ".",
        lambda token: "." + token.partition(".")[2],
        lambda token: "..",
        lambda token: token.replace(".", ",", 1),
        lambda token: token + "+/",
        lambda token: token + "é",
        lambda token: "opaque",
        lambda token: token + "a" * (4097 - len(token)),
        lambda token: token + "a" * (5 - len(token.rpartition(".")[2]) % 4),
        lambda token: token.replace("e", "\u0435", 1).encode().decode("latin-1"),
    ],
)
def test_text_of_another_form_is_malformed(make_key, make_token, get_token, bend):
    assert_token_error(get_token(bend(make_token(make_key()))), "token_malformed")


@pytest.mark.req("A7")
def test_token_may_have_4096_bytes(make_key, get_token):
    token = sign(claims_for(make_key(), jti="a" * 2740))
    assert 4050 < len(token) <= 4096

    assert get_token(token).status_code == 200
