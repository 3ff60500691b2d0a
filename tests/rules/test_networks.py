"""Networks of an allow list, and which addresses they contain."""

import pytest

from tests.support.allocations import allocated
from tot_jwt.exceptions import InvalidValue
from tot_jwt.rules import networks


def test_networks_are_stored_in_cidr_notation():
    typed = ["192.0.2.1", "2001:DB8::/32", "192.0.2.1/32"]

    assert networks.validate(typed) == "192.0.2.1/32 2001:db8::/32"
    assert networks.validate([]) == ""


@pytest.mark.parametrize(
    "text", ["", "x", "192.0.2.1/24", "192.0.2.0/33", "1.2.3", "::/129", "192.0.2.0-192.0.2.9"]
)
def test_invalid_network_is_an_error(text):
    with pytest.raises(InvalidValue, match="CIDR"):
        networks.validate([text])


@pytest.mark.parametrize(
    ("address", "allowed_ips", "allowed"),
    [
        ("192.0.2.7", "", True),
        ("", "", True),
        ("192.0.2.7", "192.0.2.0/24", True),
        ("192.0.3.7", "192.0.2.0/24", False),
        ("192.0.3.7", "192.0.2.0/24 192.0.3.7/32", True),
        ("::ffff:192.0.2.7", "192.0.2.0/24", True),
        ("2001:db8::1", "2001:db8::/32", True),
        ("2001:db9::1", "2001:db8::/32", False),
        ("2001:db8::1", "192.0.2.0/24", False),
        ("", "0.0.0.0/0", False),
        ("unix:", "0.0.0.0/0 ::/0", False),
        ("192.0.2.7:443", "0.0.0.0/0", False),
    ],
)
def test_address_is_allowed_within_networks(address, allowed_ips, allowed):
    assert networks.is_allowed(address, allowed_ips) is allowed


@pytest.mark.req("D9")
def test_remembered_networks_are_bounded_in_bytes():
    lists = [
        " ".join(f"2001:db8:{many:x}::{number:x}/128" for number in range(1000))
        for many in range(34)
    ]

    with allocated() as real:
        for allowed_ips in lists:
            assert not networks.is_allowed("2001:db8::ffff", allowed_ips)

    assert real() <= networks.MAX_LISTS_BYTES
    assert networks.is_allowed("2001:db8:21::3e7", lists[-1])
    assert networks.is_allowed("2001:db8:0::3e7", lists[0])


@pytest.mark.req("D9")
def test_list_of_any_length_is_read():
    addresses = [f"10.{i // 65536}.{i // 256 % 256}.{i % 256}" for i in range(18_000)]
    allowed_ips = " ".join(addresses)

    for _ in range(2):
        assert networks.is_allowed(addresses[-1], allowed_ips)
        assert not networks.is_allowed("10.200.0.1", allowed_ips)
