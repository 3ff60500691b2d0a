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


@pytest.mark.req("D1")
@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        ("203.0.113.7:51034", "203.0.113.7"),
        ("192.0.2.1, 203.0.113.7:51034 ", "203.0.113.7"),
        ('"203.0.113.7:51034"', "203.0.113.7"),
        ('"203.0.113.7"', "203.0.113.7"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ('"[2001:db8::1]:443"', "2001:db8::1"),
        ("[2001:DB8::1]", "2001:DB8::1"),
        ("\t2001:db8::1 ", "2001:db8::1"),
        ("[::ffff:203.0.113.7]:80", "::ffff:203.0.113.7"),
        ("2001:db8::1:443", "2001:db8::1:443"),
        ("unknown:443", "unknown:443"),
        ('"', '"'),
    ],
)
def test_port_of_client_is_ignored(settings, forwarded, address):
    settings.TOT_JWT = {"TRUSTED_PROXIES": 1}
    request = RequestFactory().get("/", headers={"X-Forwarded-For": forwarded})

    assert client_address(request.META) == address


@pytest.mark.req("D1")
@pytest.mark.parametrize("forwarded", ["192.0.2.7:51034", '"[2001:db8::1]:443"', "[2001:db8::1]"])
def test_network_allows_address_with_port(make_key, client, settings, forwarded):
    settings.TOT_JWT = {"TRUSTED_PROXIES": 1}
    inside = make_key(allowed_ips=["192.0.2.0/24", "2001:db8::/32"])
    outside = make_key(allowed_ips=["198.51.100.0/24"])

    for key, status in [(inside, 200), (outside, 403)]:
        headers = key_headers(key) | {"X-Forwarded-For": forwarded}
        assert client.get("/me", headers=headers).status_code == status


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
