"""No webhook goes inside, whatever its URL looks like and wherever its name leads."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import threading
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursar.webhooks.addresses import AddressRefused, Guard, is_of_this_machine, read_url, why_blocked
from bursar.webhooks.exchange import Failure
from bursar.webhooks.receiver import Receiver
from bursar.webhooks.resolving import KEPT_SECONDS, Resolver

REFUSED_BY_TEXT = [
    # Loopback, in every spelling that somebody's library reads.
    "https://127.0.0.1/",
    "https://127.0.0.2/",
    "https://127.1/",
    "https://127.0.1/",
    "https://0x7f.1/",
    "https://0x7f.0.0.1/",
    "https://0x7f000001/",
    "https://2130706433/",
    "https://017700000001/",
    "https://0177.0.0.1/",
    "https://127.0.0.01/",
    "https://127.0.0.1./",
    "https://１２７.０.０.１/",
    "https://①②⑦.⓪.⓪.①/",
    "https://127。0。0。1/",
    "https://[::1]/",
    "https://[::]/",
    "https://[0:0:0:0:0:0:0:1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[::127.0.0.1]/",
    "https://localhost/",
    "https://LOCALHOST/",
    "https://localhost./",
    "https://receiver.localhost/",
    "https://localhost.localdomain/",
    "https://ip6-localhost/",
    "https://0/",
    "https://0.0.0.0/",
    "https://0.1.2.3/",
    # Private, link-local, shared.
    "https://10.0.0.1/",
    "https://10.255.255.255/",
    "https://172.16.0.1/",
    "https://172.31.255.255/",
    "https://192.168.0.1/",
    "https://0xc0a80001/",
    "https://3232235521/",
    "https://169.254.169.254/latest/meta-data/",
    "https://0xa9fea9fe/",
    "https://2852039166/",
    "https://[fd00:ec2::254]/",
    "https://metadata.google.internal/",
    "https://168.63.129.16/",
    "https://100.64.0.1/",
    "https://100.100.100.200/",
    "https://[fe80::1]/",
    "https://[fe80::1%25eth0]/",
    "https://[fec0::1]/",
    "https://[fc00::1]/",
    "https://[fd12:3456:789a::1]/",
    # Addresses that hold another address.
    "https://[64:ff9b::7f00:1]/",
    "https://[64:ff9b::8.8.8.8]/",
    "https://[64:ff9b:1::1]/",
    "https://[2002:7f00:1::]/",
    "https://[2002:808:808::]/",
    "https://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/",
    "https://[::ffff:8.8.8.8]/",
    "https://[::ffff:0:10.0.0.1]/",
    # Benchmarks, documentation, class E, multicast, broadcast, assignments.
    "https://198.18.0.1/",
    "https://198.19.255.255/",
    "https://192.0.2.1/",
    "https://198.51.100.1/",
    "https://203.0.113.1/",
    "https://192.0.0.1/",
    "https://192.88.99.1/",
    "https://224.0.0.1/",
    "https://239.255.255.250/",
    "https://240.0.0.1/",
    "https://255.255.255.255/",
    "https://[2001:db8::1]/",
    "https://[3fff::1]/",
    "https://[2001:2::1]/",
    "https://[2001:10::1]/",
    "https://[ff02::1]/",
    "https://[100::1]/",
    "https://[4000::1]/",
    # Names of inner networks.
    "https://intranet/",
    "https://printer.local/",
    "https://wiki.corp/",
    "https://db.internal/",
    "https://router.home/",
    "https://nas.lan/",
    # What is read in one way by one and in another way by the next.
    "https://example.com@127.0.0.1/",
    "https://user:password@example.com/",
    "https://example.com\\@127.0.0.1/",
    "https://example.com\\.evil.example/",
    "https://127.0.0.1\t.example.com/",
    "https://exa mple.com/",
    "https://example.com/\r\nHost: 127.0.0.1",
    "https://example.com/\x00",
    "https://exam\u200bple.com/",
    "https://[::1/",
    "https://[example.com]/",
    "https://-example.com/",
    "https://exa_mple..com/",
    "https:///path",
    "https:example.com",
    "//example.com/",
    "example.com",
    "",
    # No HTTP, and no port of HTTP.
    "ftp://example.com/",
    "file:///etc/passwd",
    "gopher://example.com/",
    "javascript:alert(1)",
    "https://example.com:22/",
    "https://example.com:25/",
    "https://example.com:0/",
    "https://example.com:65536/",
    "https://example.com:-1/",
    "https://example.com:1x/",
    "https://example.com/ä",
    "https://" + "a" * 64 + ".example.com/",
    "https://example.com/" + "a" * 3_000,
]

GOOD = {
    "https://example.com": ("example.com", 443, "/"),
    "https://Example.COM./hooks?a=b#part": ("example.com", 443, "/hooks?a=b"),
    "http://example.com:8080/x%20y": ("example.com", 8080, "/x%20y"),
    "https://bücher.example/hook": ("xn--bcher-kva.example", 443, "/hook"),
    "https://8.8.8.8:8443/": ("8.8.8.8", 8443, "/"),
    "https://[2606:4700:4700:0:0:0:0:1111]/": ("2606:4700:4700::1111", 443, "/"),
    "https://0x7f.example.com/": ("0x7f.example.com", 443, "/"),
}

BLOCKED_ANSWERS = [
    ["127.0.0.1"],
    ["::1"],
    ["10.1.2.3"],
    ["169.254.169.254"],
    ["::ffff:169.254.169.254"],
    ["64:ff9b::a9fe:a9fe"],
    ["fe80::1%eth0"],
    ["fd00::1"],
    ["0.0.0.0"],  # noqa: S104 - nothing is bound to it
    ["93.184.215.14", "127.0.0.1"],
    ["2606:4700:4700::1111", "::1"],
    ["93.184.215.14", "10.0.0.1", "93.184.215.15"],
    ["not an address"],
    [],
]


def test_there_are_enough_of_them() -> None:
    assert len(set(REFUSED_BY_TEXT)) + len(BLOCKED_ANSWERS) >= 100


@pytest.mark.parametrize("url", REFUSED_BY_TEXT)
def test_what_leads_inside_is_refused_by_its_text(url: str) -> None:
    with pytest.raises(AddressRefused) as refused:
        read_url(url)
    assert "127.0.0.1" not in str(refused.value), "the words are for whoever has given it, and tell nothing new"


@pytest.mark.parametrize(("url", "place"), GOOD.items())
def test_what_leads_outside_is_taken(url: str, place: tuple[str, int, str]) -> None:
    found = read_url(url)
    assert (found.host, found.port, found.target) == place


def test_only_development_calls_itself() -> None:
    for url in ("http://localhost:3000/hook", "http://127.0.0.1:3000/", "http://[::1]:3000/"):
        assert read_url(url, allow_loopback=True).port == 3000
        with pytest.raises(AddressRefused):
            read_url(url)
    for url in ("http://10.0.0.1/", "http://169.254.169.254/", "http://0x7f.1/", "http://intranet/", "http://[::]/"):
        with pytest.raises(AddressRefused):
            read_url(url, allow_loopback=True)


def test_live_mode_wants_tls() -> None:
    with pytest.raises(AddressRefused, match="live mode"):
        read_url("http://example.com/", needs_tls=True)
    assert read_url("https://example.com/", needs_tls=True).is_secure


def found_by(answers: Sequence[str], url: str = "https://receiver.example/") -> list[str]:
    async def resolve(_host: str, _port: int) -> Sequence[str]:
        return answers

    return asyncio.run(Guard(resolve, is_own_machine=lambda _address: False).addresses(read_url(url)))


@pytest.mark.parametrize("answers", BLOCKED_ANSWERS, ids=str)
def test_a_name_that_leads_inside_is_refused_even_if_it_leads_outside_too(answers: list[str]) -> None:
    with pytest.raises(AddressRefused):
        found_by(answers)


def test_a_name_that_leads_outside_gives_what_may_be_dialled() -> None:
    assert found_by(["93.184.215.14", "2606:4700:4700:0::1111", "93.184.215.14"]) == [
        "93.184.215.14",
        "2606:4700:4700::1111",
    ]


def test_the_installation_does_not_call_itself() -> None:
    async def resolve(_host: str, _port: int) -> Sequence[str]:
        return ["93.184.215.14"]

    guard = Guard(resolve, own=[("pay.example.com", 443)], is_own_machine=lambda _address: False)
    with pytest.raises(AddressRefused, match="installation itself"):
        asyncio.run(guard.addresses(read_url("https://pay.example.com/hooks")))
    assert asyncio.run(guard.addresses(read_url("https://shop.example.com/hooks"))) == ["93.184.215.14"]
    own = Guard(resolve, is_own_machine=lambda address: str(address) == "93.184.215.14")
    with pytest.raises(AddressRefused, match="the machine that sends"):
        asyncio.run(own.addresses(read_url("https://shop.example.com/hooks")))


def test_what_is_of_this_machine_is_known() -> None:
    assert is_of_this_machine(ipaddress.ip_address("127.0.0.1"))
    assert not is_of_this_machine(ipaddress.ip_address("93.184.215.14"))


class Rebinding:
    """A name server that answers with something else each time, and a network that remembers what was dialled."""

    def __init__(self, *answers: list[str]) -> None:
        self._answers = list(answers)
        self.dialled: list[str] = []

    async def resolve(self, _host: str, _port: int) -> Sequence[str]:
        return self._answers.pop(0)

    async def dial(self, _make: Callable[[], Any], host: str, _port: int, **_options: Any) -> tuple[Any, Any]:
        self.dialled.append(host)
        raise ConnectionRefusedError

    def receiver(self) -> Receiver:
        guard = Guard(self.resolve, is_own_machine=lambda _address: False)
        return Receiver(read_url("https://rebinding.example/"), guard, 1.0, dial=self.dial)


def test_a_name_that_is_bound_anew_between_check_and_call_gets_nobody_inside() -> None:
    """What is dialled is the address that was checked; and the next request is checked again."""

    async def scenario() -> None:
        network = Rebinding(["93.184.215.14"], ["127.0.0.1"], ["93.184.215.14", "10.0.0.1"], ["93.184.215.15"])
        receiver = network.receiver()
        results = [await receiver.post("", b"{}", 1.0) for _ in range(4)]
        assert results == [
            Failure("connection_refused"),
            Failure("address_refused"),
            Failure("address_refused"),
            Failure("connection_refused"),
        ]
        assert network.dialled == ["93.184.215.14", "93.184.215.15"]

    asyncio.run(scenario())


def test_what_a_name_server_said_is_remembered_for_a_moment_and_checked_each_time() -> None:
    asked: list[str] = []

    def look_up(host: str, _port: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"]

    async def scenario() -> None:
        resolver = Resolver(look_up)
        guard = Guard(resolver.resolve)
        for _ in range(5):
            with pytest.raises(AddressRefused):
                await guard.addresses(read_url("https://inside.example/"))
        resolver.close()

    asyncio.run(scenario())
    assert asked == ["inside.example"]
    assert KEPT_SECONDS <= 60


def test_names_that_nobody_answers_for_hold_up_only_themselves() -> None:
    never = threading.Event()

    def look_up(host: str, _port: int) -> Sequence[str]:
        if host.startswith("slow"):
            never.wait(10)
        return ["93.184.215.14"]

    async def scenario() -> None:
        resolver = Resolver(look_up)
        known = resolver.resolve("known.example", 443)
        assert await known
        resolver._found[("known.example", 443)] = (0.0, [])  # its time is over, so that it is asked for anew
        slow = [asyncio.create_task(_quietly(resolver.resolve(f"slow{number}.example", 443))) for number in range(50)]
        await asyncio.sleep(0.05)
        async with asyncio.timeout(8):
            assert await resolver.resolve("known.example", 443) == ["93.184.215.14"]
        never.set()
        await asyncio.gather(*slow)
        resolver.close()

    asyncio.run(scenario())


async def _quietly(work: Awaitable[Any]) -> None:
    with contextlib.suppress(OSError):
        await work


@given(st.ip_addresses(v=4))
def test_no_special_address_of_version_4_passes(address: ipaddress.IPv4Address) -> None:
    """Held against the list that Python has of its own."""
    if not address.is_global or address.is_multicast or address.is_reserved:
        assert why_blocked(address) is not None


@given(st.ip_addresses(v=6))
def test_no_special_address_of_version_6_passes(address: ipaddress.IPv6Address) -> None:
    if not address.is_global or address.is_multicast or address.sixtofour or address.teredo or address.ipv4_mapped:
        assert why_blocked(address) is not None


@given(st.ip_addresses(v=4))
def test_whatever_is_blocked_is_blocked_in_every_spelling(address: ipaddress.IPv4Address) -> None:
    number = int(address)
    spellings = [str(number), hex(number), f"0{number:o}", f"[::ffff:{address}]", f"[64:ff9b::{address}]"]
    for spelling in spellings:
        with pytest.raises(AddressRefused):
            read_url(f"https://{spelling}/")
