"""Where an organisation's streams may lead: to the internet, and to what the installation allows by name."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Collection
from urllib.parse import urlsplit

from bursar.streams.port import Sink, StreamProblem
from bursar.streams.rules import is_emulator


def hosts_of(sink: Sink) -> list[str]:
    found = []
    for part in (*sink.address.split(","), sink.endpoint or ""):
        if not part:
            continue
        try:
            host = urlsplit(part if "://" in part else f"//{part}").hostname
        except ValueError:
            host = None
        if not host:
            raise StreamProblem("configuration_refused", f"{part[:80]} is no address.")
        found.append(host)
    return found


async def check(sink: Sink, allowed: Collection[str]) -> None:
    """Raises StreamProblem. Called before each connection, as names may lead elsewhere than they did."""
    for host in hosts_of(sink):
        if host in allowed:
            continue
        if is_emulator(sink):
            raise StreamProblem(
                "address_refused",
                f"{host} is an emulator's address. Ask the installation's operator to add it to stream_hosts.",
            )
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise StreamProblem("broker_away", f"The name {host} cannot be found.") from None
        for *_, place in found:
            address = ipaddress.ip_address(str(place[0]).partition("%")[0])
            mapped = getattr(address, "ipv4_mapped", None)
            if not (mapped or address).is_global or address.is_multicast:
                raise StreamProblem(
                    "address_refused",
                    f"{host} is inside this network. Ask the installation's operator to add it to stream_hosts.",
                )
