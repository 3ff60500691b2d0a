"""The client and the package together, and the code of docs/client.md."""

import inspect

import httpx
import pytest
from asgiref.sync import async_to_sync
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application

from tests.support.client import StoppedClock, credentials
from tests.support.documents import blocks, read, section, table
from tot_jwt import client
from tot_jwt.client import InvalidCredentials
from tot_jwt.client.base import BaseTokenAuth
from tot_jwt.client.httpx import TokenAuth
from tot_jwt.client.requests import TokenAuth as RequestsTokenAuth
from tot_jwt.keys import end_tokens, revoke_key
from tot_jwt.models import ApiKey

PAGE = read("docs/client.md")
pytestmark = pytest.mark.urls("tests.client.urls")


@pytest.fixture
def key(make_key, make_domain, settings):
    settings.ALLOWED_HOSTS = ["*"]
    return make_key(app_domain=make_domain(domain="myapp.com"), scopes=["orders:read"])


@pytest.fixture
def auth(key):
    own = {"api_key": key.public_key, "secret_key": key.secret, "clock": StoppedClock()}
    return TokenAuth("https://testserver/api/internal/auth/token", **credentials(**own))


def get(auth):
    """Get the orders with WSGI."""
    transport = httpx.WSGITransport(app=get_wsgi_application())
    with httpx.Client(auth=auth, transport=transport) as program:
        return program.get("https://testserver/orders")


async def aget(auth):
    """Get the orders with ASGI."""
    transport = httpx.ASGITransport(app=get_asgi_application())
    async with httpx.AsyncClient(auth=auth, transport=transport) as program:
        return await program.get("https://testserver/orders")


@pytest.mark.parametrize("send", [get, async_to_sync(aget)], ids=["wsgi", "asgi"])
def test_client_follows_the_key(key, auth, send, settings):
    settings.TOT_JWT = {"KEY_STATE_MAX_AGE": 0}
    response = send(auth)
    assert (response.status_code, response.json()) == (200, ["myapp.com"])

    end_tokens(ApiKey.objects.get(pk=key.pk))
    assert send(auth).status_code == 200

    revoke_key(ApiKey.objects.get(pk=key.pk))
    with pytest.raises(InvalidCredentials):
        send(auth)


def test_code_of_the_page_runs(live_server, key, monkeypatch, capsys):
    own = {
        "API": live_server.url,
        "APP_DOMAIN": "myapp.com",
        "API_KEY": key.public_key,
        "SECRET_KEY": key.secret,
    }
    for name, value in own.items():
        monkeypatch.setenv(name, value)
    code = blocks(PAGE, "python")
    names = {}
    for block in code:
        exec(compile(block, "docs/client.md", "exec"), names)  # noqa: S102 - our own page
    names["session"].close()
    orders = '["myapp.com"]\n'

    assert capsys.readouterr().out == f"{orders}{[200] * 10}\n{orders}{orders}"
    assert len(code) == 6


def test_page_lists_options_and_exceptions():
    options = {name for row in table(section(PAGE, "Options")) for name in names_in(row[0])}
    parameters = inspect.signature(RequestsTokenAuth).parameters

    assert options == set(parameters)
    assert set(parameters) - {"session"} == set(inspect.signature(BaseTokenAuth).parameters)
    errors = [names_in(row[0])[0] for row in table(section(PAGE, "Errors"))]
    assert sorted([*errors, "TokenError"]) == sorted(client.__all__)


def names_in(cell):
    """Return the names that a cell shows as code."""
    return [name.strip("` ") for name in cell.split(",")]
