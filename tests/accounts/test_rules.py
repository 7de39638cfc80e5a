"""How codes look, from where a key may be used, and what a name may be."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursar.accounts.rules import (
    ADDRESSES_MAX,
    new_code,
    read_addresses,
    read_category,
    read_country,
    read_currency,
    read_name,
)
from bursar.http.authentication import is_within
from bursar.kit.errors import InvalidRequest

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@st.composite
def networks(draw: st.DrawFn) -> Network:
    address: Address = draw(st.ip_addresses())
    length = draw(st.integers(0, address.max_prefixlen))
    return ipaddress.ip_network(f"{address}/{length}", strict=False)


def test_a_code_is_of_capitals_and_digits_that_nobody_confuses() -> None:
    codes = {new_code() for _ in range(1_000)}
    assert len(codes) == 1_000
    assert all(re.fullmatch("ORG[0-9A-HJKMNP-TV-Z]{10}", code) for code in codes)


@given(st.ip_addresses())
def test_a_single_address_lets_in_itself_and_nobody_else(address: Address) -> None:
    (kept,) = read_addresses([str(address)])
    assert kept == str(address)
    assert is_within(str(address), [ipaddress.ip_network(kept)])
    other = type(address)(int(address) ^ 1)
    assert not is_within(str(other), [ipaddress.ip_network(kept)])


@given(networks(), st.ip_addresses())
def test_a_network_lets_in_whoever_is_in_it(network: Network, address: Address) -> None:
    (kept,) = read_addresses([str(network)])
    assert ipaddress.ip_network(kept) == network
    assert is_within(str(network.network_address), [network])
    assert is_within(str(network.broadcast_address), [network])
    as_ipv4 = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    assert is_within(str(address), [network]) == (address in network or (as_ipv4 is not None and as_ipv4 in network))


@pytest.mark.parametrize(
    ("address", "network", "expected"),
    [
        ("203.0.113.7", "203.0.113.0/24", True),
        ("203.0.114.7", "203.0.113.0/24", False),
        ("::ffff:203.0.113.7", "203.0.113.0/24", True),
        ("::ffff:203.0.114.7", "203.0.113.0/24", False),
        ("fe80::1%eth0", "fe80::/64", True),
        ("2001:db8::1", "0.0.0.0/0", False),
        ("203.0.113.7", "::/0", False),
        (None, "0.0.0.0/0", False),
        ("unix", "0.0.0.0/0", False),
        ("", "::/0", False),
    ],
)
def test_who_is_within(address: str | None, network: str, expected: bool) -> None:
    assert is_within(address, [ipaddress.ip_network(network)]) is expected


@pytest.mark.parametrize(
    "address", ["", "203.0.113.7/24", "203.0.113", "0x7f.1", "example.com", "203.0.113.0/33", "*", "1.2.3.4 5"]
)
def test_what_is_no_address_is_refused_with_its_remedy(address: str) -> None:
    with pytest.raises(InvalidRequest, match=r"203\.0\.113\.0/24") as refused:
        read_addresses([address])
    assert refused.value.param == "addresses"


def test_addresses_are_kept_in_one_spelling_and_none_twice() -> None:
    assert read_addresses([" 2001:DB8:0::1", "2001:db8::1/128", "10.0.0.0/8", "10.0.0.0/8"]) == [
        "2001:db8::1",
        "10.0.0.0/8",
    ]


def test_a_key_has_no_more_addresses_than_can_be_looked_through() -> None:
    with pytest.raises(InvalidRequest):
        read_addresses(["10.0.0.1"] * (ADDRESSES_MAX + 1))


def test_an_organisation_says_what_it_is() -> None:
    assert read_name("  My shop ") == "My shop"
    assert read_category(" retail ") == "retail"
    assert (read_country("de"), read_country(None), read_currency("EUR")) == ("DE", None, "eur")
    wrong: list[Callable[[], object]] = [
        lambda: read_name(" "),
        lambda: read_name("x" * 201),
        lambda: read_category(""),
        lambda: read_country("DEU"),
        lambda: read_country("ß"),
        lambda: read_currency("xyz"),
    ]
    for read in wrong:
        with pytest.raises(InvalidRequest) as refused:
            read()
        assert refused.value.param
