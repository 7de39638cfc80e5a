"""Where a webhook may go: nowhere inside, whatever its address looks like and wherever its name leads.

A URL is looked at twice. When it is given, by its text alone: what can be refused then is refused with a reason.
When it is called, by every address that its name has at that moment: one that must not be called refuses them all,
and what is dialled is an address that was looked at, never the name again.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any
from urllib.parse import urlsplit

import msgspec

ADDRESSES_MAX = 4  # of one name; the first that answers will do
URL_LENGTH_MAX = 2_048
HOST_LENGTH_MAX = 253
# Below it other services live, that a request could be mistaken for a command by.
UNPRIVILEGED_PORT_MIN = 1_024
WEB_PORTS = frozenset({80, 443})

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
# A name and a port to addresses. Raises OSError.
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

_IPV4_BLOCKED = tuple(
    ipaddress.IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # behind carriers' address translation
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # the inside of a large provider's machines, at an address that looks public
        "169.254.0.0/16",  # link-local, and where providers tell machines their secrets
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # answered by whoever is nearest
        "192.52.193.0/24",  # tunnels for multicast
        "192.88.99.0/24",  # relays of 6to4
        "192.168.0.0/16",  # private
        "192.175.48.0/24",  # answered by whoever is nearest
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # class E, and broadcast
    )
)
# Of IPv6, only this is for everybody; loopback, mapped, compatible, NAT64, unique-local, link-local, site-local,
# multicast and all that is not given out lie elsewhere.
_IPV6_PUBLIC = ipaddress.IPv6Network("2000::/3")
_IPV6_BLOCKED = tuple(
    ipaddress.IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments: Teredo, benchmarks, ORCHID
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4, which holds an IPv4 address
        "2620:4f:8000::/48",  # answered by whoever is nearest
        "3fff::/20",  # documentation
    )
)
_NAMES_INSIDE = ("localhost", "localdomain", "local", "internal", "intranet", "lan", "home", "corp", "private")
_LOOPBACK_NAMES = frozenset({"localhost", "ip6-localhost"})
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_VISIBLE = re.compile(r"[!-~]+")
# Some read these as parts of another address than others do.
_AMBIGUOUS = frozenset('\\"<>^`{|}')


class AddressRefused(Exception):
    """A webhook must not go there. The message says why, and names no address that its owner did not give."""


class Place(msgspec.Struct, frozen=True):
    """A URL that may be called, as far as its text tells."""

    is_secure: bool
    host: str
    port: int
    # What stands in the request's first line.
    target: str

    @property
    def host_header(self) -> str:
        shown = f"[{self.host}]" if ":" in self.host else self.host
        return shown if self.port == (443 if self.is_secure else 80) else f"{shown}:{self.port}"


def read_url(url: str, *, needs_tls: bool = False, allow_loopback: bool = False) -> Place:
    """Raises AddressRefused for what no webhook can be sent to."""
    if len(url) > URL_LENGTH_MAX:
        raise AddressRefused(f"it is longer than {URL_LENGTH_MAX} characters")
    if any(character.isspace() or not character.isprintable() or character in _AMBIGUOUS for character in url):
        raise AddressRefused("it contains characters that no URL has")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise AddressRefused("it cannot be read as a URL") from None
    if parts.scheme not in ("http", "https"):
        raise AddressRefused("it must begin with https://")
    if needs_tls and parts.scheme != "https":
        raise AddressRefused("in live mode it must begin with https://")
    if "@" in parts.netloc:
        raise AddressRefused("it must not contain a user name or a password")
    host = read_host(parts.hostname or "", allow_loopback=allow_loopback)
    is_secure = parts.scheme == "https"
    port = (443 if is_secure else 80) if port is None else port
    if port not in WEB_PORTS and port < UNPRIVILEGED_PORT_MIN:
        raise AddressRefused(f"port {port} is not one of 80, 443 or those from {UNPRIVILEGED_PORT_MIN} on")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not _VISIBLE.fullmatch(target):
        raise AddressRefused("its path must be written in ASCII, with other characters as %XX")
    return Place(is_secure, host, port, target)


def read_host(host: str, *, allow_loopback: bool = False) -> str:
    """The host as it will be asked for, in the one spelling that everybody reads alike."""
    if not host.isascii():
        try:
            host = host.encode("idna").decode()
        except UnicodeError:
            raise AddressRefused("its host is no name") from None
    host = host.lower()
    if ":" in host or "%" in host:
        if "%" in host:
            raise AddressRefused("its host names a network interface")
        return _literal(host, allow_loopback=allow_loopback)
    host = host.removesuffix(".")
    labels = host.split(".")
    # Whatever ends in a number is an address to some: 0x7f.1, 2130706433 and 017700000001 are 127.0.0.1.
    if _NUMBER.fullmatch(labels[-1]):
        return _literal(host, allow_loopback=allow_loopback)
    if not host or len(host) > HOST_LENGTH_MAX or not all(map(_LABEL.fullmatch, labels)):
        raise AddressRefused("its host is no name")
    if allow_loopback and host in _LOOPBACK_NAMES:
        return host
    if len(labels) == 1 or labels[-1] in _NAMES_INSIDE:
        raise AddressRefused("its host is a name of an inner network")
    return host


def _literal(text: str, *, allow_loopback: bool) -> str:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        raise AddressRefused("its host is an address in an unusual spelling") from None
    reason = why_blocked(address, allow_loopback=allow_loopback)
    if reason is not None:
        raise AddressRefused(reason)
    return address.compressed


def why_blocked(address: IpAddress, *, allow_loopback: bool = False) -> str | None:
    """None for an address that everybody may call."""
    if allow_loopback and address.is_loopback:
        return None
    if isinstance(address, ipaddress.IPv4Address):
        is_blocked = any(address in network for network in _IPV4_BLOCKED)
    else:
        is_blocked = address not in _IPV6_PUBLIC or any(address in network for network in _IPV6_BLOCKED)
    return "it leads to an address that is not public" if is_blocked else None


def is_of_this_machine(address: IpAddress) -> bool:
    """Whether one of our own network interfaces has it: only what is ours can be bound."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((address.compressed, 0))
    except OSError:
        return False
    return True


class Guard:
    """Says which addresses a request may be dialled to, at the moment in which it is about to be."""

    def __init__(
        self,
        resolve: Resolve,
        *,
        allow_loopback: bool = False,
        own: Iterable[tuple[str, int]] = (),
        is_own_machine: Callable[[IpAddress], bool] = is_of_this_machine,
    ) -> None:
        self._resolve = resolve
        self.allow_loopback = allow_loopback
        # Hosts and ports under which this installation is called from outside.
        self._own = frozenset(own)
        self._is_own_machine = is_own_machine

    async def addresses(self, place: Place) -> list[str]:
        """Raises AddressRefused, and OSError where the name cannot be looked up."""
        if (place.host, place.port) in self._own and not self.allow_loopback:
            raise AddressRefused("it leads to this installation itself")
        try:
            found: Sequence[str] = [ipaddress.ip_address(place.host).compressed]
        except ValueError:
            found = await self._resolve(place.host, place.port)
        checked = list(dict.fromkeys(self._checked(text) for text in found))
        if not checked:
            raise AddressRefused("its name has no address")
        return checked[:ADDRESSES_MAX]

    def _checked(self, text: Any) -> str:
        """One that is refused refuses them all: a name of ours that also leads outside is no accident."""
        try:
            address = ipaddress.ip_address(text)
        except ValueError:  # such as a link-local one with the name of an interface
            raise AddressRefused("it leads to an address that is not public") from None
        reason = why_blocked(address, allow_loopback=self.allow_loopback)
        if reason is not None:
            raise AddressRefused(reason)
        if not (self.allow_loopback and address.is_loopback) and self._is_own_machine(address):
            raise AddressRefused("it leads to the machine that sends it")
        return address.compressed
