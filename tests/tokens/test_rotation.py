"""Changing the signing key step by step, so that no token ends early.

A deployment restarts one process after the other. In each step some processes have the settings of
the step before, and some have new ones: both kinds must accept the tokens of both.
"""

from itertools import pairwise

import pytest

from tests.support.key_pairs import (
    SECRET,
    key_pair_settings,
    private_pem,
    public_pem,
)
from tests.support.token_errors import assert_token_error

OLD, NEW = "o" * 32, "n" * 32


def same_algorithm(algorithm):
    """Return the steps from a private key to another one of the same kind."""
    old, new = private_pem(algorithm), private_pem(algorithm, 1)
    return [
        {"ALGORITHM": algorithm, "SIGNING_KEY": old},
        {"ALGORITHM": algorithm, "SIGNING_KEY": old, "VERIFYING_KEYS": [public_pem(new)]},
        {"ALGORITHM": algorithm, "SIGNING_KEY": new, "VERIFYING_KEYS": [public_pem(old)]},
        {"ALGORITHM": algorithm, "SIGNING_KEY": new},
    ]


#: Each step's TOT_JWT. Between the last two steps, wait for a token's lifetime.
STEPS = {
    "secret": lambda: [
        {"SIGNING_KEY": OLD},
        {"SIGNING_KEY": OLD, "VERIFYING_KEYS": [NEW]},
        {"SIGNING_KEY": NEW, "VERIFYING_KEYS": [OLD]},
        {"SIGNING_KEY": NEW},
    ],
    "derived secret to a secret": lambda: [
        {},
        {"VERIFYING_KEYS": [NEW]},
        {"SIGNING_KEY": NEW, "VERIFYING_KEYS": [None]},
        {"SIGNING_KEY": NEW},
    ],
    "RS256": lambda: same_algorithm("RS256"),
    "ES256": lambda: same_algorithm("ES256"),
    "EdDSA": lambda: same_algorithm("EdDSA"),
    "derived secret to ES256": lambda: [
        {},
        {"VERIFYING_KEYS": [private_pem("ES256")]},
        key_pair_settings("ES256", VERIFYING_KEYS=[None]),
        key_pair_settings("ES256"),
    ],
    "secret to EdDSA": lambda: [
        {"SIGNING_KEY": SECRET},
        {"SIGNING_KEY": SECRET, "VERIFYING_KEYS": [public_pem(private_pem("EdDSA"))]},
        key_pair_settings("EdDSA", VERIFYING_KEYS=[SECRET]),
        key_pair_settings("EdDSA"),
    ],
    "RS256 to ES256": lambda: [
        key_pair_settings("RS256"),
        key_pair_settings("RS256", VERIFYING_KEYS=[public_pem(private_pem("ES256"))]),
        key_pair_settings("ES256", VERIFYING_KEYS=[public_pem(private_pem("RS256"))]),
        key_pair_settings("ES256"),
    ],
    "ES256 back to the derived secret": lambda: [
        key_pair_settings("ES256"),
        key_pair_settings("ES256", VERIFYING_KEYS=[None]),
        {"VERIFYING_KEYS": [public_pem(private_pem("ES256"))]},
        {},
    ],
}


@pytest.mark.parametrize("steps", STEPS.values(), ids=STEPS)
def test_rotation_ends_no_token_early(make_key, make_token, get_token, settings, steps):
    # In the last step, tokens of the first two have expired.
    *during, last = steps()
    key = make_key()

    for before, after in [*pairwise(during), (during[-1], last)]:
        for issuer in (before, after):
            settings.TOT_JWT = issuer
            token = make_token(key)
            for verifier in (before, after):
                settings.TOT_JWT = verifier
                assert get_token(token).status_code == 200


@pytest.mark.parametrize("steps", STEPS.values(), ids=STEPS)
def test_skipped_step_ends_tokens(make_key, make_token, get_token, settings, steps):
    first, *_, last = steps()
    settings.TOT_JWT = first
    token = make_token(make_key())

    settings.TOT_JWT = last

    assert_token_error(get_token(token), "token_invalid")


@pytest.mark.parametrize(("before", "after"), [("JWT", "at+jwt"), ("at+jwt", "JWT")])
def test_changed_type_ends_no_token(make_key, make_token, get_token, settings, before, after):
    key = make_key()

    for issuer in (before, after):
        settings.TOT_JWT = key_pair_settings("ES256", TOKEN_TYP=issuer)
        token = make_token(key)
        for verifier in (before, after):
            settings.TOT_JWT = key_pair_settings("ES256", TOKEN_TYP=verifier)
            assert get_token(token).status_code == 200
