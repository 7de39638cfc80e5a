"""What must be true of wallets: their transfers, withdrawals, payments and fees. Pure.

That a balance transaction tells what its postings say is proven where postings are walked (L3), so here it is enough
to hold the transactions against what brought them about.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from bursar.books.schemas import Case, ChargeRow, TransactionRow, WalletPaymentRow
from bursar.ledger.accounts import MAIN_WALLET
from bursar.ledger.verification import SERVICE_FEE, Finding
from bursar.wallets.payment_repository import PAYEE, PAYER
from bursar.wallets.repository import TRANSFER_PREFIX
from bursar.withdrawals.rules import OPEN

# Only wallets bring about such transactions; a charge has none of them.
_PAYMENT_TYPES = {PAYER: "transfer", PAYEE: "payment"}
_REFUND_TYPES = {PAYER: "transfer_refund", PAYEE: "payment_refund"}
_GIVEN_UP = frozenset({"refused", "canceled"})

# A wallet, a currency and an amount.
Line = tuple[str, str, int]


def check_wallets(case: Case) -> Iterator[Finding]:
    transactions = list(case.transactions.values())
    yield from _check_transfers(case, transactions)
    yield from _check_withdrawals(case, transactions)
    yield from _check_payments(case, transactions)
    yield from _check_fees(case, transactions)
    yield from _check_owners(case, transactions)


@dataclass(slots=True)
class WalletTotals:
    """What all that belongs to one organisation in one mode comes to."""

    reserved: Counter[tuple[str, str]] = field(default_factory=Counter)
    # What is refunded by the rows of payments less what was posted as such, by side and currency.
    refunds: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, case: Case) -> None:
        for withdrawal in case.withdrawals.values():
            if withdrawal.status in OPEN:
                self.reserved[withdrawal.wallet, withdrawal.currency] += withdrawal.amount_minor
        for payment in case.wallet_payments:
            self.refunds[payment.side, payment.currency] += payment.refunded_minor
        for side, kind in _REFUND_TYPES.items():
            for transaction in case.transactions.values():
                if transaction.type == kind:
                    self.refunds[side, transaction.currency] -= abs(transaction.amount_minor)

    def check(self, reserved: Mapping[tuple[str, str], int]) -> Iterator[Finding]:
        for wallet, currency in sorted(reserved.keys() | self.reserved.keys()):
            posted, due = reserved.get((wallet, currency), 0), self.reserved[wallet, currency]
            if posted != due:
                said = f"{posted} {currency} are reserved, where open withdrawals come to {due}"
                yield Finding("L4", f"wallet:{wallet}:{currency}:reserved", said)
        for (side, currency), difference in sorted(self.refunds.items()):
            if difference:
                said = f"payments say {difference} {currency} more of refunds than were posted"
                yield Finding("L6", f"wallet payments of the {side}", said)


def _check_transfers(case: Case, transactions: list[TransactionRow]) -> Iterator[Finding]:
    posted = _by_source(transaction for transaction in transactions if _is_transfer(transaction))
    for transfer in case.transfers.values():
        currency, amount = transfer.currency, transfer.amount_minor
        wanted = [(transfer.payer, currency, -amount), (transfer.payee, currency, amount)]
        if transfer.payer == transfer.payee:
            yield Finding("L8", transfer.id, "it leads from a wallet to itself")
        yield from _differences(transfer.id, sorted(wanted), posted.pop(transfer.id, []))
    for source_id, lines in posted.items():
        yield from _differences(source_id, [], lines)


def _check_withdrawals(case: Case, transactions: list[TransactionRow]) -> Iterator[Finding]:
    posted = _by_source(one for one in transactions if one.type in ("payout", "payout_cancel"))
    for withdrawal in case.withdrawals.values():
        line = (withdrawal.wallet, withdrawal.currency, withdrawal.amount_minor)
        wanted = [(*line[:2], -line[2])] + ([line] if withdrawal.status in _GIVEN_UP else [])
        yield from _differences(withdrawal.id, sorted(wanted), posted.pop(withdrawal.id, []))
    for source_id, lines in posted.items():
        yield from _differences(source_id, [], lines)


def _check_payments(case: Case, transactions: list[TransactionRow]) -> Iterator[Finding]:
    for side, kind in _PAYMENT_TYPES.items():
        posted = _by_source(one for one in transactions if one.type == kind and not _is_transfer(one))
        rows: dict[str, list[WalletPaymentRow]] = {}
        for row in case.wallet_payments:
            if row.side == side:
                rows.setdefault(row.source_id, []).append(row)
        sign = -1 if side == PAYER else 1
        for source_id in sorted(rows.keys() | posted.keys()):
            wanted = [(row.wallet, row.currency, sign * row.total_minor) for row in rows.get(source_id, [])]
            yield from _differences(source_id, sorted(wanted), posted.get(source_id, []))


def _check_fees(case: Case, transactions: list[TransactionRow]) -> Iterator[Finding]:
    """What the main wallet got is what was agreed. That somebody paid it, the clearing account tells (L9)."""
    got: Counter[str] = Counter()
    for transaction in transactions:
        if transaction.type == SERVICE_FEE:
            got[transaction.source_id] += transaction.amount_minor
    due: Counter[str] = Counter()
    for row in case.wallet_payments:
        if row.side == PAYEE:
            due[row.source_id] += row.service_fee_minor
    for source_id in sorted((got.keys() | due.keys()) - case.charges.keys()):
        if got[source_id] != due[source_id]:
            yield Finding("L5", source_id, f"its service fee is {due[source_id]}, {got[source_id]} was posted")
    intent = case.intent
    if intent is not None and intent.told is not None and intent.amount_minor:
        agreed = intent.service_fee_minor * (intent.told.amount_received or 0) // intent.amount_minor
        posted = sum(got[charge_id] for charge_id in case.charges)
        if posted != agreed:
            yield Finding("L5", intent.id, f"its service fee of what was received is {agreed}, {posted} was posted")


def _check_owners(case: Case, transactions: list[TransactionRow]) -> Iterator[Finding]:
    """All of a payment is the wallet's that it was made for, but for the service fee."""
    owners = {charge.id: _owner(case, charge) for charge in case.charges.values()}
    owners |= {refund.id: owners.get(refund.charge, MAIN_WALLET) for refund in case.refunds.values()}
    owners |= {dispute.id: owners.get(dispute.charge, MAIN_WALLET) for dispute in case.disputes.values()}
    for charge in case.charges.values():
        if charge.wallet != owners[charge.id]:
            said = f"it is of the wallet {charge.wallet}, its payment of {owners[charge.id]}"
            yield Finding("L5", charge.id, said)
    for transaction in transactions:
        owner = MAIN_WALLET if transaction.type == SERVICE_FEE else owners.get(transaction.source_id)
        if owner is not None and transaction.wallet != owner:
            yield Finding("L5", transaction.id, f"it is of the wallet {transaction.wallet}, and belongs to {owner}")


def _owner(case: Case, charge: ChargeRow) -> str:
    return case.intent.wallet if case.intent is not None else charge.wallet


def _is_transfer(transaction: TransactionRow) -> bool:
    return transaction.type == "transfer" and transaction.source_id.startswith(f"{TRANSFER_PREFIX}_")


def _by_source(transactions: Iterator[TransactionRow]) -> dict[str, list[Line]]:
    found: dict[str, list[Line]] = {}
    for one in transactions:
        found.setdefault(one.source_id, []).append((one.wallet, one.currency, one.amount_minor))
    return {source_id: sorted(lines) for source_id, lines in found.items()}


def _differences(subject: str, wanted: list[Line], posted: list[Line]) -> Iterator[Finding]:
    if wanted != posted:
        yield Finding("L8", subject, f"it must move {_listed(wanted)}; posted is {_listed(posted)}")


def _listed(lines: list[Line]) -> str:
    return ", ".join(f"{amount} {currency} of {wallet}" for wallet, currency, amount in lines) or "nothing"
