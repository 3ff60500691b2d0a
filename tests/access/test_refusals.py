"""The trace of refused tokens, direct API keys and key changes (security.md E10)."""

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client

from tests.support.keys_client import client_of, code_of
from tests.support.requests import JSON, TOKEN_URL, bearer, body
from tests.support.times import NOON
from tests.support.tokens import HEADER, claims_for, claims_of, sign
from tot_jwt.access.refusals import key_hint, report_refusal
from tot_jwt.exceptions import ExpiredToken, InvalidToken, KeyNotYours, RevokedToken
from tot_jwt.keys import lifecycle
from tot_jwt.keys.domains import suspend_domain
from tot_jwt.models import ApiKey
from tot_jwt.signals import access_refused

pytestmark = pytest.mark.req("E10")
ME = "/me"
FIELDS = ("reason", "public_key", "jti", "address")


@pytest.fixture
def traces(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[], list[tuple[str, ...]]]]:
    """``traces()``: the fields of the signals; first check that the log tells the same."""
    caplog.set_level(logging.DEBUG, logger="tot_jwt")
    sent: list[tuple[str, ...]] = []

    def receive(**kwargs: Any) -> None:
        sent.append(tuple(kwargs[name] for name in FIELDS))

    def read() -> list[tuple[str, ...]]:
        records = [each for each in caplog.records if "Access refused" in each.getMessage()]
        line = "Access refused: reason={} key={} jti={} address={}"
        assert [record.getMessage() for record in records] == [line.format(*each) for each in sent]
        told = [tuple(getattr(record, name) for name in FIELDS) for record in records]
        assert told == sent
        return sent

    access_refused.connect(receive)
    yield read
    access_refused.disconnect(receive)


@pytest.fixture
def use(client: Client) -> Callable[[str, str], int]:
    """``use(token, url)``: send a token from 192.0.2.1; return the status."""

    def get(token: str, url: str = TOKEN_URL) -> int:
        return client.get(url, headers=bearer(token), REMOTE_ADDR="192.0.2.1").status_code

    return get


# Tokens


@pytest.mark.parametrize("url", [TOKEN_URL, ME])
@pytest.mark.parametrize(
    ("forge", "reason"),
    [
        (lambda claims: sign(claims) + "=", "token_malformed"),
        (lambda claims: sign(claims, key=b"k" * 32), "bad_signature"),
        (lambda claims: sign(claims)[:-4] + "AAAA", "bad_signature"),
        (lambda claims: sign({**claims, "aud": "other"}), "InvalidAudienceError"),
        (lambda claims: sign({**claims, "ver": "1"}), "claim_ver"),
        (lambda claims: sign(claims, {**HEADER, "alg": "none"}), "bad_signature"),
    ],
)
def test_forged_token_names_no_key(make_key, use, traces, forge, reason, url):
    token = forge(claims_for(make_key()))

    assert use(token, url) == 401

    assert traces() == [(reason, "", "", "192.0.2.1")]


@pytest.mark.parametrize("url", [TOKEN_URL, ME])
@pytest.mark.parametrize("warm", [False, True], ids=["cold", "cached"])
@pytest.mark.parametrize(
    ("end", "status", "reason"),
    [
        (lifecycle.revoke_key, 401, "revoked"),
        (lifecycle.disable_key, 401, "disabled"),
        (lambda key: suspend_domain(key.app_domain), 401, "domain_suspended"),
        (lambda key: save_with(key, expires_at=NOON), 401, "expired"),
        (lambda key: save_with(key, generation=2), 401, "old_generation"),
        (lambda key: save_with(key, allowed_ips="198.51.100.0/24"), 403, "address_not_allowed"),
    ],
)
def test_refused_token_names_its_key(make_key, use, traces, end, status, reason, warm, url):
    key = make_key()
    token = sign(claims_for(key))
    if warm:
        assert use(token, url) == 200
    end(key)

    assert use(token, url) == status

    assert traces() == [(reason, key.public_key, claims_of(token)["jti"], "192.0.2.1")]


def save_with(key: ApiKey, **columns: Any) -> None:
    for name, value in columns.items():
        setattr(key, name, value)
    key.save()


@pytest.mark.parametrize("url", [TOKEN_URL, ME])
def test_expired_token_is_no_warning(make_key, use, traces, caplog, url):
    key = make_key()
    token = sign(claims_for(key, iat=1, exp=2))

    assert use(token, url) == 401

    assert traces() == [("token_expired", key.public_key, "0f" * 16, "192.0.2.1")]
    assert levels(caplog) == ["INFO"]


def levels(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        each.levelname for each in caplog.records if each.getMessage().startswith("Access refused")
    ]


def test_other_refusals_are_warnings(caplog):
    for refusal in (InvalidToken("x"), RevokedToken("x"), KeyNotYours(), ExpiredToken()):
        report_refusal(refusal, address="192.0.2.1")

    assert levels(caplog) == ["WARNING"] * 3


@pytest.mark.parametrize("foreign", ["opaque", "a.b", "a.b.c", "e30.e30.e30"])
def test_foreign_token_leaves_no_trace(db, use, traces, foreign):
    use(foreign, ME)
    use(sign({"token_type": "access", "user_id": 1}, key=b"k" * 32), ME)

    assert traces() == []


def test_accepted_requests_leave_no_trace(make_key, client, use, traces):
    key = make_key()
    token = sign(claims_for(key))

    assert use(token) == use(token, ME) == 200
    assert client.post(ME, body(key), content_type=JSON).status_code == 200
    assert client.get(TOKEN_URL).status_code == 401
    assert client_of(key).create().status_code == 201

    assert traces() == []


# API keys


@pytest.mark.parametrize(
    ("change", "sent", "reason"),
    [
        (None, {"totSecretKey": "wrong"}, "wrong_secret"),
        (None, {"appDomain": "x.example"}, "wrong_domain"),
        (lifecycle.revoke_key, {}, "revoked"),
        (lifecycle.disable_key, {}, "disabled"),
        (lambda key: suspend_domain(key.app_domain), {}, "domain_suspended"),
        (
            lambda key: save_with(key, allowed_ips="198.51.100.0/24"),
            {"totSecretKey": "wrong"},
            "wrong_secret",
        ),
        (lambda key: save_with(key, allowed_ips="198.51.100.0/24"), {}, "address_not_allowed"),
    ],
)
def test_refused_direct_keys_are_traced(make_key, guess, traces, change, sent, reason):
    key = make_key()
    if change:
        change(key)

    guess(key, ME, **{"totSecretKey": key.secret, **sent})

    assert traces() == [(reason, key.public_key, "", "192.0.2.1")]


def test_rejected_exchange_has_own_trace(make_key, guess, traces, caplog):
    guess(make_key())

    assert traces() == []
    assert "Exchange rejected: reason=wrong_secret" in caplog.text


def test_sender_is_class_of_exception(make_key, use):
    senders = []

    def receive(sender: Any, **kwargs: Any) -> None:
        senders.append(sender)

    access_refused.connect(receive, sender=InvalidToken)
    try:
        use(sign(claims_for(make_key()), key=b"k" * 32))
        use(sign(claims_for(make_key(), iat=1, exp=2)))
    finally:
        access_refused.disconnect(receive, sender=InvalidToken)

    assert senders == [InvalidToken]


def test_failing_receiver_stops_no_other():
    def fail(**kwargs: Any) -> None:
        raise RuntimeError

    seen = []

    def see(**kwargs: Any) -> None:
        seen.append(kwargs["reason"])

    access_refused.connect(fail)
    access_refused.connect(see)
    try:
        report_refusal(InvalidToken("x"), address="192.0.2.1")
    finally:
        access_refused.disconnect(fail)
        access_refused.disconnect(see)

    assert seen == ["x"]


@pytest.mark.req("E3")
def test_trace_is_one_line(traces, caplog):
    report_refusal(
        InvalidToken("a\nb"), public_key="pk\r\nforged", jti="j\x1bk", address="1\n2 \u2028"
    )

    (record,) = caplog.records
    expected = r"Access refused: reason=a b key=pk  forged jti=j k address=1 2 \u2028"
    assert record.getMessage() == expected
    assert record.public_key == "pk  forged"


@pytest.mark.req("E9")
def test_hint_needs_no_secret_key(settings):
    with_key = key_hint("pk_live_unknown")
    settings.SECRET_KEY = ""

    hint = key_hint("pk_live_unknown")

    assert hint == key_hint("pk_live_unknown") != with_key
    assert hint.startswith("pk_...#")


def test_token_without_manage_scope_traced(
    make_key: Callable[..., Any], traces: Callable[[], list[tuple[str, ...]]]
) -> None:
    key = make_key(scopes=["a:b"])

    assert code_of(client_of(key, scopes="a:b").create()) == (403, "insufficient_scope")

    assert [each[:2] for each in traces()] == [("insufficient_scope", key.public_key)]
