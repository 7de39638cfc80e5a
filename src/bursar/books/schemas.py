"""What counts of each row, and all of it that belongs to one payment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec

from bursar.attempts.schemas import OPEN_STATES
from bursar.ledger.accounts import MAIN_WALLET


class Named(msgspec.Struct):
    id: str


class Told(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Of an object's JSON, as it is stored or as an event tells it: its state and its amounts."""

    id: str | None = None
    status: str | None = None
    amount: int | None = None
    currency: str | None = None
    # Of payment intents.
    amount_capturable: int | None = None
    amount_received: int | None = None
    latest_charge: str | None = None
    canceled_at: int | None = None
    # Of charges.
    amount_captured: int | None = None
    amount_refunded: int | None = None
    captured: bool | None = None
    refunded: bool | None = None
    disputed: bool | None = None
    # Of charges and refunds.
    balance_transaction: str | None = None
    failure_balance_transaction: str | None = None
    # Of disputes.
    balance_transactions: list[Named] | None = None


class IntentRow(msgspec.Struct, array_like=True):
    """A payment intent, or a setup intent, which has no amounts."""

    id: str
    status: str
    amount_minor: int | None
    currency: str | None
    attempt_id: str | None
    told: Told | None
    # Whose money it is, as the ledger names the wallet, and what of it the main one gets.
    wallet: str = MAIN_WALLET
    service_fee_minor: int = 0


class ChargeRow(msgspec.Struct, array_like=True):
    id: str
    payment_intent: str
    status: str
    amount_minor: int
    captured_minor: int
    refunded_minor: int
    disputed_minor: int
    currency: str
    bank_reference: str | None
    attempt_id: str
    told: Told | None
    wallet: str = MAIN_WALLET


class RefundRow(msgspec.Struct, array_like=True):
    id: str
    charge: str
    status: str
    amount_minor: int
    currency: str
    attempt_id: str
    told: Told | None

    @property
    def is_kept(self) -> bool:
        """Whether the charge keeps its amount free for it, or has given it."""
        return self.status not in ("failed", "canceled")


class DisputeRow(msgspec.Struct, array_like=True):
    id: str
    charge: str
    status: str
    amount_minor: int
    currency: str
    withdrawn_minor: int
    fee_minor: int
    bank_reference: str
    told: Told | None


class Order(msgspec.Struct):
    """Of what an attempt was asked to do."""

    bank_reference: str | None = None
    capture: bool = True
    final: bool = True
    method: str = "card"
    notes: dict[str, str] = {}


class Ending(msgspec.Struct):
    """Of how an attempt ended."""

    kind: str
    fee_minor: int = 0
    reversed: bool = False


class AttemptRow(msgspec.Struct, array_like=True):
    id: str
    kind: str
    subject_id: str
    state: str
    amount_minor: int
    currency: str
    order: Order
    ending: Ending | None

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_STATES

    @property
    def is_first(self) -> bool:
        """Whether it asked for the payment itself, and does not follow an authorisation."""
        return self.kind in ("authorize", "complete")

    @property
    def has_succeeded(self) -> bool:
        return (
            self.state == "succeeded"
            and self.ending is not None
            and self.ending.kind in ("succeeded", "pending")
            and not self.ending.reversed
        )

    @property
    def asks_customer(self) -> bool:
        """Ended where the customer must authenticate, and that was allowed."""
        asks = self.ending is not None and self.ending.kind == "action_required"
        return asks and "error_on_requires_action" not in self.order.notes

    @property
    def was_refused(self) -> bool:
        if self.waits_at_bank:  # one that was given up while it waited was refused by nobody
            return self.ending is not None and self.ending.kind not in ("succeeded", "pending", "action_required")
        return self.ending is not None and not self.has_succeeded and not self.asks_customer

    @property
    def waits_at_bank(self) -> bool:
        """Whether the bank asks its customer by itself: what it said first is not kept once it says the end."""
        return self.is_first and self.order.method != "card"


class PostingRow(msgspec.Struct, array_like=True):
    """Of an acquirer's account: what it is for is the last word of its name."""

    transaction_id: str
    account: str
    amount_minor: int
    currency: str
    operation_id: str | None
    hold_id: str | None


class TransactionRow(msgspec.Struct, array_like=True):
    id: str
    source_id: str
    type: str
    currency: str
    amount_minor: int
    fee_minor: int
    wallet: str


class TransferRow(msgspec.Struct, array_like=True):
    """Between wallets of the organisation, as the ledger names them."""

    id: str
    payer: str
    payee: str
    currency: str
    amount_minor: int


class WithdrawalRow(msgspec.Struct, array_like=True):
    id: str
    wallet: str
    status: str
    currency: str
    amount_minor: int


class WalletPaymentRow(msgspec.Struct, array_like=True):
    """One side of a payment between wallets."""

    id: str
    side: str
    wallet: str
    source_id: str
    other_org_id: str
    currency: str
    total_minor: int
    service_fee_minor: int
    refunded_minor: int


class EventRow(msgspec.Struct, array_like=True):
    id: str
    type: str
    object_id: str
    # Of all that it tells; two that follow each other and are alike tell one thing twice.
    digest: bytes
    told: Told | None


class BankOperation(msgspec.Struct, array_like=True):
    """As the bank's own journal has it, after all that happened to it since."""

    reference: str
    kind: str
    status: str
    amount_minor: int
    currency: str
    fee_minor: int
    is_reversed: bool
    touched_milliseconds: int
    # The bank has something to tell us about it, and has not reached us yet.
    is_untold: bool

    @property
    def stands(self) -> bool:
        return self.status in ("approved", "pending") and not self.is_reversed


class BankDisputeRow(msgspec.Struct, array_like=True):
    id: str
    authorization: str
    withdrawn_minor: int
    currency: str
    touched_milliseconds: int
    is_untold: bool


Fact = (
    IntentRow
    | ChargeRow
    | RefundRow
    | DisputeRow
    | AttemptRow
    | TransactionRow
    | PostingRow
    | EventRow
    | BankOperation
    | BankDisputeRow
    | TransferRow
    | WithdrawalRow
    | WalletPaymentRow
)
# The order is that in which a case is read. A fact is kept under the place of its class in this list.
FACTS: tuple[type[Fact], ...] = (
    IntentRow,
    ChargeRow,
    RefundRow,
    DisputeRow,
    AttemptRow,
    TransactionRow,
    PostingRow,
    EventRow,
    BankOperation,
    BankDisputeRow,
    TransferRow,
    WithdrawalRow,
    WalletPaymentRow,
)
PLACES = {fact: place for place, fact in enumerate(FACTS)}


@dataclass(slots=True)
class Group:
    """The postings of one transaction on the acquirer's accounts, by what they mean. Refunds are captured less."""

    transaction_id: str
    currency: str
    source: TransactionRow | None = None
    operation_id: str | None = None
    hold_id: str | None = None
    captured_minor: int = 0
    held_minor: int = 0
    disputed_minor: int = 0
    fee_minor: int = 0

    @property
    def source_id(self) -> str | None:
        return self.source.source_id if self.source is not None else None

    def add(self, posting: PostingRow) -> None:
        self.operation_id = self.operation_id or posting.operation_id
        self.hold_id = self.hold_id or posting.hold_id
        kind = posting.account.rpartition(":")[2]
        if kind == "receivable":
            self.captured_minor -= posting.amount_minor
        elif kind == "holds":
            self.held_minor -= posting.amount_minor
        elif kind == "disputes":
            self.disputed_minor += posting.amount_minor
        elif kind == "fees":
            self.fee_minor += posting.amount_minor


@dataclass(slots=True)
class Case:
    """One payment with all that belongs to it. `root` is the intent's id, or of what belongs to none its own."""

    root: str
    intent: IntentRow | None = None
    charges: dict[str, ChargeRow] = field(default_factory=dict)
    refunds: dict[str, RefundRow] = field(default_factory=dict)
    disputes: dict[str, DisputeRow] = field(default_factory=dict)
    attempts: dict[str, AttemptRow] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    events: dict[str, list[EventRow]] = field(default_factory=dict)
    bank: list[BankOperation] = field(default_factory=list)
    bank_disputes: list[BankDisputeRow] = field(default_factory=list)
    transactions: dict[str, TransactionRow] = field(default_factory=dict)
    transfers: dict[str, TransferRow] = field(default_factory=dict)
    withdrawals: dict[str, WithdrawalRow] = field(default_factory=dict)
    wallet_payments: list[WalletPaymentRow] = field(default_factory=list)

    def add(self, fact: Fact) -> None:
        match fact:
            case IntentRow():
                self.intent = fact
            case ChargeRow():
                self.charges[fact.id] = fact
            case RefundRow():
                self.refunds[fact.id] = fact
            case DisputeRow():
                self.disputes[fact.id] = fact
            case AttemptRow():
                self.attempts[fact.id] = fact
            case TransactionRow():
                self.transactions[fact.id] = fact
            case PostingRow():
                self._group(fact).add(fact)
            case EventRow():
                self.events.setdefault(fact.object_id, []).append(fact)
            case BankOperation():
                self.bank.append(fact)
            case BankDisputeRow():
                self.bank_disputes.append(fact)
            case TransferRow() | WithdrawalRow() | WalletPaymentRow():
                self._add_of_wallets(fact)

    def groups_of(self, source_id: str) -> Iterator[Group]:
        """Those that moved money for a charge, refund or dispute."""
        return (group for group in self.groups.values() if group.source_id == source_id)

    def groups_by_operation(self, operation_id: str) -> list[Group]:
        return [group for group in self.groups.values() if group.operation_id == operation_id]

    def refund_of(self, attempt: AttemptRow) -> RefundRow | None:
        return self.refunds.get(attempt.subject_id)

    def _add_of_wallets(self, fact: TransferRow | WithdrawalRow | WalletPaymentRow) -> None:
        match fact:
            case TransferRow():
                self.transfers[fact.id] = fact
            case WithdrawalRow():
                self.withdrawals[fact.id] = fact
            case WalletPaymentRow():
                self.wallet_payments.append(fact)

    def _group(self, posting: PostingRow) -> Group:
        group = self.groups.get(posting.transaction_id)
        if group is None:
            source = self.transactions.get(posting.transaction_id)
            group = self.groups[posting.transaction_id] = Group(posting.transaction_id, posting.currency, source)
        return group


_encoder = msgspec.msgpack.Encoder()
_decoders = [msgspec.msgpack.Decoder(fact) for fact in FACTS]


def encode_fact(fact: Fact) -> bytes:
    return _encoder.encode(fact)


def decode_fact(place: int, payload: bytes) -> Fact:
    """Raises msgspec.ValidationError where a column held something else than was ever written to it."""
    fact: Fact = _decoders[place].decode(payload)
    return fact
