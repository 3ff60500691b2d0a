"""HAProxy, Envoy and nginx with the configurations of docs/verify-elsewhere.md."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.oauth import proxies
from tests.oauth.programs import in_this_environment
from tests.oauth.tokens import (
    ALGORITHMS,
    TYPES,
    Issuer,
    acceptable,
    ask,
    bad_tokens,
    foreign_key,
    ring,
    signed_again,
)
from tot_jwt.tokens.asymmetric import generate_pem, public_pem, read_pem

pytestmark = in_this_environment


def statuses(proxy: proxies.Proxy, tokens: dict[str, str]) -> dict[str, int]:
    """Return name → status of each token."""
    return {name: proxy.status(token) for name, token in tokens.items()}


def all_are(status: int, tokens: dict[str, str]) -> dict[str, int]:
    return dict.fromkeys(tokens, status)


@pytest.mark.parametrize("typ", TYPES)
@pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
def test_haproxy_accepts_only_good_tokens(issuer, tmp_path, algorithm, typ):
    token = issuer.token(algorithm, typ)
    good, bad = acceptable(token), bad_tokens(token)

    with proxies.haproxy(tmp_path, issuer.server, algorithm) as proxy:
        assert statuses(proxy, good) == all_are(200, good)
        assert statuses(proxy, bad) == all_are(401, bad)
        assert proxy.status(None) == 401


def test_haproxy_accepts_two_keys(issuer, tmp_path):
    token = issuer.token("ES256")
    next_key = foreign_key("ES256")
    good = acceptable(token) | {"next key": signed_again(token, next_key)}
    public = public_pem(read_pem(next_key.encode(), "SIGNING_KEY").public)

    with proxies.haproxy(tmp_path, issuer.server, "ES256", public) as proxy:
        assert statuses(proxy, good) == all_are(200, good)
        assert proxy.status(signed_again(token, generate_pem("ES256"))) == 401


@pytest.mark.parametrize("typ", TYPES)
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_envoy_accepts_only_good_tokens(issuer, tmp_path, algorithm, typ):
    token = issuer.token(algorithm, typ)
    good, bad = acceptable(token), bad_tokens(token)

    with proxies.envoy(tmp_path, issuer.server) as proxy:
        assert statuses(proxy, good) == all_are(200, good)
        # Envoy has a status of its own for it.
        assert proxy.status(bad.pop("another audience")) == 403
        assert statuses(proxy, bad) == all_are(401, bad)
        assert proxy.status(None) == 401
        assert proxy.send([], path=f"/?access_token={token}")[0] == 401


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_nginx_accepts_only_good_tokens(issuer, tmp_path, algorithm):
    token = issuer.token(algorithm)
    good, bad = acceptable(token), bad_tokens(token)

    with proxies.nginx(tmp_path, issuer.server) as proxy:
        assert statuses(proxy, good) == all_are(200, good)
        assert statuses(proxy, bad) == all_are(401, bad)
        assert proxy.status(None) == 401


@pytest.fixture(params=["haproxy", "envoy"])
def offline(request: pytest.FixtureRequest, issuer: Issuer, tmp_path: Path) -> Iterator[Any]:
    """Return a proxy that verifies by itself."""
    start: Any = {
        "haproxy": lambda: proxies.haproxy(tmp_path, issuer.server, "ES256"),
        "envoy": lambda: proxies.envoy(tmp_path, issuer.server),
    }[request.param]
    with start() as proxy:
        yield proxy


def test_proxy_requires_scope_type_environment(issuer, offline):
    token = issuer.token("ES256")
    refused = {
        "scope": signed_again(token, scope="orders:reader orders:write"),
        "type": signed_again(token, token_type="access"),
        "environment": signed_again(token, env="test"),
    }

    assert offline.status(signed_again(token, scope="orders:read orders:write")) == 200
    assert all(status in (401, 403) for status in statuses(offline, refused).values())
    assert offline.status(refused["scope"]) == 403


def test_proxy_names_the_client(issuer, offline, api_key):
    bearer = ("Authorization", f"Bearer {issuer.token('ES256')}")

    for name in ("X-Client-Id", "x-client-id"):
        status, seen = offline.send([bearer, (name, "pk_live_forged")])

        assert status == 200
        ids = [value for header, value in seen if header == "x-client-id"]
        assert ids == [api_key["totApiKey"]]


def test_second_token_reaches_no_service(issuer, offline):
    token = issuer.token("ES256")
    first, second = (("Authorization", f"Bearer {each}") for each in (token, f"{token}x"))

    for headers in ([first, second], [second, first]):
        status, seen = offline.send(headers)

        assert status == 401 or second[1] not in str(seen)


def test_nginx_respects_a_revocation(issuer, tmp_path, api_key):
    token = issuer.server.token(api_key)
    with proxies.nginx(tmp_path, issuer.server) as proxy:
        assert proxy.status(token) == 200
        assert ask(issuer.server, token, "DELETE") == (204, None)

        status, headers = proxy.send([("Authorization", f"Bearer {token}")])

    assert status == 401
    assert 'error_description="Token has been revoked"' in dict(headers)["www-authenticate"]


def test_nginx_passes_on_any_method(issuer, tmp_path):
    bearer = ("Authorization", f"Bearer {issuer.token('ES256')}")
    with proxies.nginx(tmp_path, issuer.server) as proxy:
        for method, body in (("POST", "quantity=1"), ("GET", "")):
            assert proxy.send([bearer], method, body=body)[0] == 200


def test_nginx_sends_the_client_address(issuer, tmp_path):
    token = issuer.token("ES256")
    issuer.server.restart(**ring("ES256"), TRUSTED_PROXIES=1)
    key = issuer.server.create_key("--allow-ip", "203.0.113.5")
    elsewhere = signed_again(token, sub=key["totApiKey"], client_id=key["totApiKey"])
    forged = ("X-Forwarded-For", "203.0.113.5")

    with proxies.nginx(tmp_path, issuer.server) as proxy:
        for each, status in [(token, 200), (elsewhere, 403)]:
            assert proxy.send([("Authorization", f"Bearer {each}"), forged])[0] == status


def test_nginx_accepts_tokens_of_secrets(issuer, tmp_path, api_key):
    issuer.server.restart()
    token = issuer.server.token(api_key)

    with proxies.nginx(tmp_path, issuer.server) as proxy:
        assert (proxy.status(token), proxy.status(f"{token[:-4]}AAAA")) == (200, 401)
    issuer.server.restart(**ring("ES256"))


def test_nginx_without_server_is_closed(issuer, tmp_path):
    token = issuer.token("ES256")
    with proxies.nginx(tmp_path, issuer.server) as proxy:
        issuer.server.stop()

        assert proxy.status(token) == 500
        issuer.server.restart(**ring("ES256"))
        assert proxy.status(token) == 200
