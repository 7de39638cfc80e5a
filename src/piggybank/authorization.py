"""One authorisation and its money: what its records, applied in their order, come to.

0 <= refunded + withdrawn <= captured <= authorised, at every step; a record that would break it is a defect.
"""

from __future__ import annotations

import msgspec

from piggybank.records import Behaviour, Payer, Record, Status
from piggybank_cards.declines import BANK_CODES

NOTHING = Behaviour()
# How one ends that was called off before the customer had decided.
CALLED_OFF, CALLED_OFF_CODE = "bank_cancelled", BANK_CODES["bank_cancelled"]


class Authorization(msgspec.Struct, kw_only=True):
    seq: int
    id: str
    merchant: str
    reference: str
    currency: str
    created: int
    status: Status
    code: str
    amount: int
    capture: bool
    decline: str | None = None
    partial_captures: bool = False
    behaviour: Behaviour = NOTHING
    brand: str = ""
    account: str = ""
    # The last record that concerns this.
    latest: int = 0
    captured: int = 0
    refunded: int = 0
    # In the cardholder's hands by disputes.
    withdrawn: int = 0
    # A final capture was made: the rest is released.
    closed: bool = False
    voided: bool = False
    expired: bool = False
    reversed: bool = False
    # A second reversal came: nothing may bring it back.
    reversed_for_good: bool = False
    # It came back once already.
    came_back: bool = False
    # Whether a dispute was made due already.
    disputed: bool = False
    # By their records: whether a capture was final, by how much an increment raised, how a refund stands.
    captures: dict[int, bool] = {}
    increments: dict[int, int] = {}
    refunds: dict[int, Status] = {}
    # Operations of this authorisation that reversals undid.
    undone: set[int] = set()
    withdrawals: dict[str, int] = {}
    # Without a card: who pays, what the bank keeps, and the record whose `later` comes next.
    payer: Payer | None = None
    fee: int = 0
    awaits: int = 0

    @property
    def held(self) -> int:
        if self.status != "approved" or self.capture or self.closed:
            return 0
        return 0 if self.voided or self.expired or self.reversed else self.amount - self.captured

    @property
    def refundable(self) -> int:
        return 0 if self.reversed else self.captured - self.refunded - self.withdrawn

    @property
    def undecided(self) -> bool:
        return self.status in ("waiting", "pending")

    def apply(self, record: Record) -> None:
        self.latest = record.seq
        if record.kind == "authorization":
            pass  # it made this
        elif record.kind == "completion":
            self._complete(record)
        elif record.kind == "refund_outcome":
            self._settle_refund(record)
        elif record.kind == "expiry":
            self.expired = True
        elif record.kind == "late_approval":
            self.reversed, self.came_back = False, True
        elif record.kind == "settlement":
            self._settle(record)
        elif record.kind == "dispute":
            self._dispute(record)
        elif record.status in ("approved", "pending"):
            self._move(record)
        if record.later in ("dispute", "fraud_warning"):
            self.disputed = True
        assert 0 <= self.refunded + self.withdrawn <= self.captured <= self.amount, "more money than there is"

    def operation_status(self, record: Record) -> Status:
        """An operation's status as it is now."""
        if record.kind == "refund" and record.seq in self.refunds:
            return self.refunds[record.seq]
        if record.kind == "authorization":
            return self.status
        assert record.status, "operations have a status"
        return record.status

    def _complete(self, record: Record) -> None:
        if self.status != "challenge" or self.reversed or self.voided:
            return  # a second completion is declined and changes nothing
        assert record.status in ("approved", "declined"), "a completion ends the challenge"
        self.status, self.code, self.decline = record.status, record.code, record.decline
        if record.status == "approved" and self.capture:
            self.captured = self.amount

    def _move(self, record: Record) -> None:
        if record.kind == "capture":
            self.captures[record.seq] = record.final
            self.captured += record.amount
            self.closed = self.closed or record.final
        elif record.kind == "increment":
            self.increments[record.seq] = record.amount - self.amount
            self.amount = record.amount
        elif record.kind == "void":
            self.voided = True
            self._call_off()
        elif record.kind == "refund":
            self.refunds[record.seq] = record.status or "approved"
            self.refunded += record.amount
        elif record.kind == "reversal" and record.undid:
            self._undo(record.undid, record.amount)

    def _settle(self, record: Record) -> None:
        """What was called off or had ended, and is approved none the less, has come back."""
        assert record.status, "a settlement has a status"
        if not self.undecided:
            self.reversed, self.voided, self.came_back = False, False, True
        self.status, self.code, self.decline = record.status, record.code, record.decline
        self.fee = record.fee
        self.awaits = record.seq if record.later is not None else 0
        if record.status == "approved":
            self.captured = self.amount

    def _call_off(self) -> None:
        if self.undecided:
            self.status, self.code, self.decline = "declined", CALLED_OFF_CODE, CALLED_OFF

    def _settle_refund(self, record: Record) -> None:
        assert record.status, "an outcome has a status"
        self.refunds[record.cause] = record.status
        if record.status == "failed":
            self.refunded -= record.amount

    def _dispute(self, record: Record) -> None:
        assert record.dispute is not None, "a dispute's record holds it"
        before = self.withdrawals.get(record.dispute.id, 0)
        self.withdrawals[record.dispute.id] = record.dispute.withdrawn
        self.withdrawn += record.dispute.withdrawn - before

    def _undo(self, seq: int, amount: int) -> None:
        if seq == self.seq:
            self.reversed_for_good = self.reversed or self.came_back
            self.reversed = True
            self._call_off()
            return
        self.undone.add(seq)
        if seq in self.captures:
            self.captured -= amount
            self.closed = self.closed and not self.captures[seq]
        elif seq in self.increments:
            self.amount -= amount
        elif seq in self.refunds:
            self.refunded -= amount
        else:
            self.voided = False


def opened_by(record: Record) -> Authorization:
    """What an authorisation's first record makes of it."""
    assert record.status, "an authorisation has a status"
    opened = Authorization(
        seq=record.seq,
        id=record.id,
        merchant=record.merchant,
        reference=record.reference,
        currency=record.currency,
        created=record.at,
        status=record.status,
        code=record.code,
        decline=record.decline,
        amount=record.amount,
        capture=record.capture,
        partial_captures=record.partial_captures,
        behaviour=record.behaviour or NOTHING,
        brand=record.card.brand if record.card is not None else "",
        account=record.account,
        latest=record.seq,
        disputed=record.later in ("dispute", "fraud_warning"),
        payer=record.payer,
    )
    if record.payer is not None:
        opened.fee = record.fee
        opened.awaits = record.seq
    if record.status == "approved" and record.capture:
        opened.captured = record.amount
    return opened
