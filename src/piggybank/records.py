"""What stands in the journal. The bank's state is these records applied in their order, and nothing else.

No record has room for a card number or a CVC: of a card there are the first six and last four digits and a keyed hash.
"""

from __future__ import annotations

from typing import Literal

import msgspec

OperationKind = Literal["authorization", "completion", "capture", "void", "refund", "increment", "reversal"]
Kind = Literal[
    "opened",  # the journal itself
    "authorization",
    "completion",
    "capture",
    "void",
    "refund",
    "increment",
    "reversal",
    "expiry",  # of what an authorisation still held
    "refund_outcome",
    "late_approval",
    "dispute",
    "fraud_warning",
    "lapse",  # what was to happen later has lost its reason
    "account",
    "wallet",
    "batch",  # what a merchant's operations come to, until it is paid out
    "settlement",  # how an authorisation that waited for its customer stands now
    "delivered",  # a webhook reached its receiver, or was given up
]
OPERATION_KINDS = frozenset(("authorization", "completion", "capture", "void", "refund", "increment", "reversal"))
# `waiting`: the customer has to act at the bank. An authorisation that is `pending` was acted on, and is not decided.
Status = Literal["approved", "declined", "challenge", "waiting", "pending", "failed"]
CheckResult = Literal["pass", "fail", "unavailable", "unchecked"]
Authentication = Literal["not_needed", "frictionless", "attempted", "passed", "failed"]
RiskLevel = Literal["normal", "elevated", "highest"]
Later = Literal[
    "dispute",
    "second_dispute",
    "fraud_warning",
    "refund_succeeds",
    "refund_fails",
    "late_approval",
    "dispute_won",
    "dispute_lost",
    "dispute_escalated",
    "customer_acts",
    "waiting_ends",
    "pending_ends",
    "late_success",
]
PayerMethod = Literal["upi", "net_banking", "wallet"]


class CardTrace(msgspec.Struct, frozen=True, gc=False):
    bin: str
    last4: str
    hash: str
    brand: str


class Behaviour(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What a test card will do later, as the number that tells it is not kept."""

    dispute: str | None = None
    refund: str | None = None
    available_at_once: bool = False
    decline_after_authentication: str | None = None


class Checks(msgspec.Struct, frozen=True, gc=False):
    cvc: CheckResult | None = None
    line1: CheckResult | None = None
    postal_code: CheckResult | None = None


class AccountOpened(msgspec.Struct, frozen=True, omit_defaults=True):
    """The number and the CVC follow from the record's place in the journal and the bank's key."""

    brand: str
    balance: int
    currency: str
    exp_month: int
    exp_year: int
    number_hash: str
    attempt: int = 0
    # What must be added to the CVC that follows from the key, if another one was asked for.
    cvc_shift: int = 0
    limit: int | None = None


class Payer(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Who pays without a card, and until when, in milliseconds, the customer may act."""

    method: PayerMethod
    # Of a collect request; without one the customer opens the link.
    vpa: str = ""
    bank_code: str = ""
    # The last four characters of the customer's account, if one was named.
    account_end: str = ""
    wallet: str = ""
    until: int = 0
    return_url: str = ""
    # What the customer is shown as the payee.
    payee: str = ""
    # Of the bank's page: whoever has it may decide.
    page: str = ""


class WalletOpened(msgspec.Struct, frozen=True):
    balance: int
    currency: str


class DisputeChange(msgspec.Struct, frozen=True):
    """A dispute as it is from now on."""

    id: str
    amount: int
    currency: str
    reason: str
    fee: int
    status: Literal["open", "under_review", "won", "lost"]
    inquiry: bool
    evidence_due: int
    # What of the charge is in the cardholder's hands because of it.
    withdrawn: int = 0


class Booked(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What a record moves between the bank and its merchant, in minor units. Less is below nothing."""

    currency: str
    payments: int = 0
    gross: int = 0
    refunds: int = 0
    disputes: int = 0
    fees: int = 0


class Batch(msgspec.Struct, frozen=True):
    """All that was booked since the last one, from its first second to its last."""

    payments: int
    gross: int
    refunds: int
    disputes: int
    fees: int
    begins: int
    ends: int

    @property
    def net(self) -> int:
        return self.gross - self.refunds - self.disputes - self.fees


class Event(msgspec.Struct, frozen=True):
    """A webhook: what is sent, byte for byte."""

    id: str
    type: str
    body: msgspec.Raw


class Record(msgspec.Struct, kw_only=True, omit_defaults=True):
    seq: int
    at: int  # milliseconds
    kind: Kind
    id: str = ""
    merchant: str = ""
    reference: str = ""
    # A keyed hash of the request, without its CVC.
    fingerprint: str = ""
    status: Status | Literal[""] = ""
    authorization: str = ""
    # The record before this one that concerns the same authorisation.
    previous: int = 0
    amount: int = 0
    currency: str = ""
    code: str = ""
    decline: str | None = None
    advice_code: str | None = None
    capture: bool = False
    final: bool = False
    partial_captures: bool = False
    card: CardTrace | None = None
    behaviour: Behaviour | None = None
    checks: Checks | None = None
    risk: RiskLevel | None = None
    authentication: Authentication | None = None
    account: str = ""
    fee: int = 0
    # When that which is still held after this will be released by itself, in milliseconds; 0 if nothing is held.
    expires: int = 0
    reverses: str = ""
    # The record that a reversal undid; 0 if there was none.
    undid: int = 0
    later: Later | None = None
    due: int = 0
    # The record whose `later` this is.
    cause: int = 0
    opened: AccountOpened | None = None
    wallet: WalletOpened | None = None
    payer: Payer | None = None
    dispute: DisputeChange | None = None
    event: Event | None = None
    booked: Booked | None = None
    batch: Batch | None = None
    # What the bank's ids have in the middle, so that those of two journals never meet.
    salt: str = ""


def sequence_of(object_id: str, prefix: str, salt: str) -> int | None:
    """An id of ours ends in the number of the record that made it."""
    found, _, number = object_id.rpartition("_")
    if found != f"{prefix}_{salt}" or not (number.isascii() and number.isdigit()) or len(number) > 12:
        return None
    return int(number)
