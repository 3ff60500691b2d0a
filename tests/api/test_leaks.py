"""Where no secret may appear: exceptions, logs, tables, caches, signals, reports to Sentry."""

import io
import json
import logging
import pickle
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import sentry_sdk
from django.core.cache import cache
from django.core.management import call_command
from django.db.models.signals import post_save
from django.test import RequestFactory
from rest_framework.request import Request
from sentry_sdk.scrubber import EventScrubber

from tests.support.admin import (
    ADD_KEY,
    SECRET,
    make_superuser,
    new_key_data,
    rotate,
    text,
)
from tests.support.keys_client import client_of
from tests.support.oauth import (
    INTROSPECT,
    MAY_INTROSPECT,
    REVOKE,
    TOKEN,
    basic,
    basic_of,
    form_of,
    members_of,
    post,
    token_of,
)
from tests.support.requests import FORM, JSON, TOKEN_URL, bearer, body, key_headers
from tot_jwt.access.exchange import exchange
from tot_jwt.authentication import ApiKeyAuthentication, JWTAuthentication
from tot_jwt.exceptions import TotJWTError
from tot_jwt.http.credentials import read_exchange
from tot_jwt.http.errors import ApiError
from tot_jwt.http.oauth import read_client, read_parameters
from tot_jwt.http.oauth_errors import OAuthError
from tot_jwt.signals import access_refused, exchange_rejected, key_event, token_issued
from tot_jwt.tokens.backend import backend

ME = "/me"
OPERATIONS = Path(__file__).parents[2] / "docs" / "operations.md"


# Exceptions


def rejection(sent: dict[str, Any]) -> ApiError:
    """Return the exception with which this request is rejected."""
    request = Request(RequestFactory().post(ME, **sent))
    with pytest.raises(ApiError) as caught:
        ApiKeyAuthentication().authenticate(request)
    return caught.value


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield the exceptions that a traceback, or a monitoring service, shows of this one."""
    while error is not None:
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


@pytest.mark.req("E1", "E3")
@pytest.mark.parametrize(
    "change",
    [
        lambda sent: sent.replace(b"}", b""),
        lambda sent: sent.replace(b"{", b'{"a": \xff, ', 1),
        lambda sent: sent + b"x",
        lambda sent: sent.replace(b"{", b'{"totSecretKey": "b", ', 1),
        lambda sent: sent.replace(b"{", b'{"a": NaN, ', 1),
        lambda sent: sent.replace(b"example", b"other"),
        lambda sent: sent.replace(b"_tot_", b"_tot_zebra"),
        lambda sent: sent.replace(b"_tot_", b"_tot_\\ud800"),
        lambda sent: sent.replace(b'"appDomain"', b'"domain"'),
    ],
)
def test_exception_chain_holds_no_input(make_key, change):
    key = make_key()
    sent = change(json.dumps(body(key)).encode())

    error = rejection({"data": sent, "content_type": JSON})

    texts = [text for link in chain(error) for text in (str(link), repr(link), str(vars(link)))]
    assert len(texts) >= 6  # the package's exception, and DRF's
    assert not [text for text in texts if key.secret[12:] in text]


@pytest.mark.req("E1", "E3")
@pytest.mark.parametrize(
    "change",
    [
        lambda sent: sent + b"&x=%ff",
        lambda sent: sent + b"\xff",
        lambda sent: sent + b"&client_secret=x",
        lambda sent: sent + b"%00",
        lambda sent: sent.replace(b"sk_", b"%ed%a0%80sk_"),
        lambda sent: b"{" + sent + b"}",
    ],
)
def test_oauth_exception_holds_no_input(make_key, change):
    key = make_key()
    sent = change(b"client_id=x&client_secret=" + key.secret.encode())
    request = RequestFactory().post(TOKEN, sent, content_type=FORM)

    with pytest.raises(TotJWTError) as caught:
        read_client(request, read_parameters(request))

    links = [link for error in (caught.value, OAuthError(caught.value)) for link in chain(error)]
    texts = [text for link in links for text in (str(link), repr(link), str(vars(link)))]
    assert not [text for text in texts if key.secret[12:] in text]


# What is stored, sent and logged


@pytest.fixture
def signalled() -> Iterator[list[Any]]:
    """Collect what receivers get: of the package's signals, and of Django's for saved rows."""
    told: list[Any] = []

    def receive(**kwargs: Any) -> None:
        instance = kwargs.get("instance")
        told.append({**kwargs, "fields": dict(vars(instance)) if instance else None})

    signals = (token_issued, exchange_rejected, access_refused, key_event, post_save)
    for signal in signals:
        signal.connect(receive)
    yield told
    for signal in signals:
        signal.disconnect(receive)


@pytest.mark.req("B2", "E3", "E4")
@pytest.mark.django_db(transaction=True)
def test_secrets_are_neither_stored_nor_sent(
    make_key, make_domain, client, caplog, signalled, tmp_path
):
    caplog.set_level(logging.DEBUG)
    make_superuser(client)
    key = make_key()
    secrets = [
        key.secret,
        *SECRET.findall(text(client.post(ADD_KEY, new_key_data(client, make_domain())))),
    ]
    secrets += SECRET.findall(text(rotate(client, key)))
    caller = client_of(key)
    created = caller.create().json()
    secrets.append(created["totSecretKey"])
    secrets.append(caller.rotate(created["totApiKey"]).json()["totSecretKey"])
    printed = io.StringIO()
    for command in (
        ["create_key", make_domain().domain, "--name", "Printed"],
        ["rotate_key", created["totApiKey"], "--grace-seconds", "0"],
    ):
        call_command("tot_jwt", *command, stdout=printed)
    secrets += SECRET.findall(printed.getvalue())
    imported = tmp_path / "keys.csv"
    imported.write_text(
        "domain,public,secret,name,environment,scopes\nimported.example,pk_i,"
        + "zebra-" * 5
        + ",I,live,\n"
    )
    call_command("tot_jwt", "import_keys", str(imported), stdout=io.StringIO())
    secrets.append("zebra-" * 5)
    guess = "sk_live_" + "tot_guess"
    client.post(TOKEN_URL, body(key, totSecretKey=guess), content_type=JSON)
    client.post(ME, body(key, totSecretKey=guess), content_type=JSON)
    dumped = io.StringIO()
    call_command("dumpdata", "--all", stdout=dumped)

    assert len(set(secrets)) == 8
    assert "sha256$" in dumped.getvalue()
    assert cache._cache
    told = f"{dumped.getvalue()} {cache._cache} {signalled} {caplog.text}"
    assert not [secret for secret in (*secrets, guess) if secret in told]
    assert not [secret for secret in (*secrets, guess) if secret[-20:] in told]


@pytest.mark.req("B2", "E3")
@pytest.mark.django_db(transaction=True)
def test_oauth_secrets_are_not_stored(make_key, client, caplog, signalled):
    caplog.set_level(logging.DEBUG)
    key = make_key(scopes=[MAY_INTROSPECT])
    token = token_of(key)
    guess = "sk_live_" + "tot_guess"
    members_of(post(INTROSPECT, {"token": token}, basic_of(key)))
    members_of(post(INTROSPECT, {"token": token}, bearer(token)))
    members_of(post(REVOKE, {"token": token, **form_of(key)}))
    post(INTROSPECT, {"token": token}, bearer(token))
    post(TOKEN, headers=basic(key.public_key, guess))
    post(REVOKE, {"client_id": key.secret, "client_secret": guess})
    dumped = io.StringIO()
    call_command("dumpdata", "--all", stdout=dumped)

    assert cache._cache
    assert len(signalled) > 3
    told = f"{dumped.getvalue()} {cache._cache} {signalled} {caplog.text}"
    hidden = [key.secret, token, guess, basic_of(key)["Authorization"][6:]]
    assert not [text for text in hidden if text in told or text[-20:] in told]


@pytest.mark.req("E2")
def test_objects_in_memory_hide_secrets(make_key, make_token):
    key = make_key()
    token = make_token(key)
    sent = RequestFactory().post(TOKEN_URL, body(key), content_type=JSON)
    asked = read_exchange(sent)
    issued = exchange(asked.credentials, None, address="127.0.0.1")
    with_keys = RequestFactory().post(ME, headers=key_headers(key))
    by_keys = ApiKeyAuthentication().authenticate(Request(with_keys))
    with_token = RequestFactory().get(ME, headers=bearer(token))
    by_token = JWTAuthentication().authenticate(Request(with_token))

    for value in (asked, asked.credentials, issued, by_keys, by_token, backend().ring):
        shown = f"{value!r} {value} {value!s:>40}"
        assert not [secret for secret in (key.secret, token, issued.raw) if secret in shown]
    assert key.secret.encode() not in pickle.dumps(asked.credentials)


# Sentry


def sentry_event(key: Any, token: str) -> dict[str, Any]:
    """Return what Sentry records of a request: its data, its headers, and local variables."""
    headers = {"Tot-Secret-Key": key.secret, "Authorization": f"Bearer {token}"}
    meta = {"HTTP_TOT_SECRET_KEY": key.secret, "HTTP_AUTHORIZATION": f"Bearer {token}"}
    return {
        "request": {"data": body(key), "headers": headers},
        "exception": {
            "values": [
                {"stacktrace": {"frames": [{"vars": {"meta": meta, "nested": [body(key)]}}]}}
            ]
        },
    }


@pytest.mark.req("E6")
def test_documented_sentry_settings_hide_secrets(make_key, make_token):
    key = make_key()
    token = make_token(key)
    (lines,) = re.findall(
        r"^```python\n(import sentry_sdk\n.*?)^```",
        OPERATIONS.read_text(),
        re.DOTALL | re.MULTILINE,
    )

    with mock.patch.object(sentry_sdk, "init") as init:
        exec(lines, {})  # noqa: S102
    as_documented, by_default = sentry_event(key, token), sentry_event(key, token)
    init.call_args.kwargs["event_scrubber"].scrub_event(as_documented)
    EventScrubber().scrub_event(by_default)

    assert key.public_key in str(as_documented)
    assert not [shown for shown in (key.secret, token) if shown in str(as_documented)]
    assert [shown for shown in (key.secret, token) if shown in str(by_default)] == [
        key.secret,
        token,
    ]
