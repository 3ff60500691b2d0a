"""While the signing key changes, each token verifies everywhere until it expires."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import jwt
import pytest

from tests.oauth import proxies
from tests.oauth.node_process import SCRIPTS, verifying
from tests.oauth.programs import Node, in_this_environment
from tests.oauth.server import AUDIENCE, Server
from tests.oauth.tokens import ask, foreign_key, signing_key
from tot_jwt.tokens.asymmetric import public_pem, read_pem

pytestmark = in_this_environment


@pytest.fixture
def changing(server: Server) -> Iterator[Server]:
    """Return the server. It has its own keys again afterwards."""
    before = server.settings
    yield server
    server.restart(**before)


def public(pem: str) -> str:
    return public_pem(read_pem(pem.encode(), "VERIFYING_KEYS").public)


def server_accepts(server: Server, token: str) -> bool:
    """Return whether the server accepts the token. Any other reason than its key fails."""
    answer = ask(server, token)
    assert answer in [(200, None), (401, "token_invalid")]
    return answer[0] == 200


def pyjwt_accepts(keys: jwt.PyJWKClient, token: str) -> bool:
    try:
        key = keys.get_signing_key_from_jwt(token)
        jwt.decode(token, key, algorithms=["ES256", "RS256"], audience=AUDIENCE)
    except jwt.PyJWTError:
        return False
    return True


class Verifiers:
    """Verifiers that run while the key changes, and keep what they cache."""

    def __init__(self, server: Server, node: Node, folder: Path, stack: ExitStack) -> None:
        self._server, self._folder, self._stack = server, folder, stack
        variables = {"ALGORITHM": "ES256 RS256", "TYPE": "JWT"}
        jose = stack.enter_context(verifying(node, server, SCRIPTS / "jose.mjs", **variables))
        keys = self.new_client()
        self.accepts = {
            "server": lambda token: server_accepts(server, token),
            "pyjwt": lambda token: pyjwt_accepts(keys, token),
            "jose": lambda token: jose.verify(token) is not None,
        }
        self.add_envoy("envoy that caches nothing", "0.001s")

    def new_client(self) -> jwt.PyJWKClient:
        """Return PyJWT's client with an empty cache."""
        return jwt.PyJWKClient(
            f"{self._server.url}/.well-known/jwks.json",
            ssl_context=self._server.trust(),
            # As if time passed between the tokens, which it requires before another request.
            cooldown_duration=0,
        )

    def add_envoy(self, name: str, cache: str) -> None:
        """Start an Envoy that caches the keys for a time, and never looks for an unknown one."""
        folder = self._folder / name.replace(" ", "-")
        folder.mkdir()
        proxy = self._stack.enter_context(proxies.envoy(folder, self._server, cache))
        self.accepts[name] = lambda token: proxy.status(token) == 200

    def refusing(self, token: str) -> set[str]:
        """Return the verifiers that refuse a token."""
        return {name for name, accepts in self.accepts.items() if not accepts(token)}


@pytest.fixture
def verifiers(changing: Server, node: Node, tmp_path: Path) -> Iterator[Verifiers]:
    """Return the verifiers, which have the old key already."""
    with ExitStack() as stack:
        yield Verifiers(changing, node, tmp_path, stack)


@pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
def test_new_key_rejects_no_token(changing, verifiers, api_key, algorithm):
    old, new = signing_key("ES256"), foreign_key(algorithm)
    signs_old = {"ALGORITHM": "ES256", "SIGNING_KEY": old}
    signs_new = {"ALGORITHM": algorithm, "SIGNING_KEY": new}
    changing.restart(**signs_old)
    first = changing.token(api_key)
    assert verifiers.refusing(first) == set()

    changing.restart(**signs_old, VERIFYING_KEYS=[public(new)])
    second = changing.token(api_key)
    verifiers.add_envoy("envoy", "300s")
    assert verifiers.refusing(first) == verifiers.refusing(second) == set()

    changing.restart(**signs_new, VERIFYING_KEYS=[public(old)])
    third = changing.token(api_key)
    assert verifiers.refusing(second) == verifiers.refusing(third) == set()

    changing.restart(**signs_new)
    fourth = changing.token(api_key)
    assert verifiers.refusing(third) == verifiers.refusing(fourth) == set()
    # What the old key signed has expired by now. It would be refused.
    assert verifiers.refusing(second) >= {"server", "envoy that caches nothing"}
    assert not pyjwt_accepts(verifiers.new_client(), second)


def test_unpublished_key_fails_in_cache(changing, verifiers, api_key):
    changing.restart(ALGORITHM="ES256", SIGNING_KEY=signing_key("ES256"))
    verifiers.add_envoy("envoy", "300s")
    assert verifiers.refusing(changing.token(api_key)) == set()

    changing.restart(ALGORITHM="ES256", SIGNING_KEY=foreign_key("ES256"))

    assert verifiers.refusing(changing.token(api_key)) == {"envoy"}


def test_key_pair_replaces_derived_secret(changing, api_key):
    new = signing_key("ES256")
    steps: list[dict[str, Any]] = [
        {},
        {"SIGNING_KEY": None, "VERIFYING_KEYS": [public(new)]},
        {"ALGORITHM": "ES256", "SIGNING_KEY": new, "VERIFYING_KEYS": [None]},
        {"ALGORITHM": "ES256", "SIGNING_KEY": new},
    ]
    tokens = []
    for step in steps:
        changing.restart(**step)
        tokens.append(changing.token(api_key))
        assert all(server_accepts(changing, token) for token in tokens[-2:])

    algorithms = [jwt.get_unverified_header(token)["alg"] for token in tokens]
    assert algorithms == ["HS256", "HS256", "ES256", "ES256"]
    assert [server_accepts(changing, token) for token in tokens] == [False, False, True, True]
