"""What is kept of an operation at a bank. No card number: that stays in the vault, under the token's id."""

from __future__ import annotations

from typing import Literal

import msgspec

from bursar.connectors.contract import Outcome

Kind = Literal["authorize", "complete", "capture", "void", "refund", "increment"]
# `prepared`: it may have been sent. `unknown`: it was, and no answer came. `reversing`: it must not stand, and the
# bank has not said yet that it does not. The others are ends; `reversed` is looked at once more.
State = Literal["prepared", "unknown", "reversing", "pending", "succeeded", "declined", "failed", "reversed"]
OPEN_STATES = ("prepared", "unknown", "reversing")


class BankOrder(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Enough to send the operation again, whoever has to."""

    connector: str
    merchant: str
    bank_reference: str | None = None
    # Of an authorisation: the card by its token, and what is not secret about it.
    token_id: str | None = None
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


_order_decoder = msgspec.json.Decoder(BankOrder)
_outcome_decoder = msgspec.json.Decoder(Outcome)


def decode_order(document: str) -> BankOrder:
    return _order_decoder.decode(document)


def decode_outcome(document: str) -> Outcome:
    return _outcome_decoder.decode(document)
