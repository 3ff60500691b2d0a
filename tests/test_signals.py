"""The signals and the log lines of the exchange."""

import hashlib
import logging
import re
from functools import partial

import pytest
from django.dispatch import Signal

from tests.support.documents import read, section, table
from tests.support.faults import database_gone
from tests.support.oauth import (
    ENDPOINTS,
    INTROSPECT,
    MAY_INTROSPECT,
    REVOKE,
    basic,
    basic_of,
    post,
    token_of,
)
from tests.support.requests import JSON, TOKEN_URL, bearer, body
from tests.support.times import NOON
from tests.support.tokens import claims_of
from tot_jwt import signals
from tot_jwt.keys import lifecycle
from tot_jwt.keys import state as key_state
from tot_jwt.keys.domains import suspend_domain
from tot_jwt.models import ApiKey
from tot_jwt.signals import (
    access_refused,
    database_unavailable,
    exchange_rejected,
    request_throttled,
    token_issued,
)
from tot_jwt.tokens import ApiToken

README = read("README.md")
SIGNALS = (
    token_issued,
    exchange_rejected,
    access_refused,
    request_throttled,
    database_unavailable,
)


@pytest.fixture
def received():
    """Return the list of signals that are sent, with their arguments."""
    seen = []

    def receive(signal, **kwargs):
        seen.append((signal, kwargs))

    for signal in SIGNALS:
        signal.connect(receive)
    yield seen
    for signal in SIGNALS:
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

    fields = {"reason": reason, "public_key": key.public_key, "address": "127.0.0.1"}
    assert received == [(exchange_rejected, {"sender": ApiToken, **fields})]
    line = f"Exchange rejected: reason={reason} key={key.public_key} address=127.0.0.1"
    [record] = [record for record in caplog.records if record.getMessage() == line]
    assert fields.items() <= vars(record).items()


@pytest.mark.req("E3")
def test_misplaced_secret_is_never_shown(make_key, post_token, received, caplog, settings):
    settings.TOT_JWT = {"EXCHANGE_FAILURE_RATES": {"key": "1/min"}}
    key = make_key()

    answers = [post_token(key, totApiKey=key.secret, totSecretKey=key.public_key) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [401, 429]
    assert "Rate limit exceeded: too many failures at a key" in caplog.text
    assert key.secret not in caplog.text
    assert key.secret not in str(received)


@pytest.mark.req("E9")
@pytest.mark.parametrize(
    "misplaced",
    [
        "sk_live_" + "tot_zebra" * 4,
        " sk_live_" + "tot_zebra" * 4,
        '"sk_live_' + "tot_zebra" * 4,
        "Bearer sk_live_" + "tot_zebra" * 4,
        "secret_" + "1f2ezebra" * 4,
        "AKIA" + "zebra" * 4,
        "zebra-zebra",
        "zebr",
        "7351",
        "pk_live_tot_unknownzebra",
    ],
)
def test_unknown_key_is_only_hinted_at(make_key, post_token, client, received, caplog, misplaced):
    key = make_key()
    post_token(key, totApiKey=misplaced)
    client.post("/me", body(key, totApiKey=misplaced), content_type=JSON)

    [exchange, direct] = [kwargs["public_key"] for _, kwargs in received]
    shown, _, digest = exchange.partition("...#")
    assert exchange == direct
    assert misplaced.startswith(shown)
    assert len(shown) <= min(8, len(misplaced) / 4)
    assert re.fullmatch("[0-9a-f]{8}", digest)
    assert f"key={exchange} " in caplog.text
    assert hashlib.sha256(misplaced.encode()).hexdigest()[:8] not in caplog.text
    told = f"{caplog.text} {received}"
    assert misplaced not in told
    assert misplaced[-4:] not in told


@pytest.mark.req("E9")
def test_hint_distinguishes_unknown_keys(make_key, post_token, received):
    for public_key in ("pk_live_one", "pk_live_two", "pk_live_one"):
        post_token(make_key(), totApiKey=public_key)

    one, two, again = [kwargs["public_key"] for _, kwargs in received]
    assert one == again != two


class FailingHandler(logging.Handler):
    """A host's handler that fails."""

    def emit(self, record):
        raise RuntimeError


@pytest.fixture
def failing_handlers():
    """Have each log line and each receiver fail."""

    def fail(**kwargs):
        raise RuntimeError

    handler = FailingHandler()
    for name in ("tot_jwt", "django.dispatch"):
        logging.getLogger(name).addHandler(handler)
    for signal in SIGNALS:
        signal.connect(fail)
    yield
    for name in ("tot_jwt", "django.dispatch"):
        logging.getLogger(name).removeHandler(handler)
    for signal in SIGNALS:
        signal.disconnect(fail)


@pytest.mark.req("E10")
def test_failing_receivers_change_no_response(
    make_key, post_token, get_token, client, settings, caplog, failing_handlers
):
    caplog.set_level(logging.INFO, logger="tot_jwt")
    settings.TOT_JWT = {"EXCHANGE_FAILURE_RATES": {"key": "2/min"}}
    key = make_key()
    token = post_token(key).json()["token"]

    assert get_token(token).status_code == 200
    assert client.delete(TOKEN_URL, headers=bearer(token)).status_code == 204
    assert get_token(token).status_code == 401
    assert post_token(key, totSecretKey="x").status_code == 401
    wrong = body(key, totSecretKey="x")
    direct = [client.post("/me", wrong, content_type=JSON).status_code for _ in range(2)]
    assert direct == [401, 429]
    key_state.reset()
    with database_gone():
        assert post_token(key).status_code == 503


def test_readme_lists_signals_and_arguments(make_key, post_token, get_token, received, settings):
    settings.TOT_JWT = {"EXCHANGE_FAILURE_RATES": {"key": "1/min"}}
    key = make_key()
    post_token(key)
    get_token("x")
    for _ in range(2):
        post_token(key, totSecretKey="x")
    other = make_key()
    with database_gone():
        post_token(other)

    rows = {name: arguments for name, _, arguments in table(section(README, "Signals and metrics"))}
    names = [name for name, value in vars(signals).items() if isinstance(value, Signal)]
    assert list(rows) == [f"`{name}`" for name in names]
    sent = {signal: set(kwargs) - {"sender"} for signal, kwargs in received}
    assert set(sent) == set(SIGNALS)
    for signal, arguments in sent.items():
        [name] = [name for name in names if getattr(signals, name) is signal]
        assert (name, set(re.findall("`(.*?)`", rows[f"`{name}`"]))) == (name, arguments)


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
    forged = "a\r\nTok\x1b\u2028é: key=forged" + "x" * 20
    sent = body(make_key(), totApiKey=forged)

    client.post(
        TOKEN_URL, sent, content_type="application/json", headers={"X-Forwarded-For": "1\r\n2"}
    )

    line = next(message for message in caplog.messages if message.startswith("Exchange rejected"))
    assert line.isascii()
    assert line.isprintable()
    assert r"key=a  Tok \u2028...#" in line
    assert line.endswith(" address=")


# The OAuth endpoints


@pytest.mark.req("E3", "E10")
def test_oauth_token_is_signalled(make_key, received, caplog):
    caplog.set_level(logging.DEBUG)
    key = make_key(scopes=["a", "b"])
    token = token_of(key, scope="a")

    claims = claims_of(token)
    assert received == [
        (
            token_issued,
            {
                "sender": ApiToken,
                "public_key": key.public_key,
                "app_domain": key.app_domain.domain,
                "scopes": {"a"},
                "jti": claims["jti"],
                "expires_at": claims["exp"],
                "address": "127.0.0.1",
            },
        )
    ]
    line = f"Token issued: key={key.public_key} jti={claims['jti']} address=127.0.0.1"
    assert line in caplog.messages
    header = basic_of(key)["Authorization"]
    assert not [text for text in (key.secret, token, header) if text in caplog.text]


@pytest.mark.req("E10")
@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"secret_hash": "x"}, "wrong_secret"),
        ({"revoked_at": NOON}, "revoked"),
        ({"allowed_ips": ["192.0.2.0/24"]}, "address_not_allowed"),
        ({"app_domain__suspended_at": NOON}, "domain_suspended"),
    ],
)
def test_rejected_client_is_signalled(make_key, received, caplog, columns, reason):
    key = make_key(scopes=[MAY_INTROSPECT], **columns)

    for url in ENDPOINTS:
        post(url, headers=basic_of(key))

    by_signal = [(signal, kwargs["reason"], kwargs["public_key"]) for signal, kwargs in received]
    assert by_signal == [
        (signal, reason, key.public_key)
        for signal in (exchange_rejected, access_refused, access_refused)
    ]
    told = f"reason={reason} key={key.public_key} "
    assert f"Exchange rejected: {told}address=127.0.0.1" in caplog.messages
    assert f"Access refused: {told}jti= address=127.0.0.1" in caplog.messages
    assert key.secret not in f"{caplog.text} {received}"


@pytest.mark.req("E10")
def test_refused_oauth_caller_is_signalled(make_key, received):
    key, other = make_key(), make_key()
    token = token_of(other)
    received.clear()

    post(INTROSPECT, {"token": token}, basic_of(key))
    post(REVOKE, {"token": token}, basic_of(key))

    assert [(kwargs["reason"], kwargs["public_key"], kwargs["jti"]) for _, kwargs in received] == [
        ("insufficient_scope", key.public_key, ""),
        ("token_of_another_client", key.public_key, ""),
    ]


@pytest.mark.req("E9")
@pytest.mark.parametrize("url", ENDPOINTS)
@pytest.mark.parametrize("prefix", ["", " ", '"', "Bearer "])
def test_secret_as_client_is_hinted_at(make_key, received, caplog, url, prefix):
    caplog.set_level(logging.DEBUG)
    key = make_key()
    misplaced = prefix + key.secret

    post(url, headers=basic(misplaced, key.public_key))
    post(url, {"client_id": misplaced, "client_secret": key.public_key})

    first, second = (kwargs["public_key"] for _, kwargs in received)
    assert first == second
    assert re.fullmatch(r".{8}\.\.\.#[0-9a-f]{8}", first)
    told = f"{caplog.text} {received}"
    assert f"key={first} " in told
    assert key.secret not in told
    assert key.secret[-4:] not in told
