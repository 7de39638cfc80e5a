"""Wallets, as they are kept and on the wire."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from bursar.http.params import ListParams, Params, Seconds, ShortText
from bursar.kit.money import AMOUNT_MAX_OF_SMALL_UNITS
from bursar.ledger.rules import WalletBalance
from bursar.wallets.codes import GIVEN_LENGTH_MAX

NAME_LENGTH_MAX = 100

Name = Annotated[str, Meta(min_length=1, max_length=NAME_LENGTH_MAX, pattern=r"\S")]
CurrencyCode = Annotated[str, Meta(pattern="^[A-Za-z]{3}$")]
AmountMinor = Annotated[int, Meta(ge=1, le=AMOUNT_MAX_OF_SMALL_UNITS)]
Code = Annotated[str, Meta(min_length=1, max_length=GIVEN_LENGTH_MAX)]
# Whether it is a good one is for the rules to say; the length alone tells nothing of it.
Pin = Annotated[str, Meta(max_length=20)]


class Wallet(msgspec.Struct, kw_only=True, frozen=True):
    """As it is kept. `version` is the row's: whoever changes the wallet names the one that they have seen."""

    id: str
    org_id: str
    livemode: int
    code: str
    name: str
    is_primary: bool
    currency: str | None
    ledger_name: str
    has_pin: bool
    closed: bool
    created: int
    version: int


class WalletAmounts(msgspec.Struct, kw_only=True):
    """In one currency. Reserved waits for withdrawals; authorised is promised by cards, and no money yet."""

    currency: str
    available: int
    pending: int
    reserved: int
    authorised: int


class WalletView(msgspec.Struct, kw_only=True):
    """On the wire."""

    id: str
    object: Literal["wallet"] = "wallet"
    code: str
    name: str
    primary: bool
    currency: str | None
    has_pin: bool
    closed: bool
    created: int
    livemode: bool


class WalletWithBalances(WalletView, kw_only=True):
    balances: list[WalletAmounts]


class WalletTransfer(msgspec.Struct, kw_only=True):
    id: str
    object: Literal["wallet_transfer"] = "wallet_transfer"
    amount: int
    created: int
    currency: str
    description: str | None = None
    # Codes. The members are called as the parameters are.
    from_: str = msgspec.field(name="from")
    to: str
    livemode: bool


class StatementLine(msgspec.Struct, kw_only=True):
    """A movement, and what the wallet had after it: pending and available together."""

    id: str
    object: Literal["wallet_statement_line"] = "wallet_statement_line"
    amount: int
    available_on: int
    balance: int
    created: int
    description: str | None
    fee: int
    net: int
    source: str | None
    type: str


class Statement(msgspec.Struct, kw_only=True):
    object: Literal["wallet_statement"] = "wallet_statement"
    wallet: str
    currency: str
    from_: int | None = msgspec.field(name="from")
    to: int
    opening_balance: int
    closing_balance: int
    data: list[StatementLine]
    has_more: bool
    url: str


class WalletCreation(Params):
    name: Name
    currency: CurrencyCode | None = None
    pin: Pin | None = None


class WalletChange(Params):
    """What is left away stays as it is."""

    name: Name | UnsetType = UNSET
    closed: bool | UnsetType = UNSET


class PinChange(Params):
    pin: Pin
    current_pin: Pin | None = None


class StatementParams(ListParams):
    currency: CurrencyCode | None = None
    from_: Seconds | None = msgspec.field(default=None, name="from")
    to: Seconds | None = None


class TransferParams(Params):
    from_: Code = msgspec.field(name="from")
    to: Code
    amount: AmountMinor
    currency: CurrencyCode
    description: ShortText | None = None


_transfer_decoder = msgspec.json.Decoder(WalletTransfer)


def decode_transfer(document: str) -> WalletTransfer:
    return _transfer_decoder.decode(document)


def view(wallet: Wallet) -> WalletView:
    return WalletView(
        id=wallet.id,
        code=wallet.code,
        name=wallet.name,
        primary=wallet.is_primary,
        currency=wallet.currency,
        has_pin=wallet.has_pin,
        closed=wallet.closed,
        created=wallet.created,
        livemode=bool(wallet.livemode),
    )


def view_with_balances(wallet: Wallet, balances: list[WalletAmounts]) -> WalletWithBalances:
    return WalletWithBalances(**msgspec.structs.asdict(view(wallet)), balances=balances)


class PinTold(msgspec.Struct, kw_only=True):
    """What the log tells of a wrong PIN."""

    wallet: str
    object: Literal["wallet_pin"] = "wallet_pin"
    wrong_tries: int
    paused_until: int | None


class PaymentTold(msgspec.Struct, kw_only=True):
    """What the log tells of a payment between wallets, on one side. Amounts are whole minor units."""

    id: str
    object: Literal["wallet_payment"] = "wallet_payment"
    wallet: str
    other_wallet: str
    amount: int
    service_fee: int
    currency: str
    source: str
    balance_transaction: str


def amounts_of(balance: WalletBalance) -> WalletAmounts:
    return WalletAmounts(
        currency=balance.currency,
        available=balance.available_minor,
        pending=balance.pending_minor,
        reserved=balance.reserved_minor,
        authorised=balance.authorised_minor,
    )
