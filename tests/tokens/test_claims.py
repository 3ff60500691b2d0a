"""The claims that a token must have."""

import json
from datetime import timedelta

import pytest
import time_machine

from tests.support.times import NOON
from tests.support.token_errors import assert_token_error
from tests.support.tokens import CLAIMS, claims_for, sign

NOT_TEXT: list[object] = [None, 1, True, [], ["a"], {}, 1.5]
NOT_A_NUMBER: list[object] = [None, "1", True, False, 1.0, [], {}, -1]


def test_control_with_all_claims_is_valid(make_key, get_token):
    """The other tests change this token."""
    assert get_token(sign(claims_for(make_key()))).status_code == 200


@pytest.mark.req("A8")
@pytest.mark.parametrize("claim", CLAIMS)
def test_token_without_a_claim_is_invalid(make_key, get_token, claim):
    claims = claims_for(make_key())
    del claims[claim]

    assert_token_error(get_token(sign(claims)), "token_invalid")


@pytest.mark.req("A8")
@pytest.mark.parametrize(
    ("claim", "value"),
    [
        *[
            (claim, value)
            for claim in CLAIMS
            if claim not in ("ver", "iat", "exp")
            for value in NOT_TEXT
        ],
        *[(claim, value) for claim in ("iat", "exp") for value in NOT_A_NUMBER],
        *[("ver", value) for value in NOT_A_NUMBER[:-1]],
        ("exp", 10**30),
        ("exp", 253_402_300_800),
        ("iat", 10**30),
        ("iss", "tot-jwt2"),
        ("iss", "tot-jw"),
        ("iss", "TOT-JWT"),
        ("iss", ["tot-jwt"]),
        ("aud", "tot-jwt-api2"),
        ("aud", "t"),
        ("aud", ["tot-jwt-api"]),
        ("aud", ""),
        ("token_type", "access"),
        ("token_type", "TOT_API"),
        ("client_id", "pk_live_another"),
        ("client_id", ""),
        ("jti", ""),
        ("env", "test"),
        ("env", "LIVE"),
        ("appDomain", "other.example.com"),
        ("nbf", 4_000_000_000),
        ("nbf", "soon"),
    ],
)
def test_claim_with_wrong_value_is_invalid(make_key, get_token, claim, value):
    token = sign(claims_for(make_key(), **{claim: value}))

    assert_token_error(get_token(token), "token_invalid")


@pytest.mark.req("A8")
@pytest.mark.parametrize(
    "payload",
    [
        b"{}",
        b"[]",
        b"null",
        b"text",
        b'"a"',
        b"\xff\xff",
        b"[" * 2000,
        b'{"exp": ' + b"9" * 2000 + b"}",
        b'{"a":NaN}',
    ],
)
def test_signed_payload_without_claims_is_invalid(db, get_token, payload):
    assert_token_error(get_token(sign(payload)), "token_invalid")


@pytest.mark.req("A8")
@pytest.mark.parametrize(
    "twice", [b'"scope":"a","scope":""', b'"sub":"x","sub":"y"', b'"x":{"a":1,"a":2}']
)
def test_repeated_claim_is_invalid(make_key, get_token, twice):
    valid = json.dumps(claims_for(make_key())).encode()

    assert_token_error(get_token(sign(valid[:-1] + b"," + twice + b"}")), "token_invalid")


@pytest.mark.req("A8")
@pytest.mark.parametrize(("depth", "status"), [(31, 200), (32, 401), (900, 401)])
def test_deeply_nested_claim_is_invalid(make_key, get_token, depth, status):
    valid = json.dumps(claims_for(make_key())).encode()
    nested = b"[" * depth + b"]" * depth

    answer = get_token(sign(valid[:-1] + b',"x":' + nested + b"}"))

    assert answer.status_code == status


# Times


@pytest.mark.req("A10")
@pytest.mark.parametrize(("ahead", "status"), [(0, 200), (10, 200), (11, 401), (60, 401)])
def test_issuers_clock_may_be_slightly_ahead(make_key, get_token, ahead, status):
    with time_machine.travel(NOON, tick=False):
        key = make_key()
        iat = int(NOON.timestamp()) + ahead
        answer = get_token(sign(claims_for(key, iat=iat, exp=iat + 900)))

    assert answer.status_code == status
    if status == 401:
        assert_token_error(answer, "token_invalid")


@pytest.mark.req("A10")
def test_token_expires_to_the_second(make_key, make_token, get_token):
    with time_machine.travel(NOON, tick=False):
        token = make_token(make_key())
    with time_machine.travel(NOON + timedelta(seconds=899.9), tick=False):
        assert get_token(token).status_code == 200
    with time_machine.travel(NOON + timedelta(seconds=900), tick=False):
        assert_token_error(get_token(token), "token_expired")


def test_expired_forged_token_is_invalid(make_key, get_token):
    token = sign(claims_for(make_key(), iat=1, exp=2, aud="x"))

    assert_token_error(get_token(token), "token_invalid")


@pytest.mark.req("A8")
def test_longest_possible_lifetime_is_valid(make_key, get_token):
    token = sign(claims_for(make_key(), iat=0, exp=253_402_300_799))

    assert get_token(token).status_code == 200


@pytest.mark.req("A8")
@pytest.mark.parametrize(
    ("iat", "exp"),
    [
        (-1, 253_402_300_799),
        (0, 253_402_300_800),
        (1_700_000_000, 1_700_000_000),
        (1_700_000_001, 1_700_000_000),
    ],
)
def test_impossible_times_are_invalid(make_key, get_token, iat, exp):
    token = sign(claims_for(make_key(), iat=iat, exp=exp))

    assert_token_error(get_token(token), "token_invalid")
