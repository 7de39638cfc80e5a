"""What every acquirer and payment provider can be asked, and how it may answer.

Orders are frozen values that carry all a connector needs; outcomes are one closed set. Nothing here
does I/O, and nothing here knows the database or the wire of `/v1`.
"""

from __future__ import annotations

from typing import Any, Literal, Protocol

import msgspec

CheckResult = Literal["pass", "fail", "unavailable", "unchecked"]
OperationKind = Literal["authorize", "complete", "capture", "void", "refund", "increment"]


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """In memory only, from the request or the vault to the bank. Its text shows nothing of it."""

    number: str
    exp_month: int
    exp_year: int
    cvc: str | None = None
    name: str | None = None
    line1: str | None = None
    postal_code: str | None = None

    def __repr__(self) -> str:
        return f"Card(…{self.number[-4:]})"


class UpiIntent(msgspec.Struct, frozen=True, kw_only=True):
    """The customer opens the bank's `upi://` link in a UPI app, or scans it."""


class UpiCollect(msgspec.Struct, frozen=True, kw_only=True):
    """The bank asks the customer's UPI app, which it finds by this address."""

    vpa: str


class NetBanking(msgspec.Struct, frozen=True, kw_only=True):
    """The customer approves on the page of that bank."""

    bank_code: str
    account: str | None = None

    def __repr__(self) -> str:
        return f"NetBanking({self.bank_code})"


class CustomerWallet(msgspec.Struct, frozen=True, kw_only=True):
    """A balance that the customer has at the bank; it pays or declines at once."""

    wallet_id: str


Method = Card | UpiIntent | UpiCollect | NetBanking | CustomerWallet


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """The merchant's account at an acquirer: which connector, and by what it proves who it is."""

    connector: str
    merchant: str
    credentials: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"Account({self.connector}, {self.merchant})"


class Authorize(msgspec.Struct, frozen=True, kw_only=True):
    """Asks for money; with `capture` it is a sale. A zero amount verifies the card only.

    What pays without a card is always a sale, and what is said of cards means nothing to it.
    """

    operation_id: str
    account: Account
    amount_minor: int
    currency: str
    method: Method
    capture: bool = True
    off_session: bool = False
    # The cardholder authenticates as part of this: never asked when off-session.
    authentication: Literal["automatic", "any", "challenge"] = "automatic"
    # Remembered with the bank so that later payments without the cardholder can refer to it.
    save_for_later: bool = False
    # Set when the cardholder authenticated this card when it was saved.
    agreed_before: bool = False
    partial_captures: bool = False
    descriptor: str | None = None
    # Ours: where the bank sends a customer back to who approves on its page.
    return_url: str | None = None
    # How long the customer may take to approve; the bank's own limit where nothing is said.
    expires_after_seconds: int | None = None


class Complete(msgspec.Struct, frozen=True, kw_only=True):
    """The customer came back from the authentication that `operation_id` had asked for."""

    operation_id: str
    account: Account
    bank_reference: str
    authentication: Literal["passed", "failed"]


class Capture(msgspec.Struct, frozen=True, kw_only=True):
    operation_id: str
    account: Account
    bank_reference: str
    amount_minor: int
    currency: str
    final: bool = True


class Increment(msgspec.Struct, frozen=True, kw_only=True):
    """Raises an authorisation to a new total."""

    operation_id: str
    account: Account
    bank_reference: str
    amount_minor: int
    currency: str


class Void(msgspec.Struct, frozen=True, kw_only=True):
    """Releases what is held. Without a bank reference it is a reversal: whatever became of the operation that
    `reverses` names, none of it may stand, and none of it may come to be later. It may be repeated.
    """

    operation_id: str
    account: Account
    bank_reference: str | None = None
    reverses: str | None = None


class Refund(msgspec.Struct, frozen=True, kw_only=True):
    operation_id: str
    account: Account
    bank_reference: str
    amount_minor: int
    currency: str


class Inquire(msgspec.Struct, frozen=True, kw_only=True):
    """Asks for the fate of one operation, by the id that we gave it."""

    operation_id: str
    account: Account


Order = Authorize | Complete | Capture | Increment | Void | Refund | Inquire


class Redirect(msgspec.Struct, frozen=True, kw_only=True, tag="redirect"):
    """The customer must go there. Without an address it is our own authentication page."""

    url: str | None = None
    expires_at: int | None = None


class QrCode(msgspec.Struct, frozen=True, kw_only=True, tag="qr_code"):
    """The customer scans this text, or opens it as a link where the paying app is on the same device."""

    text: str
    expires_at: int


class WaitForCustomer(msgspec.Struct, frozen=True, kw_only=True, tag="wait_for_customer"):
    """The bank has asked the customer itself; there is nothing to show."""

    expires_at: int


Action = Redirect | QrCode | WaitForCustomer


class Decline(msgspec.Struct, frozen=True, kw_only=True):
    """`code` is a row of the one table of declines; the raw code is what the bank said."""

    code: str
    raw_code: str | None = None
    advice_code: str | None = None


class Checks(msgspec.Struct, frozen=True, kw_only=True):
    cvc: CheckResult | None = None
    line1: CheckResult | None = None
    postal_code: CheckResult | None = None


class Risk(msgspec.Struct, frozen=True, kw_only=True):
    level: Literal["normal", "elevated", "highest", "not_assessed"] = "not_assessed"
    score: int | None = None


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How an order ended, or that it is not known.

    `not_sent` and `unknown` are made in `call.py` alone: the first means that surely no byte of it
    reached the bank, the second that nothing can be said. `absent` answers an inquiry: the bank is
    sure that it never got the operation. Of an authorisation, `action_required` says that the customer
    has to act, and `pending` that the customer has acted and the bank does not know yet.
    """

    kind: Literal["succeeded", "pending", "action_required", "declined", "not_sent", "unknown", "absent"]
    bank_reference: str | None = None
    amount_minor: int | None = None
    currency: str | None = None
    action: Action | None = None
    decline: Decline | None = None
    checks: Checks = Checks()
    risk: Risk = Risk()
    authorization_code: str | None = None
    network_transaction_id: str | None = None
    # Retrieval or acquirer reference number: what the cardholder's bank finds a refund by.
    retrieval_reference: str | None = None
    authentication: Literal["not_needed", "frictionless", "attempted", "passed", "failed"] | None = None
    fee_minor: int = 0
    # Money that counts as available at once.
    available_at_once: bool = False
    # The bank's own operation kind, for inquiries.
    operation: OperationKind | None = None
    # A later inquiry found it reversed: nothing of it stands.
    reversed: bool = False
    # The bank's answer without anything secret, for people who look into a case.
    raw: dict[str, Any] = {}


_outcome_decoder = msgspec.json.Decoder(Outcome)


def read_outcome(document: str) -> Outcome:
    """One that was written down, also before there were other actions than a redirect."""
    try:
        return _outcome_decoder.decode(document)
    except msgspec.ValidationError:
        written = msgspec.json.decode(document, type=dict[str, Any])
        action = written.get("action")
        if not isinstance(action, dict) or "type" in action:
            raise
        return msgspec.convert(written | {"action": action | {"type": "redirect"}}, Outcome)


class SubmitEvidence(msgspec.Struct, frozen=True, kw_only=True):
    """Answers a dispute. It may be repeated: a bank that reads the evidence already says so."""

    account: Account
    dispute_id: str
    # What was said, by the name of the field.
    evidence: dict[str, str]


class AcceptDispute(msgspec.Struct, frozen=True, kw_only=True):
    """Gives a dispute up. It may be repeated."""

    account: Account
    dispute_id: str


class InquireDispute(msgspec.Struct, frozen=True, kw_only=True):
    account: Account
    dispute_id: str


DisputeOrder = SubmitEvidence | AcceptDispute | InquireDispute


class BankDispute(msgspec.Struct, frozen=True, kw_only=True):
    """A dispute as the bank sees it. An inquiry only asks: it moves no money."""

    dispute_id: str
    bank_reference: str  # of the authorisation that it is about
    status: Literal["open", "under_review", "won", "lost"]
    inquiry: bool
    amount_minor: int
    currency: str
    reason: str
    fee_minor: int = 0
    evidence_due: int | None = None


class DisputeAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """`refused` is the bank's own no, with its code; `not_sent` and `unknown` mean the same as of an outcome."""

    kind: Literal["told", "refused", "not_sent", "unknown"]
    dispute: BankDispute | None = None
    code: str | None = None


class BankSettlement(msgspec.Struct, frozen=True, kw_only=True):
    """What a bank says it will pay out, or take, for a while's operations. All of it in minor units of one currency."""

    settlement_id: str
    currency: str
    payments: int
    gross_minor: int
    refunded_minor: int
    disputed_minor: int
    fee_minor: int
    net_minor: int
    # Of what it is made of, in seconds.
    begins: int
    ends: int


class BankEvent(msgspec.Struct, frozen=True, kw_only=True):
    """What a bank told by itself, translated. `operation_id` is ours where it names one."""

    event_id: str
    kind: Literal[
        "authorization_approved",
        # One that waited for the customer has ended without money: declined, or not acted on in time.
        "authorization_declined",
        "authorization_expired",
        "refund_succeeded",
        "refund_failed",
        "dispute_opened",
        "dispute_updated",
        "dispute_won",
        "dispute_lost",
        "fraud_warning",
        "settlement_ready",
    ]
    merchant: str
    created: int
    operation_id: str | None = None
    bank_reference: str | None = None
    amount_minor: int | None = None
    currency: str | None = None
    fee_minor: int = 0
    reason: str | None = None
    dispute: BankDispute | None = None
    settlement: BankSettlement | None = None
    details: dict[str, Any] = {}


# Why a message is not believed, for those who count them.
RefusalReason = Literal["forged", "stale", "unsigned", "unreadable", "too_large", "wrong_account"]


class WebhookRefused(Exception):
    """The signature does not hold, or the message cannot be read."""

    def __init__(self, message: str, reason: RefusalReason = "unreadable") -> None:
        super().__init__(message)
        self.reason: RefusalReason = reason


class Returned(msgspec.Struct, frozen=True, kw_only=True):
    """What a customer brought back from the bank's page, signed by the bank. It says where to look, and no more:
    whoever settles asks the bank itself.
    """

    operation_id: str
    bank_reference: str
    status: Literal["succeeded", "failed", "pending"]
    created: int


class ReturnRefused(Exception):
    """The query that a customer came back with is not as the bank has signed it, or too old."""


class Connector(Protocol):
    """One acquirer or provider. Orders go out through `call.py`, so no verb raises for what a network does."""

    name: str

    async def authorize(self, order: Authorize) -> Outcome: ...

    async def complete(self, order: Complete) -> Outcome: ...

    async def capture(self, order: Capture) -> Outcome: ...

    async def increment(self, order: Increment) -> Outcome: ...

    async def void(self, order: Void) -> Outcome: ...

    async def refund(self, order: Refund) -> Outcome: ...

    async def inquire(self, order: Inquire) -> Outcome: ...

    async def dispute(self, order: DisputeOrder) -> DisputeAnswer: ...

    def read_webhook(self, headers: dict[str, str], body: bytes, now_seconds: int) -> list[BankEvent]: ...

    def read_return(self, query: str, now_seconds: int) -> Returned: ...

    async def close(self) -> None: ...
