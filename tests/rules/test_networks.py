"""Networks of an allow list, and which addresses they contain."""

import pytest

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
