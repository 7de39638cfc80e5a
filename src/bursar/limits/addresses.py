"""Who counts as one client: an IPv4 address, or an IPv6 network of the size that providers give to one customer."""

from __future__ import annotations

import ipaddress
from functools import lru_cache

IPV6_PREFIX_LENGTH = 64
ADDRESSES_REMEMBERED_MAX = 10_000
# Behind a socket of the machine's own, with no proxy that tells who is calling, all are the same somebody.
NOWHERE = "nowhere"


def client_of(address: str | None) -> str:
    if address is None:
        return NOWHERE
    return _network_of(address) if ":" in address else address


@lru_cache(ADDRESSES_REMEMBERED_MAX)
def _network_of(address: str) -> str:
    try:
        found = ipaddress.IPv6Address(address.partition("%")[0])
    except ValueError:
        return address
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(found) >> IPV6_PREFIX_LENGTH << IPV6_PREFIX_LENGTH, IPV6_PREFIX_LENGTH)))
