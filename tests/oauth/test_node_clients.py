"""Client libraries for Node.js get tokens as they document it, and raise their own errors."""

from typing import Any

import pytest

from tests.oauth.programs import Node, in_this_environment
from tests.oauth.server import Server

pytestmark = in_this_environment

METHODS = ["client_secret_basic", "client_secret_post"]
#: The specification by which a client finds the metadata.
ALGORITHMS = ["oidc", "oauth2"]


class Library:
    """One of the libraries: each act is a run of its script."""

    def __init__(self, script: str, node: Node, variables: dict[str, str]) -> None:
        self._script, self._node, self._variables = script, node, variables

    def act(self, name: str, key: dict[str, Any], **variables: str) -> Any:
        """Return what the act returns, or the exception that it raises."""
        credentials = {"CLIENT_ID": key["totApiKey"], "CLIENT_SECRET": key["totSecretKey"]}
        variables = {**self._variables, **credentials, **variables}
        return self._node.run(self._script, name, **variables)


@pytest.fixture(params=["oauth4webapi.mjs", "openid_client.mjs"])
def library(request: pytest.FixtureRequest, server: Server, node: Node) -> Library:
    variables = {"ISSUER": server.url, "SCOPE": "orders:read"}
    return Library(request.param, node, {**variables, "ALGORITHM": "oidc", "METHOD": METHODS[0]})


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_library_with_credentials_reads_orders(library, api_key, method, algorithm):
    answer = library.act("orders", api_key, METHOD=method, ALGORITHM=algorithm)

    assert answer == {"status": 200, "scopes": ["orders:read"]}


@pytest.mark.parametrize("method", METHODS)
def test_wrong_secret_raises_the_challenge(library, api_key, method):
    wrong = {**api_key, "totSecretKey": api_key["totSecretKey"][::-1]}

    assert library.act("orders", wrong, METHOD=method) == {
        "raised": "WWWAuthenticateChallengeError",
        "status": 401,
        "code": "invalid_client",
    }


@pytest.mark.parametrize("method", METHODS)
def test_missing_scope_raises_invalid_scope(library, api_key, method):
    assert library.act("orders", api_key, METHOD=method, SCOPE="orders:write") == {
        "raised": "ResponseBodyError",
        "status": 400,
        "code": "invalid_scope",
    }


def test_password_grant_raises_unsupported_grant_type(library, api_key):
    assert library.act("password", api_key) == {
        "raised": "ResponseBodyError",
        "status": 400,
        "code": "unsupported_grant_type",
    }


@pytest.mark.parametrize("method", METHODS)
def test_library_introspects_what_it_revokes(library, server, api_key, resource_server, method):
    token = server.token(api_key)
    before = library.act("introspect", resource_server, TOKEN=token, METHOD=method)
    revoked = library.act("revoke", api_key, TOKEN=token, METHOD=method)
    after = library.act("introspect", resource_server, TOKEN=token, METHOD=method)

    assert (before["active"], before["client_id"]) == (True, api_key["totApiKey"])
    assert (revoked, after) == ("revoked", {"active": False})


def test_token_of_another_is_not_revoked(library, server, api_key, resource_server):
    token = server.token(api_key)
    refused = library.act("revoke", resource_server, TOKEN=token)
    answer = library.act("introspect", resource_server, TOKEN=token)

    assert (refused["code"], answer["active"]) == ("unauthorized_client", True)
