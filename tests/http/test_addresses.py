"""The address of a client, and the networks that a key may be used from."""

import pytest
from django.test import RequestFactory

from tests.support.requests import JSON, TOKEN_URL, bearer, body, key_headers
from tot_jwt.http.addresses import client_address


@pytest.mark.req("D1")
@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, None, "10.0.0.1"),
        (0, "192.0.2.7", "10.0.0.1"),
        (1, "192.0.2.7", "192.0.2.7"),
        (1, "203.0.113.9, 192.0.2.7", "192.0.2.7"),
        (2, "203.0.113.9, 192.0.2.7", "203.0.113.9"),
        (2, "192.0.2.7", ""),
        (1, None, ""),
    ],
)
def test_outermost_trusted_proxy_tells_the_address(settings, proxies, forwarded, address):
    settings.TOT_JWT = {"TRUSTED_PROXIES": proxies}
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    request = RequestFactory().get("/", REMOTE_ADDR="10.0.0.1", headers=headers)

    assert client_address(request.META) == address


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize(("address", "status"), [("192.0.2.7", 200), ("192.0.3.7", 403)])
def test_token_works_from_allowed_networks(make_key, client, times, address, status):
    key = make_key(allowed_ips=["192.0.2.0/24"])
    issued = client.post(TOKEN_URL, body(key), content_type=JSON, REMOTE_ADDR="192.0.2.1").json()

    for _ in range(times):
        answer = client.get("/me", headers=bearer(issued["token"]), REMOTE_ADDR=address)
    assert answer.status_code == status


@pytest.mark.req("D1")
@pytest.mark.parametrize("address", ["", "unix:", "é"])
def test_unreadable_address_is_outside_all_networks(make_key, client, address):
    anywhere, restricted = make_key(), make_key(allowed_ips=["0.0.0.0/0", "::/0"])

    for key, status in [(anywhere, 200), (restricted, 403)]:
        answer = client.get("/me", headers=key_headers(key), REMOTE_ADDR=address)
        assert answer.status_code == status
