"""simplejwt beside the package: neither accepts the other's tokens."""

import json
import subprocess
import sys
from contextlib import ExitStack

import pytest
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken, SlidingToken

from tests.support.token_errors import assert_token_error
from tests.support.tokens import CLAIMS, claims_of


@pytest.mark.req("A1")
@pytest.mark.parametrize("kind", [AccessToken, RefreshToken, SlidingToken])
@pytest.mark.parametrize("shared_key", [False, True])
def test_simplejwts_token_is_invalid_here(make_user, get_token, kind, shared_key, settings):
    if shared_key:
        settings.TOT_JWT = {"SIGNING_KEY": settings.SECRET_KEY}

    assert_token_error(get_token(str(kind.for_user(make_user()))), "token_invalid")


@pytest.mark.req("A1")
@pytest.mark.parametrize("url", ["/simplejwt", "/simplejwt-stateless"])
@pytest.mark.parametrize("shared_key", [False, True])
def test_simplejwt_rejects_our_token(make_key, make_token, client, url, shared_key, settings):
    if shared_key:
        settings.TOT_JWT = {"SIGNING_KEY": settings.SECRET_KEY}

    answer = client.get(url, headers={"Authorization": f"Bearer {make_token(make_key())}"})

    assert answer.status_code == 401


@pytest.mark.req("A1")
def test_no_claim_is_named_like_simplejwts(make_key, make_token):
    token = make_token(make_key())

    assert not [name for name in claims_of(token) if name == "user_id" or name.startswith("is_")]
    with pytest.raises(TokenError):
        AccessToken(token)


SETTINGS = [
    {"TOKEN_TYPE_CLAIM": None},
    {"JTI_CLAIM": None},
    {"TOKEN_TYPE_CLAIM": None, "JTI_CLAIM": None},
    {"LEEWAY": 10_000_000},
    {"ALGORITHM": "HS512"},
    {"AUDIENCE": "x", "ISSUER": "y"},
    {"SIGNING_KEY": "s" * 32, "VERIFYING_KEY": "v" * 32},
    {"TOKEN_TYPE_CLAIM": "kind", "JTI_CLAIM": "id"},
]
FORGED = [*CLAIMS, "expired", "type", "alg", "audience", "issuer", "key"]


@pytest.mark.req("A2")
def test_no_simplejwt_setting_weakens_a_check():
    """Each setting needs a process: simplejwt reads its settings once, when it is imported."""
    command = [sys.executable, "-W", "error::DeprecationWarning"]
    command += ["-m", "tests.support.process_simple_jwt"]
    with ExitStack() as stack:
        processes = [
            stack.enter_context(
                subprocess.Popen(
                    [*command, json.dumps(setting)],
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                )
            )
            for setting in SETTINGS
        ]
        results = [(*process.communicate(), process.returncode) for process in processes]

    expected = ["good:200", *[f"{name}:401" for name in FORGED]]
    for setting, (output, errors, status) in zip(SETTINGS, results, strict=True):
        assert (output.split(), errors, status) == (expected, "", 0), setting
