"""What each operation posts. Pure: every function returns a booking that adds up to zero.

Whether it does is checked once, where bookings become rows: see `check_postings`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from bursar.kit.clock import MICROSECONDS_PER_SECOND, seconds
from bursar.kit.errors import BursarError
from bursar.ledger import accounts
from bursar.ledger.accounts import DAY_SECONDS, MAIN_WALLET
from bursar.ledger.schemas import (
    Balance,
    BalanceAmount,
    BalanceTransaction,
    FeeDetail,
    Movement,
    Resolution,
    SourceTypes,
    TransactionType,
    WalletMovement,
)

# A capture of part of a hold has six; a group of many accounts would be a mistake, not a movement.
POSTINGS_MAX = 6
AMOUNT_MAX = 2**62  # a sum of two still fits every database's BIGINT
# Acquirers settle on the second day after; whole days in UTC, as theirs are.
SETTLEMENT_DAYS = 2
# What a merchant who has been paid nothing yet is told to have none of.
DEFAULT_CURRENCY = "usd"


class LedgerDefect(BursarError):
    """Postings that must never be written: a bug of ours, stopped before it costs money."""


class Stamp(NamedTuple):
    """The group's id, and the microsecond that stands in it."""

    transaction_id: str
    created: int


class Posting(NamedTuple):
    account: str
    amount_minor: int
    hold_id: str | None = None


class HoldChange(NamedTuple):
    """What becomes of a hold. A new one was nothing before; one with a resolution is nothing afterwards."""

    hold_id: str
    before_minor: int
    after_minor: int
    resolution: Resolution | None


class Booking(NamedTuple):
    postings: list[Posting]
    transaction: BalanceTransaction | None = None
    hold: HoldChange | None = None
    # Whose transaction it is.
    wallet: str = MAIN_WALLET


class WalletBalance(NamedTuple):
    """What a wallet has in one currency. Authorised is only promised, and no part of the others."""

    wallet: str
    currency: str
    pending_minor: int
    available_minor: int
    reserved_minor: int
    authorised_minor: int


def hold(movement: Movement) -> Booking:
    """A card's issuer keeps the amount for us. No money has moved."""
    amount = positive(movement.amount_minor)
    change = HoldChange(movement.source_id, 0, amount, None)
    return Booking(_held(movement, amount), None, change)


def increment(movement: Movement, held_minor: int) -> Booking:
    """The amount is what comes on top of what was held."""
    added = positive(movement.amount_minor)
    change = HoldChange(movement.source_id, positive(held_minor), held_minor + added, None)
    return Booking(_held(movement, added), None, change)


def release(movement: Movement, resolution: Resolution) -> Booking:
    """The amount is all that is still held."""
    held = positive(movement.amount_minor)
    change = HoldChange(movement.source_id, held, 0, resolution)
    return Booking(_held(movement, -held), None, change)


def capture(
    movement: Movement,
    stamp: Stamp,
    fee_minor: int,
    *,
    available_at_once: bool,
    held_minor: int | None,
    final: bool,
    service_fee_minor: int = 0,
) -> Booking:
    """A sale, or a capture of what was held: then the hold shrinks, and ends with the last one.

    The service fee is part of the amount; it goes on to the main wallet in a group of its own.
    """
    amount = positive(movement.amount_minor)
    available_on = seconds(stamp.created) if available_at_once else settled_on(stamp.created)
    if available_at_once:
        wallet = accounts.available(movement.wallet, movement.currency)
    else:
        wallet = accounts.pending(movement.wallet, movement.currency, available_on // DAY_SECONDS)
    receivable = accounts.receivable(movement.connector, movement.currency)
    postings = _moved(movement, receivable, wallet, amount, fee_minor, service_fee_minor)
    change = None
    if held_minor is not None:
        if amount > held_minor:
            raise LedgerDefect(f"capture of {amount}, where {held_minor} is held")
        left = 0 if final else held_minor - amount
        change = HoldChange(movement.source_id, held_minor, left, None if left else "captured")
        postings += _held(movement, left - held_minor)
    transaction = transaction_of(
        movement, stamp, ("charge", "charge"), amount, fee_minor, available_on, service_fee_minor
    )
    return Booking(postings, transaction, change, movement.wallet)


def refund(movement: Movement, stamp: Stamp) -> Booking:
    """Money goes back to the customer, at once out of what is available: it must not be paid out meanwhile."""
    return _given_back(movement, stamp, "refund", "refund", -positive(movement.amount_minor), 0)


def refund_failed(movement: Movement, stamp: Stamp) -> Booking:
    """The customer's bank did not take it, so it is ours again."""
    return _given_back(movement, stamp, "refund_failure", "refund_failure", positive(movement.amount_minor), 0)


def reverse(movement: Movement, stamp: Stamp, fee_minor: int) -> Booking:
    """A sale or capture that the bank undid as if it had never been, its fee included."""
    amount = positive(movement.amount_minor)
    return _given_back(movement, stamp, "payment_reversal", "charge_failure", -amount, -fee_minor)


def withdraw_for_dispute(movement: Movement, stamp: Stamp, fee_minor: int) -> Booking:
    return _disputed(movement, stamp, "dispute", -positive(movement.amount_minor), fee_minor)


def reinstate_after_dispute(movement: Movement, stamp: Stamp, fee_minor: int) -> Booking:
    """The dispute was won: `fee_minor` is what the acquirer gives back of its fee."""
    return _disputed(movement, stamp, "dispute_reversal", positive(movement.amount_minor), -fee_minor)


def mature(wallet: str, currency: str, day: int, amount_minor: int) -> Booking:
    """The day has come: what was pending until then becomes available."""
    pending, available = accounts.pending(wallet, currency, day), accounts.available(wallet, currency)
    return Booking([Posting(pending, -amount_minor), Posting(available, amount_minor)])


def settled_on(created_microseconds: int) -> int:
    """The beginning of the settlement day, in seconds."""
    return (accounts.day_of(created_microseconds) + SETTLEMENT_DAYS) * DAY_SECONDS


def as_of(transaction: BalanceTransaction, now_microseconds: int) -> BalanceTransaction:
    """Whether its money is available is not stored: it follows from the time."""
    is_due = transaction.available_on * MICROSECONDS_PER_SECOND <= now_microseconds
    transaction.status = "available" if is_due else "pending"
    return transaction


def balance(wallets: Sequence[WalletBalance], *, livemode: bool) -> Balance:
    """All wallets together, each currency in both lists."""
    pending: dict[str, int] = {}
    available: dict[str, int] = {}
    for wallet in wallets:
        pending[wallet.currency] = pending.get(wallet.currency, 0) + wallet.pending_minor
        available[wallet.currency] = available.get(wallet.currency, 0) + wallet.available_minor
    return Balance(livemode=livemode, available=_amounts(available), pending=_amounts(pending))


def check_postings(postings: Sequence[Posting], currency: str) -> None:
    """The last look before they are written. Not by `assert`, which an interpreter can be told to skip."""
    if not 2 <= len(postings) <= POSTINGS_MAX:
        raise LedgerDefect(f"a group of {len(postings)} postings")
    if sum(posting.amount_minor for posting in postings) != 0:
        raise LedgerDefect("debits and credits differ")
    if len({posting.account for posting in postings}) != len(postings):
        raise LedgerDefect("two postings of one group on the same account")
    for account, amount_minor, _ in postings:
        if type(amount_minor) is not int or amount_minor == 0 or abs(amount_minor) > AMOUNT_MAX:
            raise LedgerDefect(f"a posting of {amount_minor!r} on {account}")
        if accounts.currency_of(account) != currency:
            raise LedgerDefect(f"{account!r} is no account in {currency!r}")


def positive(amount_minor: int) -> int:
    if type(amount_minor) is not int or amount_minor <= 0:
        raise LedgerDefect(f"an amount of {amount_minor!r}")
    return amount_minor


def _held(movement: Movement, amount_minor: int) -> list[Posting]:
    """On top of what is held when positive, off it when negative."""
    promised = accounts.authorised(movement.wallet, movement.currency)
    held = accounts.holds(movement.connector, movement.currency)
    return [Posting(promised, amount_minor, movement.source_id), Posting(held, -amount_minor, movement.source_id)]


def _moved(
    movement: Movement, counterpart: str, wallet: str, amount_minor: int, fee_minor: int, service_fee_minor: int = 0
) -> list[Posting]:
    """The wallet gets the amount without the fees; a part that is nothing is no posting."""
    parts = [
        Posting(counterpart, -amount_minor),
        Posting(accounts.fees(movement.connector, movement.currency), fee_minor),
        Posting(wallet, amount_minor - fee_minor - service_fee_minor),
    ]
    if service_fee_minor:
        if not 0 < service_fee_minor <= amount_minor:
            raise LedgerDefect(f"a service fee of {service_fee_minor} in {amount_minor}")
        parts.append(Posting(accounts.fees_due(movement.currency), service_fee_minor))
    return [posting for posting in parts if posting.amount_minor]


def _given_back(
    movement: Movement, stamp: Stamp, kind: TransactionType, category: str, amount_minor: int, fee_minor: int
) -> Booking:
    receivable = accounts.receivable(movement.connector, movement.currency)
    return _at_once(movement, stamp, receivable, (kind, category), amount_minor, fee_minor)


def _disputed(movement: Movement, stamp: Stamp, category: str, amount_minor: int, fee_minor: int) -> Booking:
    disputes = accounts.disputes(movement.connector, movement.currency)
    return _at_once(movement, stamp, disputes, ("adjustment", category), amount_minor, fee_minor)


def _at_once(
    movement: Movement,
    stamp: Stamp,
    counterpart: str,
    kind: tuple[TransactionType, str],
    amount_minor: int,
    fee_minor: int,
) -> Booking:
    wallet = accounts.available(movement.wallet, movement.currency)
    postings = _moved(movement, counterpart, wallet, amount_minor, fee_minor)
    transaction = transaction_of(movement, stamp, kind, amount_minor, fee_minor, seconds(stamp.created))
    return Booking(postings, transaction, None, movement.wallet)


def transaction_of(
    movement: Movement | WalletMovement,
    stamp: Stamp,
    kind: tuple[TransactionType, str],
    amount_minor: int,
    fee_minor: int,
    available_on: int,
    service_fee_minor: int = 0,
) -> BalanceTransaction:
    """What is told of a group: of which type and category, and what of the amount were fees."""
    created, currency = seconds(stamp.created), movement.currency
    details = []
    if fee_minor:
        description = "Processing fees" if kind[0] == "charge" else f"Fee of a {kind[1].replace('_', ' ')}"
        details = [FeeDetail(amount=fee_minor, currency=currency, description=description)]
    if service_fee_minor:
        service = FeeDetail(
            amount=service_fee_minor, currency=currency, description="Service fee", type="application_fee"
        )
        details.append(service)
    return BalanceTransaction(
        id=stamp.transaction_id,
        amount=amount_minor,
        available_on=available_on,
        created=created,
        currency=currency,
        description=movement.description,
        fee=fee_minor + service_fee_minor,
        fee_details=details,
        net=amount_minor - fee_minor - service_fee_minor,
        reporting_category=kind[1],
        source=movement.source_id,
        status="available" if available_on <= created else "pending",
        type=kind[0],
    )


def _amounts(sums: dict[str, int]) -> list[BalanceAmount]:
    sums = sums or {DEFAULT_CURRENCY: 0}
    return [
        BalanceAmount(amount=sums[currency], currency=currency, source_types=SourceTypes(card=sums[currency]))
        for currency in sorted(sums)
    ]
