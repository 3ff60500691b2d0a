"""docs/signing-keys.md: its settings pass the checks, and its steps reject no token."""

import json
import re
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from tests.support.documents import blocks, read
from tests.support.key_pairs import private_pem, public_pem
from tests.support.requests import TOKEN_URL, bearer
from tests.support.tokens import CLAIMS, claims_of, unb64
from tot_jwt.checks import check_settings

PAGE = read("docs/signing-keys.md")
ISSUER = {"ISSUER": "https://api.example.com"}

PAIR_TO_PAIR = "From one key pair to another"
SECRET_TO_PAIR = "Move from HS256 to a key pair"
STOLEN = "If the private key was stolen"

Settings = dict[str, Any]


def part(title: str) -> str:
    """Return the text below a heading of the third level."""
    return PAGE.partition(f"\n### {title}\n")[2].partition("\n### ")[0].partition("\n## ")[0]


def names(algorithm: str = "ES256") -> dict[str, str]:
    """Return the keys that the snippets name. The algorithm is that of the new one."""
    old, new = private_pem("ES256", 1), private_pem(algorithm, 2)
    return {"old": old, "new": new, "old_public": public_pem(old), "new_public": public_pem(new)}


def steps(title: str, now: Settings, **keys: str) -> list[Settings]:
    """Return the settings now, and after each step."""
    found = [ISSUER | now]
    for block in blocks(part(title), "python"):
        namespace: dict[str, Any] = {"TOT_JWT": dict(found[-1]), **keys}
        exec(block, namespace)  # noqa: S102 - our own text
        found.append(namespace["TOT_JWT"])
    return found


def pair_to_pair() -> list[Settings]:
    """Return the steps from one key pair to another."""
    keys = names()
    return steps(PAIR_TO_PAIR, {"ALGORITHM": "ES256", "SIGNING_KEY": keys["old"]}, **keys)


def pair_to_rsa() -> list[Settings]:
    """Return the same steps, with a change of the algorithm in the second."""
    keys = names("RS256")
    now, first, *others = steps(
        PAIR_TO_PAIR, {"ALGORITHM": "ES256", "SIGNING_KEY": keys["old"]}, **keys
    )
    return [now, first, *(step | {"ALGORITHM": "RS256"} for step in others)]


def secret_to_pair() -> list[Settings]:
    """Return the steps from the derived secret to a key pair."""
    return steps(SECRET_TO_PAIR, {}, **names())


@pytest.fixture
def status_of(settings: Any, client: Any) -> Callable[[Settings, str], int]:
    """Return a function that verifies a token under these settings, and returns the status."""

    def status_of(tot_jwt: Settings, token: str) -> int:
        settings.TOT_JWT = tot_jwt
        status: int = client.get(TOKEN_URL, headers=bearer(token)).status_code
        return status

    return status_of


@pytest.fixture
def token_under(settings: Any, make_key: Any, make_token: Any) -> Callable[[Settings], str]:
    """Return a function that returns a new token of one key under these settings."""
    key = make_key()

    def token_under(tot_jwt: Settings) -> str:
        settings.TOT_JWT = tot_jwt
        token: str = make_token(key)
        return token

    return token_under


@pytest.fixture
def published(settings: Any, client: Any) -> Callable[[Settings], set[str]]:
    """Return a function that returns the ids of the published keys under these settings."""

    def published(tot_jwt: Settings) -> set[str]:
        settings.TOT_JWT = tot_jwt
        return {key["kid"] for key in client.get("/.well-known/jwks.json").json()["keys"]}

    return published


def kid_of(token: str) -> str | None:
    """Return the id of the key in a token's header."""
    kid: str | None = json.loads(unb64(token.split(".")[0])).get("kid")
    return kid


@pytest.mark.parametrize("make_steps", [pair_to_pair, pair_to_rsa, secret_to_pair])
def test_steps_accept_their_neighbors(settings, token_under, status_of, published, make_steps):
    tokens = []
    route = make_steps()
    for step in route:
        tokens.append(token_under(step))
        assert check_settings() == []

    pairs = list(zip(route, route[1:], tokens, tokens[1:], strict=False))
    assert len(pairs) == 3
    for before, after, older, newer in pairs:
        assert (status_of(after, older), status_of(before, newer)) == (200, 200)
        # A verifier that read the JWKS in the step before knows the key.
        assert kid_of(newer) in {*published(before), kid_of(older)}
    assert kid_of(tokens[-1]) != kid_of(tokens[0])
    assert published(route[-1]) == {kid_of(tokens[-1])}
    # The wait after step 2 is necessary.
    assert status_of(route[-1], tokens[0]) == 401


def test_stolen_key_ends_at_once(token_under, status_of, published):
    keys = names()
    now, after = steps(STOLEN, {"ALGORITHM": "ES256", "SIGNING_KEY": keys["old"]}, **keys)
    token = token_under(now)

    assert status_of(now, token) == 200
    assert status_of(after, token) == 401
    assert kid_of(token) not in published(after)


@pytest.mark.parametrize(
    ("before", "after", "status"),
    [("HS256", "ES256", 200), ("HS256", "HS512", 401), ("HS512", "ES256", 401)],
)
def test_named_changes_reject_older_tokens(token_under, status_of, before, after, status):
    key = private_pem(after) if after == "ES256" else None
    token = token_under({"ALGORITHM": before})

    changed = {"ALGORITHM": after, "SIGNING_KEY": key, "VERIFYING_KEYS": [None]}

    assert status_of(changed, token) == status


def test_environment_snippet_reads_keys(settings, monkeypatch, token_under, published):
    keys = names()
    monkeypatch.setenv("SIGNING_KEY", keys["old"].replace("\n", r"\n"))
    monkeypatch.setenv("VERIFYING_KEYS", json.dumps([keys["new_public"], None]))
    [block] = blocks(PAGE.partition("\n## Create a key pair\n")[2].partition("\n## ")[0], "python")
    namespace: dict[str, Any] = {"TOT_JWT": {}}

    exec(block, namespace)  # noqa: S102 - our own text

    token = token_under(namespace["TOT_JWT"])
    assert check_settings() == []
    assert claims_of(token)["iss"] == ISSUER["ISSUER"]
    assert len(published(namespace["TOT_JWT"])) == 2


@pytest.fixture
def shop_claims(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Create the reader's module `shop.claims`, with the function on the page."""
    module = ModuleType("shop.claims")
    exec(blocks(part("More claims"), "python")[0], vars(module))  # noqa: S102 - our own text
    monkeypatch.setitem(sys.modules, "shop.claims", module)
    return module


@pytest.mark.usefixtures("shop_claims")
def test_claims_function_adds_claims(settings, make_key, make_token):
    key = make_key()
    namespace: dict[str, Any] = {"TOT_JWT": {}}
    exec(blocks(part("More claims"), "python")[1], namespace)  # noqa: S102 - our own text
    settings.TOT_JWT = namespace["TOT_JWT"]

    claims = claims_of(make_token(key))

    assert check_settings() == []
    assert (claims["plan"], claims["tenant"]) == ("basic", str(key.app_domain_id))


def test_page_names_reserved_claims(settings, shop_claims, make_key, post_token):
    key = make_key()
    settings.TOT_JWT = {"TOKEN_CLAIMS": "shop.claims.one"}
    rule = part("More claims").partition("\n- It may not return ")[2].partition("\n- ")[0]
    reserved = re.findall(r"`(\w+)`", rule)

    def status_with(name: str) -> int:
        vars(shop_claims)["one"] = lambda client: {name: 1}
        status: int = post_token(key).status_code
        return status

    assert {*CLAIMS, "nbf", "cnf", "user_id", "is_"} <= set(reserved)
    assert {status_with(name) for name in reserved} == {503}
    assert status_with("plan") == 200
