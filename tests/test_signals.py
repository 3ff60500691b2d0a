"""The signals and the log lines of the exchange."""

import logging
from functools import partial

import pytest

from tests.support.requests import TOKEN_URL, body
from tests.support.times import NOON
from tests.support.tokens import claims_of
from tot_jwt.keys import lifecycle
from tot_jwt.keys.domains import suspend_domain
from tot_jwt.models import ApiKey
from tot_jwt.signals import exchange_rejected, token_issued
from tot_jwt.tokens import ApiToken


@pytest.fixture
def received():
    """Return the list of signals that are sent, with their arguments."""
    seen = []

    def receive(signal, **kwargs):
        seen.append((signal, kwargs))

    for signal in (token_issued, exchange_rejected):
        signal.connect(receive)
    yield seen
    for signal in (token_issued, exchange_rejected):
        signal.disconnect(receive)


def change_row(key, **columns):
    ApiKey.objects.filter(pk=key.pk).update(**columns)


def test_issued_token_is_signalled(make_key, make_token, received):
    key = make_key(scopes=["a"])
    claims = claims_of(make_token(key))

    assert received == [
        (
            token_issued,
            {
                "sender": ApiToken,
                "public_key": key.public_key,
                "app_domain": key.app_domain.domain,
                "scopes": {"a", "keys:manage"},
                "jti": claims["jti"],
                "expires_at": claims["exp"],
                "address": "127.0.0.1",
            },
        )
    ]


@pytest.mark.parametrize(
    ("change", "sent", "reason"),
    [
        (None, {"totApiKey": "pk_unknown"}, "unknown_key"),
        (None, {"totSecretKey": "x"}, "wrong_secret"),
        (None, {"appDomain": "x.example"}, "wrong_domain"),
        (lifecycle.revoke_key, {}, "revoked"),
        (lifecycle.disable_key, {}, "disabled"),
        (lambda key: suspend_domain(key.app_domain), {}, "domain_suspended"),
        (partial(change_row, expires_at=NOON), {}, "expired"),
        (partial(change_row, can_issue_tokens=False), {}, "may_not_issue_tokens"),
        (partial(change_row, allowed_ips="192.0.2.0/24"), {}, "address_not_allowed"),
        (None, {"scopes": "x"}, "scope_not_held"),
    ],
)
def test_rejected_exchange_is_signalled_and_logged(
    make_key, post_token, received, caplog, change, sent, reason
):
    key = make_key()
    if change:
        change(key)

    post_token(key, **sent)

    public_key = sent.get("totApiKey", key.public_key)
    expected = {
        "sender": ApiToken,
        "reason": reason,
        "public_key": public_key,
        "address": "127.0.0.1",
    }
    assert received == [(exchange_rejected, expected)]
    line = f"Exchange rejected: reason={reason} key={public_key} address=127.0.0.1"
    assert line in caplog.messages


@pytest.mark.req("E3")
def test_misplaced_secret_is_never_shown(make_key, post_token, received, caplog, settings):
    settings.TOT_JWT = {"EXCHANGE_FAILURE_RATES": {"key": "1/min"}}
    key = make_key()

    answers = [post_token(key, totApiKey=key.secret, totSecretKey=key.public_key) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [401, 429]
    assert "Rate limit exceeded: too many failures at a key" in caplog.text
    assert key.secret not in caplog.text
    assert key.secret not in str(received)


def test_failing_receiver_changes_no_response(make_key, post_token):
    def fail(**kwargs):
        raise RuntimeError

    token_issued.connect(fail)
    exchange_rejected.connect(fail)
    try:
        assert post_token(make_key()).status_code == 200
        assert post_token(make_key(), totSecretKey="x").status_code == 401
    finally:
        token_issued.disconnect(fail)
        exchange_rejected.disconnect(fail)


@pytest.mark.req("E3")
def test_log_holds_ids_but_no_secret(make_key, make_token, client, caplog):
    caplog.set_level(logging.DEBUG)
    key = make_key()
    token = make_token(key)
    client.get("/me", headers={"Authorization": f"Bearer {token}"})
    client.post("/me", body(key), content_type="application/json")
    client.post("/me", body(key, totSecretKey="zebra-secret"), content_type="application/json")
    client.get("/me", headers={"Authorization": f"Bearer {token}x"})

    jti = claims_of(token)["jti"]
    assert f"Token issued: key={key.public_key} jti={jti} address=127.0.0.1" in caplog.messages
    assert not [secret for secret in (key.secret, token, "zebra-secret") if secret in caplog.text]


@pytest.mark.req("E3")
def test_log_line_cannot_be_forged(make_key, client, caplog, settings):
    settings.TOT_JWT = {"TRUSTED_PROXIES": 1}
    sent = body(make_key(), totApiKey="a\r\nToken issued: key=forged\x1b[31m\u2028é")

    client.post(
        TOKEN_URL, sent, content_type="application/json", headers={"X-Forwarded-For": "1\r\n2"}
    )

    line = next(message for message in caplog.messages if message.startswith("Exchange rejected"))
    assert line.isascii()
    assert line.isprintable()
    assert r"a  Token issued: key=forged [31m\u2028\xe9" in line
