"""Client libraries for Python get tokens as they document it, and raise their own errors."""

import asyncio
import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.oauth.programs import in_this_environment, library
from tests.oauth.server import Server

pytestmark = [in_this_environment, pytest.mark.usefixtures("trusted")]

BASIC, POST = "client_secret_basic", "client_secret_post"
LONG_AGO = 1_000_000_000


@dataclass(frozen=True)
class Client:
    """What a client is configured with."""

    url: str
    id: str
    secret: str
    scope: str = "orders:read"
    method: str = BASIC

    @property
    def token_url(self) -> str:
        """The token endpoint."""
        return f"{self.url}/oauth/token"

    @property
    def introspection_url(self) -> str:
        """The introspection endpoint."""
        return f"{self.url}/oauth/introspect"

    @property
    def revocation_url(self) -> str:
        """The revocation endpoint."""
        return f"{self.url}/oauth/revoke"

    @property
    def orders(self) -> str:
        """A view that requires a token."""
        return f"{self.url}/orders"


@pytest.fixture
def client(server: Server, api_key: dict[str, Any]) -> Client:
    return Client(server.url, api_key["totApiKey"], api_key["totSecretKey"])


@pytest.fixture
def watcher(server: Server, resource_server: dict[str, Any]) -> Client:
    """Return a server that introspects tokens."""
    secret = resource_server["totSecretKey"]
    return Client(server.url, resource_server["totApiKey"], secret, "tokens:introspect")


# Each library: a function that gets a token and returns the response of a view that requires it,
# and one that requests a token by the grant "password", which the server does not have.


def authlib(client: Client, module: str, name: str) -> Any:
    """Return a session of one of Authlib's integrations."""
    make = getattr(library(f"authlib.integrations.{module}"), name)
    return make(
        client.id,
        client.secret,
        scope=client.scope,
        token_endpoint=client.token_url,
        token_endpoint_auth_method=client.method,
        grant_type="client_credentials",
    )


def authlib_session(client: Client) -> Any:
    return authlib(client, "requests_client", "OAuth2Session")


def authlib_requests(client: Client) -> Any:
    with authlib_session(client) as session:
        session.fetch_token()
        return session.get(client.orders)


def authlib_password(client: Client) -> Any:
    with authlib_session(client) as session:
        session.fetch_token(grant_type="password", username="a", password="b")


def authlib_httpx_client(client: Client, name: str = "OAuth2Client") -> Any:
    return authlib(client, "httpx_client", name)


def authlib_httpx(client: Client) -> Any:
    with authlib_httpx_client(client) as session:
        session.fetch_token()
        return session.get(client.orders)


def authlib_httpx_password(client: Client) -> Any:
    with authlib_httpx_client(client) as session:
        session.fetch_token(grant_type="password", username="a", password="b")


async def authlib_async(client: Client) -> Any:
    async with authlib_httpx_client(client, "AsyncOAuth2Client") as session:
        await session.fetch_token()
        return await session.get(client.orders)


async def authlib_async_password(client: Client) -> Any:
    async with authlib_httpx_client(client, "AsyncOAuth2Client") as session:
        await session.fetch_token(grant_type="password", username="a", password="b")


def oauthlib_session(application: Any, client: Client, **options: Any) -> Any:
    """Return a session with a token that its application requests."""
    session = library("requests_oauthlib").OAuth2Session(client=application)
    if client.method == POST:
        options["include_client_id"] = True
    session.fetch_token(client.token_url, client_secret=client.secret, **options)
    return session


def requests_oauthlib(client: Client) -> Any:
    make = library("oauthlib.oauth2").BackendApplicationClient
    return oauthlib_session(make(client.id, scope=client.scope or None), client).get(client.orders)


def requests_oauthlib_password(client: Client) -> Any:
    make = library("oauthlib.oauth2").LegacyApplicationClient
    oauthlib_session(make(client.id), client, username="a", password="b")


def oauth2client(client: Client) -> Any:
    module = library("requests_oauth2client")
    authentication = {BASIC: module.ClientSecretBasic, POST: module.ClientSecretPost}
    return module.OAuth2Client(
        client.token_url,
        auth=authentication[client.method](client.id, client.secret),
        introspection_endpoint=client.introspection_url,
        revocation_endpoint=client.revocation_url,
    )


def requests_oauth2client(client: Client) -> Any:
    make = library("requests_oauth2client").OAuth2ClientCredentialsAuth
    return library("requests").get(
        client.orders, auth=make(oauth2client(client), scope=client.scope)
    )


def requests_oauth2client_password(client: Client) -> Any:
    oauth2client(client).resource_owner_password("a", "b")


def httpx_auth(client: Client) -> Any:
    make = library("httpx_auth").OAuth2ClientCredentials
    authentication = make(client.token_url, client.id, client.secret, scope=client.scope)
    return library("httpx").get(client.orders, auth=authentication)


def httpx_auth_password(client: Client) -> Any:
    make = library("httpx_auth").OAuth2ResourceOwnerPasswordCredentials
    authentication = make(client.token_url, "a", "b", client_auth=(client.id, client.secret))
    library("httpx").get(client.orders, auth=authentication)


USES: dict[str, tuple[Callable[[Client], Any], Callable[[Client], Any]]] = {
    "authlib-requests": (authlib_requests, authlib_password),
    "authlib-httpx": (authlib_httpx, authlib_httpx_password),
    "authlib-async": (authlib_async, authlib_async_password),
    "requests-oauthlib": (requests_oauthlib, requests_oauthlib_password),
    "requests-oauth2client": (requests_oauth2client, requests_oauth2client_password),
    "httpx-auth": (httpx_auth, httpx_auth_password),
}

#: Each library with each method that it has: httpx_auth has only HTTP Basic.
WAYS = [(name, BASIC) for name in USES] + [(name, POST) for name in USES if name != "httpx-auth"]

every_way = pytest.mark.parametrize(("name", "method"), WAYS)

#: The exception for each error. requests_oauth2client does not know the last one by name.
ERRORS = {
    "requests-oauthlib": {
        "invalid_client": "oauthlib.InvalidClientError",
        "invalid_scope": "oauthlib.InvalidScopeError",
        "unsupported_grant_type": "oauthlib.UnsupportedGrantTypeError",
    },
    "requests-oauth2client": {
        "invalid_client": "requests_oauth2client.InvalidClient",
        "invalid_scope": "requests_oauth2client.InvalidScope",
        "unsupported_grant_type": "requests_oauth2client.UnknownTokenEndpointError",
    },
}
#: The others have one exception, with the code.
OTHERS = {"httpx-auth": "httpx_auth.InvalidGrantRequest"}


def raises(name: str, code: str, function: Callable[[Client], Any], client: Client) -> bool:
    """Return whether the library raises its own exception for the error, with the code."""
    with pytest.raises(Exception) as caught:  # noqa: PT011 - compared below
        call(function, client)
    error: Any = caught.value
    expected = ERRORS.get(name, {}).get(code) or OTHERS.get(name, "authlib.OAuthError")
    module = type(error).__module__.partition(".")[0]
    assert f"{module}.{type(error).__name__}" == expected
    # httpx_auth has the code only in its message.
    return (str(error).partition(":")[0] if name == "httpx-auth" else error.error) == code


def call(function: Callable[[Client], Any], client: Client) -> Any:
    """Call a function of the table, which may be a coroutine function."""
    result = function(client)
    return asyncio.run(result) if inspect.iscoroutine(result) else result


# Tokens


@every_way
def test_library_with_credentials_reads_orders(client, name, method):
    answer = call(USES[name][0], replace(client, method=method))

    assert (answer.status_code, answer.json()["scopes"]) == (200, ["orders:read"])


@pytest.mark.parametrize("name", USES)
def test_request_without_scope_returns_all(client, name):
    answer = call(USES[name][0], replace(client, scope=""))

    assert (answer.status_code, answer.json()["scopes"]) == (200, ["keys:manage", "orders:read"])


def test_discovery_document_configures_requests_oauth2client(client):
    make = library("requests_oauth2client").OAuth2Client.from_discovery_endpoint
    found = make(issuer=client.url, client_id=client.id, client_secret=client.secret)

    answer = library("requests").get(client.orders, auth=found.client_credentials())

    assert answer.status_code == 200
    assert (found.introspection_endpoint, found.revocation_endpoint) == (
        client.introspection_url,
        client.revocation_url,
    )


# Errors


@every_way
def test_wrong_secret_raises_invalid_client(client, name, method):
    wrong = replace(client, secret=client.secret[::-1], method=method)

    assert raises(name, "invalid_client", USES[name][0], wrong)


@every_way
def test_missing_scope_raises_invalid_scope(client, name, method):
    greedy = replace(client, scope="orders:read orders:write", method=method)

    assert raises(name, "invalid_scope", USES[name][0], greedy)


@every_way
def test_password_grant_raises_unsupported_grant_type(client, name, method):
    assert raises(name, "unsupported_grant_type", USES[name][1], replace(client, method=method))


# Expiry. There is no refresh token: a client requests another token with its credentials.


@pytest.mark.parametrize("make", [authlib_session, authlib_httpx_client])
def test_authlib_renews_an_expired_token(client, make):
    with make(client) as session:
        first = session.fetch_token()["access_token"]
        session.token = {**session.token, "expires_at": LONG_AGO}

        answer = session.get(client.orders)

        assert (answer.status_code, session.token["access_token"] == first) == (200, False)


def test_async_authlib_renews_an_expired_token(client):
    async def use() -> tuple[int, bool]:
        async with authlib_httpx_client(client, "AsyncOAuth2Client") as session:
            first = (await session.fetch_token())["access_token"]
            session.token = {**session.token, "expires_at": LONG_AGO}
            answer = await session.get(client.orders)
            return answer.status_code, session.token["access_token"] == first

    assert asyncio.run(use()) == (200, False)


def test_requests_oauth2client_renews_an_expired_token(client):
    module = library("requests_oauth2client")
    expired = module.BearerToken("expired", expires_at=datetime.fromtimestamp(LONG_AGO, UTC))
    authentication = module.OAuth2ClientCredentialsAuth(oauth2client(client), token=expired)

    answer = library("requests").get(client.orders, auth=authentication)

    assert (answer.status_code, authentication.token.access_token == "expired") == (200, False)


def test_httpx_auth_renews_a_short_token(client):
    make = library("httpx_auth").OAuth2ClientCredentials
    # A token with less time left than this counts as expired.
    authentication = make(client.token_url, client.id, client.secret, early_expiry=1000)
    first, second = (library("httpx").get(client.orders, auth=authentication) for _ in range(2))

    assert (first.status_code, second.status_code) == (200, 200)
    assert first.request.headers["Authorization"] != second.request.headers["Authorization"]


def test_requests_oauthlib_reports_an_expired_token(client):
    errors = library("oauthlib.oauth2")
    session = oauthlib_session(errors.BackendApplicationClient(client.id), client)
    session.token = {**session.token, "expires_at": LONG_AGO}

    with pytest.raises(errors.TokenExpiredError):
        session.get(client.orders)

    session.fetch_token(client.token_url, client_secret=client.secret)
    assert session.get(client.orders).status_code == 200


# Introspection and revocation


def test_authlib_revokes_what_it_introspects(client, watcher):
    with authlib_session(client) as session, authlib_session(watcher) as other:
        token = session.fetch_token()["access_token"]
        before = other.introspect_token(client.introspection_url, token, withhold_token=True)
        revoked = session.revoke_token(client.revocation_url, token, withhold_token=True)
        after = other.introspect_token(client.introspection_url, token, withhold_token=True)

        assert (before.json()["active"], before.json()["client_id"]) == (True, client.id)
        assert (revoked.status_code, after.json()) == (200, {"active": False})
        assert session.get(client.orders).status_code == 401


def test_requests_oauth2client_revokes_what_it_introspects(client, watcher):
    token = oauth2client(client).client_credentials("orders:read")
    before = oauth2client(watcher).introspect_token(token)
    revoked = oauth2client(client).revoke_access_token(token)
    after = oauth2client(watcher).introspect_token(token)

    assert (before["active"], before["scope"]) == (True, "orders:read")
    assert (revoked, after) == (True, {"active": False})


def test_token_of_another_is_not_revoked(client, watcher):
    error = library("requests_oauth2client.exceptions").UnauthorizedClient
    token = oauth2client(client).client_credentials()

    with pytest.raises(error):
        oauth2client(watcher).revoke_access_token(token)

    assert library("requests").get(client.orders, auth=token).status_code == 200
