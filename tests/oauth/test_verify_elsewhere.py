"""docs/verify-elsewhere.md: its code runs, and its URLs and names are those of the server.

`tests/oauth/test_proxies.py` runs the configurations of the proxies.
"""

import json
import re
import shlex
from collections.abc import Callable
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import jwt
import pytest

from tests.oauth.node_process import verifying
from tests.oauth.programs import in_this_environment, program, run
from tests.oauth.server import AUDIENCE
from tests.oauth.tokens import (
    ALGORITHMS,
    TYPES,
    Issuer,
    acceptable,
    ask,
    bad_tokens,
    signed_again,
    signing_key,
)
from tests.support.checks import ids
from tests.support.documents import blocks, read, section, table
from tot_jwt import conf

pytestmark = in_this_environment

PAGE = read("docs/verify-elsewhere.md")
ISSUER = "https://api.example.com"


def code(title: str, language: str, issuer: Issuer) -> str:
    """Return the first block of a section, for the server."""
    return blocks(section(PAGE, title), language)[0].replace(ISSUER, issuer.server.url)


def misjudged(verify: Callable[[str], Any], token: str) -> set[str]:
    """Return the good tokens that the page's code refuses, and the others that it accepts."""
    others = {
        "another type": signed_again(token, token_type="access"),
        "another environment": signed_again(token, env="test"),
    }
    refused = {name for name, good in acceptable(token).items() if not verify(good)}
    accepted = {name for name, bad in (bad_tokens(token) | others).items() if verify(bad)}
    return refused | accepted


@pytest.mark.usefixtures("trusted")
def test_python_code_accepts_only_good(issuer):
    module: dict[str, Any] = {}
    exec(code("PyJWT", "python", issuer), module)  # noqa: S102

    def verify(token: str) -> Any:
        try:
            return module["verify"](token)
        except jwt.PyJWTError:
            return None

    assert misjudged(verify, issuer.token("ES256")) == set()
    claims = verify(issuer.token("ES256"))
    assert module["has_scope"](claims, "orders:read")
    assert not module["has_scope"](claims, "orders")


def test_javascript_code_accepts_only_good(issuer, node, tmp_path):
    script = tmp_path / "page.mjs"
    script.write_text(code("jose", "js", issuer))

    with verifying(node, issuer.server, script) as verifier:
        assert misjudged(verifier.verify, issuer.token("ES256")) == set()


def test_javascript_code_compares_whole_scopes(issuer, node, tmp_path):
    lines = "\nconst holds = (scope) => hasScope({ scope: 'orders:read orders:write' }, scope)"
    lines += "\nconsole.log(JSON.stringify(['orders:read', 'orders:write', 'orders'].map(holds)))"
    script = node.folder / "page_scopes.mjs"
    script.write_text(code("jose", "js", issuer) + lines)

    assert node.run(script.name) == [True, True, False]


def shell(command: str, issuer: Issuer, **variables: str) -> Any:
    """Run curl as the page does, and return the JSON that it prints."""
    for name, value in variables.items():
        command = command.replace(f"${name}", value)
    words = shlex.split(command.replace(ISSUER, issuer.server.url))
    return json.loads(run([program(words[0]), "--silent", *words[1:]], issuer.server))


def test_curl_asks_for_each_token(issuer, api_key, resource_server):
    introspect, get = blocks(section(PAGE, "What offline verification gives up"), "sh")
    token = issuer.server.token(api_key)
    secrets = {
        "TOT_API_KEY": resource_server["totApiKey"],
        "TOT_SECRET_KEY": resource_server["totSecretKey"],
    }

    answer = shell(introspect, issuer, TOKEN=token, **secrets)
    assert answer["active"]
    assert "orders:read" in answer["scope"].split()
    assert shell(get, issuer, TOKEN=token)["valid"]

    assert ask(issuer.server, token, "DELETE") == (204, None)

    assert shell(introspect, issuer, TOKEN=token, **secrets) == {"active": False}
    assert shell(get, issuer, TOKEN=token)["code"] == "token_revoked"


def get(issuer: Issuer, url: str) -> tuple[int, Any]:
    """Return status and JSON of a URL of the page, at the server."""
    request = url.replace(ISSUER, issuer.server.url)
    try:
        with urlopen(request, context=issuer.server.trust()) as answer:
            return answer.status, json.load(answer)
    except HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_urls_of_the_page_exist(issuer):
    urls = set(re.findall(rf"{ISSUER}/[^\s`,;\"}})]*[\w]", PAGE))

    assert len(urls) == 5
    for url in urls:
        expected = (200,) if "/.well-known/" in url else (401, 405)
        assert get(issuer, url)[0] in expected, url


def test_spring_configuration_names_the_server(issuer):
    settings = dict(
        re.findall(r"^ *([\w-]+): (\S+)$", code("Spring Boot", "yaml", issuer), re.MULTILINE)
    )
    _, metadata = get(issuer, f"{ISSUER}/.well-known/openid-configuration")
    _, keys = get(issuer, settings["jwk-set-uri"])

    assert settings["issuer-uri"] == metadata["issuer"]
    assert settings["jwk-set-uri"] == metadata["jwks_uri"]
    assert settings["audiences"] == AUDIENCE
    assert settings["jws-algorithms"] in {key["alg"] for key in keys["keys"]}


def test_aws_finds_rsa_keys(issuer):
    commands = code("AWS HTTP API", "sh", issuer)
    expected = f"Issuer={issuer.server.url},Audience={AUDIENCE}"
    _, metadata = get(issuer, f"{ISSUER}/.well-known/openid-configuration")
    _, keys = get(issuer, metadata["jwks_uri"])
    header = jwt.get_unverified_header(issuer.token("RS256"))

    assert f"--jwt-configuration {expected}\n" in commands
    assert metadata["issuer"] == issuer.server.url
    assert ("RSA", header["kid"]) in {(key["kty"], key["kid"]) for key in keys["keys"]}


def test_page_names_settings_and_algorithms():
    rows = table(section(PAGE, "Which settings a verifier needs"))
    settings = set(re.findall(r"`([A-Z]+(?:_[A-Z]+)+)`", PAGE))

    assert {word for row in rows for word in row[1].split(", ")} == {*ALGORITHMS, "any"}
    assert {row[2].strip("`") for row in rows} == {*TYPES, "either"}
    assert settings <= {setting.name for setting in conf.SETTINGS}


@pytest.mark.django_db
def test_settings_of_the_page_work(settings):
    module: dict[str, Any] = {"SIGNING_KEY": signing_key("ES256")}
    exec(blocks(PAGE, "python")[0], module)  # noqa: S102
    settings.TOT_JWT = module["TOT_JWT"]

    assert ids() == []
    assert conf.settings.AUDIENCE == AUDIENCE
    assert conf.settings.ISSUER == ISSUER
