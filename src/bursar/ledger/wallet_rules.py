"""What moves between wallets, and out of them. Pure, as `rules.py` is.

Each wallet's side is a group of its own with a balance transaction of its own; a clearing account holds the two
together. So each organisation's books balance by themselves, whoever the other side belongs to.
"""

from __future__ import annotations

from typing import NamedTuple

from bursar.kit.clock import seconds
from bursar.ledger import accounts
from bursar.ledger.accounts import DAY_SECONDS, MAIN_WALLET
from bursar.ledger.rules import Booking, LedgerDefect, Posting, Stamp, positive, transaction_of
from bursar.ledger.schemas import Movement, TransactionType, WalletMovement


class Kind(NamedTuple):
    """How both sides of a movement are told."""

    taken: tuple[TransactionType, str]
    given: tuple[TransactionType, str]


TRANSFER = Kind(("transfer", "transfer"), ("transfer", "transfer"))
PAYMENT = Kind(("transfer", "transfer"), ("payment", "charge"))
PAYMENT_REFUND = Kind(("payment_refund", "refund"), ("transfer_refund", "transfer_reversal"))


def taken(movement: WalletMovement, stamp: Stamp, clearing: str, kind: Kind) -> Booking:
    """Out of what is available. Whether there is enough must have been seen, and fenced by the wallet's version."""
    amount = positive(movement.amount_minor)
    wallet = accounts.available(movement.wallet, movement.currency)
    transaction = transaction_of(movement, stamp, kind.taken, -amount, 0, seconds(stamp.created))
    return _checked(Booking([Posting(wallet, -amount), Posting(clearing, amount)], transaction, None, movement.wallet))


def given(movement: WalletMovement, stamp: Stamp, clearing: str, kind: Kind, service_fee_minor: int = 0) -> Booking:
    """Available at once. The service fee is part of the amount, and goes on to the main wallet."""
    amount, currency = positive(movement.amount_minor), movement.currency
    if not 0 <= service_fee_minor <= amount:
        raise LedgerDefect(f"a service fee of {service_fee_minor} in {amount}")
    parts = (
        Posting(clearing, -amount),
        Posting(accounts.available(movement.wallet, currency), amount - service_fee_minor),
        Posting(accounts.fees_due(currency), service_fee_minor),
    )
    transaction = transaction_of(
        movement, stamp, kind.given, amount, 0, seconds(stamp.created), service_fee_minor=service_fee_minor
    )
    postings = [posting for posting in parts if posting.amount_minor]
    return _checked(Booking(postings, transaction, None, movement.wallet))


def service_fee(
    movement: Movement | WalletMovement, stamp: Stamp, service_fee_minor: int, available_on: int | None
) -> Booking:
    """The second step of a service fee, to the main wallet; pending like the payment, or available at once."""
    fee, currency = positive(service_fee_minor), movement.currency
    if available_on is None:
        wallet = accounts.available(MAIN_WALLET, currency)
    else:
        wallet = accounts.pending(MAIN_WALLET, currency, available_on // DAY_SECONDS)
    due = seconds(stamp.created) if available_on is None else available_on
    transaction = transaction_of(movement, stamp, ("application_fee", "fee"), fee, 0, due)
    return _checked(Booking([Posting(accounts.fees_due(currency), -fee), Posting(wallet, fee)], transaction))


def reserve(movement: WalletMovement, stamp: Stamp) -> Booking:
    """Set aside for a withdrawal, which is told at once: it can be spent no more."""
    return _reserved(movement, stamp, ("payout", "payout"), positive(movement.amount_minor))


def release_reserved(movement: WalletMovement, stamp: Stamp) -> Booking:
    """The withdrawal will not be: what was set aside for it is available again."""
    return _reserved(movement, stamp, ("payout_cancel", "payout_reversal"), -positive(movement.amount_minor))


def pay_out_reserved(movement: WalletMovement) -> Booking:
    """On its way to a bank. It was told of when it was reserved."""
    amount, currency = positive(movement.amount_minor), movement.currency
    reserved, on_its_way = accounts.reserved(movement.wallet, currency), accounts.in_transit(currency)
    return Booking([Posting(reserved, -amount), Posting(on_its_way, amount)])


def _reserved(movement: WalletMovement, stamp: Stamp, kind: tuple[TransactionType, str], amount_minor: int) -> Booking:
    available = accounts.available(movement.wallet, movement.currency)
    reserved = accounts.reserved(movement.wallet, movement.currency)
    transaction = transaction_of(movement, stamp, kind, -amount_minor, 0, seconds(stamp.created))
    postings = [Posting(available, -amount_minor), Posting(reserved, amount_minor)]
    return _checked(Booking(postings, transaction, None, movement.wallet))


def _checked(booking: Booking) -> Booking:
    """What is told of a wallet is what its accounts got, and no other wallet got anything."""
    assert booking.transaction is not None, "what moves a wallet's money is told"
    moved = [posting for posting in booking.postings if posting.account.startswith(accounts.WALLETS)]
    net = sum(posting.amount_minor for posting in moved if accounts.holds_money(posting.account))
    if net != booking.transaction.net:
        raise LedgerDefect(f"{net} moved, where {booking.transaction.net} is told")
    if {accounts.owner_of(posting.account) for posting in moved} - {booking.wallet}:
        raise LedgerDefect(f"another wallet moved than {booking.wallet}")
    return booking
