"""What pays without a card in a test: UPI addresses, banks with a page, wallets, and what each makes the bank do.

Nothing is read before the first of them is asked for.
"""

from __future__ import annotations

from functools import cache
from typing import ClassVar, Literal

import msgspec

UPI_HANDLE = "@piggybank"
WALLET_PREFIX = "pw_"


class TestAddress(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A UPI address. Any other one of the same handle waits until somebody acts; nobody has one of another handle."""

    __test__: ClassVar[bool] = False  # pytest would take it for a class of tests

    vpa: str
    act: Literal[
        "approve",
        "decline",
        "defer",  # the bank does not know yet; approved later, or declined if there is a decline
        "nothing",
        "late",  # nothing, and an approval after it has expired
        "refuse",  # declined at once
    ]
    # A row of the table of declines.
    decline: str | None = None
    behaviour: str


class TestBank(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A bank with a page on which its customers approve."""

    __test__: ClassVar[bool] = False

    code: str
    name: str
    # None: any.
    currencies: tuple[str, ...] | None = None
    act: Literal["ask", "late", "decline"] = "ask"
    behaviour: str = "the customer decides on the bank's page"


class TestWallet(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A wallet that everybody knows. Those with a balance are opened at the bank."""

    __test__: ClassVar[bool] = False

    id: str
    decline: str | None = None
    behaviour: str


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    upi: tuple[TestAddress, ...]
    banks: tuple[TestBank, ...]
    wallets: tuple[TestWallet, ...]


@cache
def table() -> Table:
    from importlib.resources import files

    return msgspec.json.decode(files(__package__).joinpath("methods.json").read_bytes(), type=Table)


@cache
def _addresses() -> dict[str, TestAddress]:
    return {address.vpa: address for address in table().upi}


@cache
def _banks() -> dict[str, TestBank]:
    return {bank.code: bank for bank in table().banks}


@cache
def _wallets() -> dict[str, TestWallet]:
    return {wallet.id: wallet for wallet in table().wallets}


def address(vpa: str) -> TestAddress | None:
    return _addresses().get(vpa)


def bank(code: str) -> TestBank | None:
    return _banks().get(code)


def wallet(wallet_id: str) -> TestWallet | None:
    return _wallets().get(wallet_id)
