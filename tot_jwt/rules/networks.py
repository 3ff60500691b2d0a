"""Client addresses and allow-lists of networks."""

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, cast

from django.utils.translation import gettext_lazy as _

from tot_jwt.exceptions import InvalidValue

Address = IPv4Address | IPv6Address


Network = IPv4Network | IPv6Network


#: Longer than any address, with a zone to spare.
MAX_LENGTH = 64


def counter_key(address: str) -> str:
    """Whom an address stands for where things are counted: of IPv6 the /64, which is one customer's.

    All that cannot be read are one.
    """
    client = _parse(address)
    return (
        str(ip_network((client, 64), strict=False))
        if isinstance(client, IPv6Address)
        else str(client or "")
    )


def is_allowed(address: str, allowed_ips: str) -> bool:
    """Whether the address lies within the space-separated networks; an empty list allows all.

    An address that cannot be read is outside every list.
    """
    if not allowed_ips:
        return True
    client = _parse(address)
    return client is not None and any(client in network for network in _networks(allowed_ips))


def validate(networks: Iterable[str]) -> str:
    """The networks as they are stored: canonical CIDR, separated by spaces. Raises InvalidValue.

    Zones of IPv6 (``fe80::1%eth0``) are none of it: Python takes any text for one, spaces too.
    """
    return " ".join(dict.fromkeys(str(_network(text)) for text in networks))


def _network(text: str) -> Network:
    try:
        return ip_network(text if "%" not in text else "")
    except ValueError as error:
        raise InvalidValue(
            _(
                "“%(text)s” is not an IP address or a network in CIDR notation, such as 192.0.2.0/24."
            )
            % {"text": text}
        ) from error


def are_within(inner: str, outer: str) -> bool:
    """Whether every address that the one list allows, the other allows too."""
    if not outer:
        return True
    return bool(inner) and all(
        any(
            network.version == wider.version and network.subnet_of(cast(Any, wider))
            for wider in _networks(outer)
        )
        for network in _networks(inner)
    )


@lru_cache(maxsize=1024)
def _networks(allowed_ips: str) -> tuple[Network, ...]:
    return tuple(ip_network(text) for text in allowed_ips.split())


def _parse(address: str) -> Address | None:
    try:
        parsed = ip_address(address)
    except ValueError:
        return None
    # A dual-stack socket reports IPv4 clients as ::ffff:192.0.2.1.
    return getattr(parsed, "ipv4_mapped", None) or parsed
