"""Where a secret must not turn up: error reports, logs, exceptions, the database, the cache, and what leaves it."""

import io
import json
import logging
import pickle
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import urlencode

import pytest
import sentry_sdk
from django.core.cache import cache
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db.models.signals import post_save
from django.test import Client, RequestFactory
from django.views.debug import ExceptionReporter
from rest_framework.request import Request
from sentry_sdk.scrubber import EventScrubber

from tests.support.admin import (
    ADD_KEY,
    SECRET,
    make_superuser,
    new_key_data,
    rotate,
    rotate_url,
    rotation_data,
    text,
)
from tests.support.keys_client import client_of
from tests.support.requests import FORM, JSON, TOKEN_URL, body
from tests.views import WhoAmI
from tot_jwt.access.exchange import exchange
from tot_jwt.authentication import ApiKeyAuthentication, JWTAuthentication
from tot_jwt.http.credentials import read_exchange
from tot_jwt.http.errors import ApiError
from tot_jwt.signals import exchange_rejected, key_event, token_issued
from tot_jwt.tokens import backend as signing

ME = "/me"
OPERATIONS = Path(__file__).parents[2] / "docs" / "operations.md"


def ways(key: Any) -> dict[str, dict[str, Any]]:
    """The keys as a request can carry them: what `Client.post` takes."""
    names = {
        "Tot-App-Domain": "appDomain",
        "Tot-Api-Key": "totApiKey",
        "Tot-Secret-Key": "totSecretKey",
    }
    return {
        "json": {"data": body(key), "content_type": JSON},
        "form": {"data": urlencode(body(key)), "content_type": FORM},
        "headers": {"headers": {header: body(key)[name] for header, name in names.items()}},
    }


@pytest.fixture
def superuser(db: None, client: Client) -> Any:
    """Log in a superuser."""
    return make_superuser(client)


@pytest.fixture
def bug(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """``bug("exchange.check_credentials")``: from now on this has a bug."""
    return lambda place: monkeypatch.setattr(
        f"tot_jwt.{place}", mock.Mock(side_effect=RuntimeError("bug"))
    )


@pytest.fixture
def reports(caplog: pytest.LogCaptureFixture) -> Callable[[Any], str]:
    """``reports(answer)``: all that Django and the log say of the exception that ended the request."""

    def read(answer: Any) -> str:
        assert answer.status_code == 500
        reporter = ExceptionReporter(answer.wsgi_request, *answer.exc_info)
        told = [reporter.get_traceback_text(), reporter.get_traceback_html(), caplog.text]
        assert all("RuntimeError" in report for report in told)
        return "\n".join(told)

    caplog.set_level(logging.DEBUG)
    return read


@pytest.fixture
def fragile() -> Client:
    """A client that gets the 500 which a bug is."""
    return Client(raise_request_exception=False)


# Error reports


@pytest.mark.req("E1")
@pytest.mark.parametrize("way", ["json", "form"])
@pytest.mark.parametrize(
    "place",
    [
        "parsers._media_type",
        "parsers._pairs",
        "parsers._check_depth",
        "parsers._once",
        "_errors",
        "_credentials",
        "parsers.PresentedSecret",
        "exchange.check_credentials",
        "limits.count_exchange",
        "usage.secret_used",
        "tokens.ApiToken.issue",
        "signals.token_issued.send_robust",
        "serializers.issued_token",
    ],
)
def test_bug_in_the_exchange_reports_no_secret(make_key, fragile, reports, bug, place, way):
    key = make_key()
    bug(place)

    assert key.secret not in reports(fragile.post(TOKEN_URL, **ways(key)[way]))


@pytest.mark.req("E1", "E6")
@pytest.mark.parametrize("way", ["json", "form", "headers"])
@pytest.mark.parametrize(
    "place",
    [
        "_errors",
        "_credentials",
        "verification.check_credentials",
        "usage.secret_used",
        "verification.ApiKeyAuth",
    ],
)
def test_bug_while_direct_keys_are_verified_reports_no_secret(
    make_key, fragile, reports, bug, place, way
):
    key = make_key()
    bug(place)

    assert key.secret not in reports(fragile.post(ME, **ways(key)[way]))


@pytest.mark.req("E1", "E6")
@pytest.mark.parametrize("way", ["json", "form"])
@pytest.mark.parametrize(
    "place",
    ["_has_names", "_parsed", "_media_type", "_check_depth", "_once"],
    ids="parsers.{}".format,
)
def test_bug_while_direct_keys_are_looked_for_reports_no_secret(
    make_key, fragile, reports, bug, place, way
):
    key = make_key()
    bug(f"parsers.{place}")

    assert key.secret not in reports(fragile.post(ME, **ways(key)[way]))


@pytest.mark.req("E1", "E6")
@pytest.mark.parametrize("way", ["json", "form", "headers"])
def test_bug_in_a_view_behind_direct_keys_reports_no_secret(
    make_key, fragile, reports, monkeypatch, way
):
    key = make_key()
    monkeypatch.setattr(WhoAmI, "post", mock.Mock(side_effect=RuntimeError("bug")))

    assert key.secret not in reports(fragile.post(ME, **ways(key)[way]))


@pytest.mark.req("E1")
@pytest.mark.parametrize(
    "place",
    [
        "verification.check_token",
        "verification._check_address",
        "verification.ApiClient",
        "usage.key_used",
        "signing.TokenBackend.decode",
    ],
)
def test_bug_while_a_token_is_verified_reports_no_token(
    make_key, make_token, fragile, reports, bug, place
):
    token = make_token(make_key())
    bug(place)

    assert token not in reports(fragile.get(ME, headers={"Authorization": f"Bearer {token}"}))


@pytest.mark.req("E1")
@pytest.mark.parametrize(
    "place",
    [
        "key_requests._text",
        "key_requests.Rotation",
        "delegation.rotate_key",
        "lifecycle.record",
        "serializers.new_api_key",
    ],
)
def test_bug_in_a_rotation_reports_neither_the_old_nor_the_new_secret(
    make_key, reports, bug, place
):
    key = make_key()
    caller = client_of(key)
    caller.client.raise_request_exception = False
    bug(place)

    assert not SECRET.search(reports(caller.rotate(key, totSecretKey=key.secret, graceSeconds=60)))


@pytest.mark.req("E1")
@pytest.mark.parametrize("place", ["lifecycle.record", "serializers.new_api_key"])
def test_bug_while_a_token_makes_a_key_reports_no_secret(make_key, reports, bug, place):
    caller = client_of(make_key())
    caller.client.raise_request_exception = False
    bug(place)

    assert not SECRET.search(reports(caller.create()))


@pytest.mark.req("E1", "E4")
@pytest.mark.parametrize(
    "place",
    [
        "lifecycle.record",
        "admin.rotation.RotationAdmin.show_once",
        "admin.rotation.TemplateResponse",
    ],
)
@pytest.mark.parametrize("act", ["create", "rotate"])
def test_bug_in_the_admin_reports_no_new_secret(
    superuser, make_key, make_domain, client, reports, bug, act, place
):
    client.raise_request_exception = False
    key = make_key()
    url, data = (
        (rotate_url(key), rotation_data(client, key))
        if act == "rotate"
        else (ADD_KEY, new_key_data(client, make_domain()))
    )
    bug(place)

    assert not SECRET.search(reports(client.post(url, data)))


@pytest.mark.req("E1")
def test_debug_page_of_a_bug_behind_the_parser_shows_no_secret(make_key, fragile, bug, settings):
    """DEBUG hides nothing that is text: what gets past the parser is an object that shows nothing."""
    settings.DEBUG = True
    key = make_key()
    bug("tokens.ApiToken.issue")

    page = fragile.post(TOKEN_URL, **ways(key)["json"])

    assert "RuntimeError" in text(page)
    assert key.public_key in text(page)
    assert key.secret not in text(page)


@pytest.mark.req("A5", "E1")
@pytest.mark.parametrize("broken", [{"ALGORITHM": "HS512"}, {"ALGORITHM": "none"}])
def test_report_of_a_signing_key_that_cannot_be_used_does_not_show_it(
    make_key, fragile, settings, broken
):
    signing_key = "zebra-" + "k" * 34
    key = make_key()
    settings.TOT_JWT = {"SIGNING_KEY": signing_key, "VERIFYING_KEYS": [signing_key], **broken}

    answer = fragile.post(TOKEN_URL, **ways(key)["json"])

    assert answer.exc_info[0] is ImproperlyConfigured
    reporter = ExceptionReporter(answer.wsgi_request, *answer.exc_info)
    for report in (reporter.get_traceback_text(), reporter.get_traceback_html()):
        assert "ImproperlyConfigured" in report
        assert "zebra" not in report
        assert settings.SECRET_KEY not in report


# Exceptions


def refusal(sent: dict[str, Any]) -> ApiError:
    """What stands behind the refusal of this request."""
    request = Request(RequestFactory().post(ME, **sent))
    with pytest.raises(ApiError) as caught:
        ApiKeyAuthentication().authenticate(request)
    return caught.value


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """The exceptions that a traceback, or a monitoring service, shows of this one."""
    while error is not None:
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


@pytest.mark.req("E1", "E3")
@pytest.mark.parametrize(
    "bend",
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
def test_chain_of_exceptions_holds_nothing_that_was_sent(make_key, bend):
    key = make_key()
    sent = bend(json.dumps(body(key)).encode())

    error = refusal({"data": sent, "content_type": JSON})

    said = [words for link in chain(error) for words in (str(link), repr(link), str(vars(link)))]
    assert len(said) >= 6  # ours, and DRF's of it
    assert not [words for words in said if key.secret[12:] in words]


# What is kept, and what is told


@pytest.fixture
def signalled() -> Iterator[list[Any]]:
    """What any receiver is told: our signals, and Django's of each row that is saved."""
    told: list[Any] = []

    def receive(**kwargs: Any) -> None:
        instance = kwargs.get("instance")
        told.append({**kwargs, "fields": dict(vars(instance)) if instance else None})

    signals = (token_issued, exchange_rejected, key_event, post_save)
    for signal in signals:
        signal.connect(receive)
    yield told
    for signal in signals:
        signal.disconnect(receive)


@pytest.mark.req("B2", "E3", "E4")
@pytest.mark.django_db(transaction=True)
def test_secrets_are_in_no_table_no_cache_no_signal_and_no_log(
    superuser, make_key, make_domain, client, caplog, signalled, tmp_path
):
    caplog.set_level(logging.DEBUG)
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


@pytest.mark.req("E2")
def test_what_the_package_makes_of_a_request_shows_nothing_of_the_secret(make_key, make_token):
    key = make_key()
    token = make_token(key)
    asked = read_exchange(RequestFactory().post(TOKEN_URL, **ways(key)["json"]))
    issued = exchange.exchange(asked.credentials, None, address="127.0.0.1")
    by_keys = ApiKeyAuthentication().authenticate(
        Request(RequestFactory().post(ME, **ways(key)["headers"]))
    )
    request = RequestFactory().get(ME, headers={"Authorization": f"Bearer {token}"})
    by_token = JWTAuthentication().authenticate(Request(request))

    for made in (asked, asked.credentials, issued, by_keys, by_token, signing.backend().ring):
        shown = f"{made!r} {made} {made!s:>40}"
        assert not [secret for secret in (key.secret, token, issued.raw) if secret in shown]
    assert key.secret.encode() not in pickle.dumps(asked.credentials)


# Sentry


def sentry_event(key: Any, token: str) -> dict[str, Any]:
    """What Sentry records of a request with all that we take, its headers in a local variable too."""
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
def test_documented_lines_have_sentry_hide_secret_and_token(make_key, make_token):
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
