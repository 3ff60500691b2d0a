"""Error reports of a bug anywhere in the package: no secret, no token (security.md E1, E4, E6)."""

import itertools
import json
import logging
import random
import re
from base64 import b64encode
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, NamedTuple
from urllib.parse import urlencode

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.test import Client
from django.views.debug import ExceptionReporter

from tests.support.admin import (
    ADD_KEY,
    SECRET,
    make_superuser,
    new_key_data,
    rotate_url,
    rotation_data,
    text,
)
from tests.support.bugs import fail_at, places
from tests.support.draws import examples
from tests.support.key_pairs import private_pem
from tests.support.keys_client import client_of
from tests.support.oauth import (
    ENDPOINTS,
    INTROSPECT,
    MAY_INTROSPECT,
    NEEDED,
    basic_of,
    form_of,
    token_of,
)
from tests.support.oauth import TOKEN as OAUTH_TOKEN
from tests.support.requests import FORM, JSON, TOKEN_URL, bearer, body, key_headers
from tests.support.undo import undone
from tests.views import WhoAmI

ME = "/me"
TOKEN = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+")
#: The secret itself, and the beginning of the Base64 in which HTTP Basic has it.
CREDENTIALS = re.compile(rf"{SECRET.pattern}|{b64encode(b'pk_live_tot_').decode()}")
#: The beginning of a private key, as every one of ES256 has it, behind the line in front of it.
PRIVATE_KEY = re.compile(f"BEGIN PRIVATE KEY|{private_pem('ES256').split()[3][:20]}")
EVERYTHING = re.compile("|".join(each.pattern for each in (CREDENTIALS, TOKEN, PRIVATE_KEY)))
#: A plain ``pytest`` fails in this many functions for each kind of request, the gate in all.
PLACES = 15


def ways(key: Any) -> dict[str, dict[str, Any]]:
    """Return the ways to send the keys with a request, as arguments of `Client.post`."""
    escaped = json.dumps(body(key)).replace('"tot', r'"\u0074ot')
    return {
        "json": {"data": body(key), "content_type": JSON},
        "escaped json": {"data": escaped, "content_type": JSON},
        "form": {"data": urlencode(body(key)), "content_type": FORM},
        "headers": {"headers": key_headers(key)},
    }


@pytest.fixture
def fragile() -> Client:
    """Return a client that gets a 500 for a bug, instead of the exception."""
    return Client(raise_request_exception=False)


@pytest.fixture
def host(
    make_key: Callable[..., Any],
    make_token: Callable[..., str],
    make_domain: Callable[..., Any],
    fragile: Client,
    settings: Any,
) -> SimpleNamespace:
    """Return what the calls below need."""
    return SimpleNamespace(
        make_key=make_key,
        make_token=make_token,
        make_domain=make_domain,
        client=fragile,
        settings=settings,
    )


def exchange(host: Any, way: str) -> Callable[[], Any]:
    """Return an exchange."""
    sent = ways(host.make_key())[way]
    return lambda: host.client.post(TOKEN_URL, **sent)


def direct_keys(host: Any, way: str) -> Callable[[], Any]:
    """Return a request with direct keys to a view of the host."""
    sent = ways(host.make_key())[way]
    return lambda: host.client.post(ME, **sent)


def token(host: Any, url: str) -> Callable[[], Any]:
    """Return a request with a token."""
    headers = bearer(host.make_token(host.make_key()))
    return lambda: host.client.get(url, headers=headers)


def rotation(host: Any) -> Callable[[], Any]:
    """Return a rotation with the current secret."""
    key = host.make_key()
    caller = client_of(key)
    caller.client = host.client
    return lambda: caller.rotate(key, totSecretKey=key.secret, graceSeconds=60)


def creation(host: Any) -> Callable[[], Any]:
    """Return the creation of a key with a token."""
    caller = client_of(host.make_key())
    caller.client = host.client
    return caller.create


def admin_creation(host: Any) -> Callable[[], Any]:
    """Return the creation of a key in the admin."""
    make_superuser(host.client)
    data = new_key_data(host.client, host.make_domain())
    return lambda: host.client.post(ADD_KEY, data)


def admin_rotation(host: Any) -> Callable[[], Any]:
    """Return a rotation in the admin."""
    make_superuser(host.client)
    key = host.make_key()
    data = rotation_data(host.client, key)
    return lambda: host.client.post(rotate_url(key), data)


def oauth(host: Any, url: str, way: str) -> Callable[[], Any]:
    """Return a request to an OAuth endpoint, about a token of the client."""
    key = host.make_key(scopes=[MAY_INTROSPECT])
    credentials, headers = {"form": (form_of(key), {}), "Basic": ({}, basic_of(key))}[way]
    token = {} if url == OAUTH_TOKEN else {"token": token_of(key)}
    sent = urlencode({**NEEDED[url], **token, **credentials})
    return lambda: host.client.post(url, sent, content_type=FORM, headers=headers)


def introspection_by_token(host: Any) -> Callable[[], Any]:
    """Return an introspection by a client that presents a token."""
    headers = bearer(host.make_token(host.make_key(scopes=[MAY_INTROSPECT])))
    sent = urlencode({"token": token_of(host.make_key())})
    return lambda: host.client.post(INTROSPECT, sent, content_type=FORM, headers=headers)


def signing_with_pem(host: Any) -> Callable[[], Any]:
    """Return an exchange for a token that a private key signs. Each call reads the key again."""
    send = oauth(host, OAUTH_TOKEN, "Basic")
    numbers = itertools.count()
    keys = {
        "ALGORITHM": "ES256",
        "SIGNING_KEY": private_pem("ES256"),
        "VERIFYING_KEYS": [private_pem("EdDSA")],
    }

    def send_anew() -> Any:
        host.settings.TOT_JWT = {**keys, "AUDIENCE": f"audience {next(numbers)}"}
        return send()

    return send_anew


class Request(NamedTuple):
    """A kind of request: how to prepare it, and what its error reports must not hold."""

    prepare: Callable[..., Callable[[], Any]]
    arguments: tuple[str, ...] = ()
    hidden: re.Pattern[str] = SECRET


REQUESTS = {
    **{f"exchange, {way}": Request(exchange, (way,)) for way in ("json", "form")},
    **{
        f"direct keys, {way}": Request(direct_keys, (way,))
        for way in ("json", "escaped json", "form", "headers")
    },
    "token, own endpoint": Request(token, (TOKEN_URL,), TOKEN),
    "token, view of the host": Request(token, (ME,), TOKEN),
    "rotation": Request(rotation),
    "creation": Request(creation),
    "admin, creation": Request(admin_creation),
    "admin, rotation": Request(admin_rotation),
    **{
        f"{url}, {way}": Request(oauth, (url, way), EVERYTHING)
        for url in ENDPOINTS
        for way in ("form", "Basic")
    },
    "introspection by token": Request(introspection_by_token, (), EVERYTHING),
    "signing with PEM": Request(signing_with_pem, (), EVERYTHING),
}


def reports(answer: Any) -> str:
    """Return what Django reports about the exception behind a 500."""
    reporter = ExceptionReporter(answer.wsgi_request, *answer.exc_info)
    data = reporter.get_traceback_data()
    reporter.get_traceback_data = lambda: data  # type: ignore[method-assign] # once for both
    told = [reporter.get_traceback_text(), reporter.get_traceback_html()]
    assert all("RuntimeError" in report for report in told)
    return "\n".join(told)


@pytest.mark.req("E1", "E4", "E6")
@pytest.mark.parametrize("name", REQUESTS)
def test_bug_anywhere_reports_no_secret(host, name, caplog):
    kind = REQUESTS[name]
    send = kind.prepare(host, *kind.arguments)
    caplog.set_level(logging.DEBUG)
    with undone():
        assert send().status_code < 300
    with undone():
        reached = places(send, "tot_jwt")

    drawn = random.sample(reached, max(PLACES, examples(len(reached))))
    failures = 0
    for place in drawn:
        caplog.clear()
        with undone():
            answer = fail_at(place, send)
        assert not kind.hidden.search(caplog.text), place
        if answer.status_code == 500 and not is_unread_form(answer):
            assert not kind.hidden.search(reports(answer)), place
            failures += 1

    assert failures > PLACES / 2
    assert failures > len(drawn) / 2


def is_unread_form(answer: Any) -> bool:
    """Return whether the package has not yet looked for keys in a form for a host's view.

    Until then, Django reports the form like any other form of the host.
    """
    request = answer.wsgi_request
    return "totSecretKey" in request.POST and not hasattr(request, "sensitive_post_parameters")


@pytest.mark.req("E1", "E6")
@pytest.mark.parametrize("way", ["json", "form", "headers"])
def test_host_bug_reports_no_secret(make_key, fragile, monkeypatch, way):
    key = make_key()

    def fail(*args: Any) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(WhoAmI, "post", fail)

    assert key.secret not in reports(fragile.post(ME, **ways(key)[way]))


@pytest.mark.req("E1")
def test_debug_page_shows_no_secret(make_key, fragile, settings):
    """DEBUG hides no text: behind the parser, the secret is an object that does not show it."""
    settings.DEBUG = True
    key = make_key()

    def fail(*args: Any) -> None:
        raise RuntimeError("a bug")

    with connection.execute_wrapper(fail):
        page = text(fragile.post(TOKEN_URL, **ways(key)["json"]))

    assert "RuntimeError" in page
    assert key.public_key in page
    assert key.secret not in page


@pytest.mark.req("A5", "E1")
@pytest.mark.parametrize("broken", [{"ALGORITHM": "HS512"}, {"ALGORITHM": "none"}])
def test_unusable_signing_key_stays_hidden(make_key, fragile, settings, broken):
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
