"""What is kept of an operation at a bank. No card number: that stays in the vault, under the token's id."""

from __future__ import annotations

from typing import Literal

import msgspec

from bursar.connectors.contract import Outcome, read_outcome

Kind = Literal["authorize", "complete", "capture", "void", "refund", "increment"]
# `prepared`: it may have been sent. `unknown`: it was, and no answer came. `reversing`: it must not stand, and the
# bank has not said yet that it does not. `pending`: the bank has it and waits, for its customer or for another bank.
# The others are ends; `reversed` is looked at once more.
State = Literal["prepared", "unknown", "reversing", "pending", "succeeded", "declined", "failed", "reversed"]
OPEN_STATES = ("prepared", "unknown", "reversing")


class BankOrder(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Enough to send the operation again, whoever has to."""

    connector: str
    merchant: str
    bank_reference: str | None = None
    # Of an authorisation: what pays by its token, and of a card what is not secret about it.
    token_id: str | None = None
    # What pays where no card does. An account at a bank is in the vault, as card numbers are.
    method: Literal["card", "net_banking", "upi", "wallet"] = "card"
    vpa: str | None = None
    bank_code: str | None = None
    has_account: bool = False
    wallet_id: str | None = None
    return_url: str | None = None
    exp_month: int = 0
    exp_year: int = 0
    name: str | None = None
    line1: str | None = None
    postal_code: str | None = None
    capture: bool = True
    off_session: bool = False
    authentication: Literal["automatic", "any", "challenge"] = "automatic"
    save_for_later: bool = False
    agreed_before: bool = False
    partial_captures: bool = False
    descriptor: str | None = None
    # Of a completion.
    authenticated: bool = True
    # Of a capture.
    final: bool = True
    # What the feature wants to remember until the outcome is known.
    notes: dict[str, str] = {}
    # The request that began it, for the log.
    actor: str | None = None
    address: str | None = None
    request_id: str | None = None
    idempotency_key: str | None = None


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    org_id: str
    livemode: int
    id: str
    kind: Kind
    subject_id: str
    state: State
    amount_minor: int
    currency: str
    fence: int
    tries: int
    next_look: int | None
    bank_reference: str | None
    order: BankOrder
    outcome: Outcome | None = None

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_STATES


class LatePayment(msgspec.Struct, frozen=True, kw_only=True):
    """Money that came after its payment was over. It goes back; no charge was made of it."""

    id: str
    object: Literal["late_payment"] = "late_payment"
    amount: int
    currency: str
    livemode: bool
    subject: str
    type: str


_order_decoder = msgspec.json.Decoder(BankOrder)


def decode_order(document: str) -> BankOrder:
    return _order_decoder.decode(document)


def decode_outcome(document: str) -> Outcome:
    return read_outcome(document)
