"""Allow-lists of networks, and whether an address lies within one."""

import sys
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, cast

from django.utils.translation import gettext_lazy as _

from tot_jwt.exceptions import InvalidValue
from tot_jwt.utils.memory import BoundedDict

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

#: In a process. A list of 10,000 IPv6 networks takes about 9 MB.
MAX_LISTS, MAX_LISTS_BYTES = 1024, 16 * 1024 * 1024
# Python's object and what it computes at the first use (measured with tracemalloc).
_NETWORK_BYTES = 950


def counter_key(address: str) -> str:
    """Return the counter key of an address: itself, or the /64 for IPv6, which is one customer's.

    All addresses that cannot be parsed share one counter.
    """
    client = _parse(address)
    if isinstance(client, IPv6Address):
        return str(ip_network((client, 64), strict=False))
    return str(client or "")


def is_allowed(address: str, allowed_ips: str) -> bool:
    """Return whether the address lies within the space-separated networks.

    An empty list allows every address. An address that cannot be parsed is outside every network.
    """
    if not allowed_ips:
        return True
    client = _parse(address)
    return client is not None and any(client in network for network in _networks(allowed_ips))


def validate(networks: Iterable[str]) -> str:
    """Return the networks as they are stored: canonical CIDR, separated by spaces.

    IPv6 zone IDs (``fe80::1%eth0``) are rejected: `ipaddress` accepts any text in them.
    Raises InvalidValue.
    """
    return " ".join(dict.fromkeys(str(_network(text)) for text in networks))


def are_within(inner: str, outer: str) -> bool:
    """Return whether the outer list allows every address that the inner list allows."""
    if not outer:
        return True
    return bool(inner) and all(
        any(_is_subnet(network, wider) for wider in _networks(outer))
        for network in _networks(inner)
    )


def _is_subnet(network: Network, wider: Network) -> bool:
    return network.version == wider.version and network.subnet_of(cast(Any, wider))


def _network(text: str) -> Network:
    try:
        return ip_network(text if "%" not in text else "")
    except ValueError as error:
        message = _(
            "“%(text)s” is not an IP address or network. Use CIDR notation, such as 192.0.2.0/24."
        )
        raise InvalidValue(message % {"text": text}) from error


def _list_size(allowed_ips: str, networks: tuple[Network, ...]) -> int:
    return sys.getsizeof(allowed_ips) + _NETWORK_BYTES * (len(networks) + 1)


_lists: BoundedDict[str, tuple[Network, ...]] = BoundedDict(MAX_LISTS, MAX_LISTS_BYTES, _list_size)


def _networks(allowed_ips: str) -> tuple[Network, ...]:
    networks = _lists.get(allowed_ips)
    if networks is None:
        networks = tuple(ip_network(text) for text in allowed_ips.split())
        _lists.put(allowed_ips, networks)
    return networks


def _parse(address: str) -> Address | None:
    try:
        parsed = ip_address(address)
    except ValueError:
        return None
    # A dual-stack socket reports IPv4 clients as ::ffff:192.0.2.1.
    return getattr(parsed, "ipv4_mapped", None) or parsed
