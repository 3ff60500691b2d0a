"""docs/other-frameworks.md: its code runs, and its tables are true."""

import json

import pytest
from asgiref.sync import async_to_sync
from asgiref.testing import ApplicationCommunicator

from tests.frameworks.documented_urls import ASGI, BY_HAND, PAGE
from tests.support.documents import section, table
from tests.support.requests import bearer
from tests.support.token_requests import both_ways
from tot_jwt import exceptions
from tot_jwt.http.responses import error_response

pytestmark = pytest.mark.urls("tests.frameworks.documented_urls")

ADDRESS = "192.0.2.1"


@pytest.mark.parametrize(
    ("url", "refund"), [("/function", True), ("/class", False), ("/api/orders", False)]
)
def test_views_show_the_domain(make_key, make_token, client, async_client, url, refund):
    key = make_key(scopes=["orders:read", "orders:refund"])
    expected = {"domain": key.app_domain.domain} | ({"mayRefund": True} if refund else {})
    ask = both_ways(client, async_client)

    for answer in ask(url, headers=bearer(make_token(key))):
        assert (answer.status_code, answer.json()) == (200, expected)
    for answer in ask(url, headers=bearer(make_token(make_key()))):
        assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_scope")


def test_ninja_admits_clients_and_persons(make_key, make_token, make_user, client):
    key, person = make_key(), make_user()

    answer = client.get("/api/whoami", headers=bearer(make_token(key)))
    client.force_login(person)

    assert answer.json() == {"name": key.public_key}
    assert client.get("/api/whoami").json() == {"name": person.username}


def ask_asgi(scopes, headers, kind="http"):
    """Return status, headers and body of the documented ASGI application."""

    async def application(scope, receive, send):
        assert kind == "lifespan" or scope["user"].pk
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b'"reached"'})

    scope = {
        "type": kind,
        "method": "GET",
        "path": "/",
        "query_string": b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "client": (ADDRESS, 1),
    }

    async def ask():
        reached = ApplicationCommunicator(ASGI["TokenRequired"](application, scopes), scope)
        start, body = await reached.receive_output(), await reached.receive_output()
        return start["status"], dict(start["headers"]), json.loads(body["body"])

    return async_to_sync(ask)()


# The application closes its connection, as Django does after a request.
@pytest.mark.django_db(transaction=True)
def test_asgi_application_is_protected(make_key, make_token):
    scopes = ["orders:read"]
    token = make_token(make_key(scopes=scopes))

    assert ask_asgi(scopes, bearer(token)) == (204, {}, "reached")
    assert ask_asgi(scopes, bearer(make_token(make_key())))[0] == 403
    status, headers, body = ask_asgi(scopes, {})
    assert (status, body["code"]) == (401, "not_authenticated")
    assert headers[b"WWW-Authenticate"] == b'Bearer realm="api"'
    assert ask_asgi(scopes, {}, kind="lifespan")[0] == 204


def test_token_is_verified_by_hand(make_key, make_token):
    may_read = async_to_sync(BY_HAND["may_read"])
    key = make_key(scopes=["orders:read"])
    token = make_token(key)

    assert may_read(token, ADDRESS)[0] == 200
    assert may_read(make_token(make_key()), ADDRESS) == (403, "insufficient_scope")
    assert may_read("opaque", ADDRESS) == (401, "token_malformed")


def test_keys_are_verified_by_hand(make_key):
    domain_of_keys = async_to_sync(BY_HAND["domain_of_keys"])
    key = make_key()
    domain = key.app_domain.domain

    assert domain_of_keys(domain, key.public_key, key.secret, ADDRESS) == domain
    with pytest.raises(exceptions.InvalidCredentials):
        domain_of_keys(domain, key.public_key, "wrong", ADDRESS)


def test_table_lists_real_errors():
    rows = table(section(PAGE, "Errors"))
    real = {
        (str(error.status), f"`{error.code}`")
        for error in vars(exceptions).values()
        if isinstance(error, type) and issubclass(error, exceptions.TotJWTError)
    }

    assert {tuple(row[:2]) for row in rows} <= real
    assert len(rows) == 9


def test_error_response_has_all_headers():
    response = error_response(exceptions.TooManyRequests(7))

    assert (response.status_code, response.headers["Retry-After"]) == (429, "7")
