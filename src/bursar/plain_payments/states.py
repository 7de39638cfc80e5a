"""The states of a payment in merchants' words. Pure, and the one place that knows them."""

from __future__ import annotations

from typing import Literal, get_args

State = Literal[
    "initiated",
    "pending",
    "authorized",
    "captured",
    "failed",
    "refunded",
    "partially_refunded",
    "chargeback",
    "canceled",
]
STATES: tuple[State, ...] = get_args(State)

_OF_INTENTS: dict[str, State] = {
    "requires_confirmation": "initiated",
    "requires_action": "pending",
    "processing": "pending",
    "requires_capture": "authorized",
    "canceled": "canceled",
}


def state_of(
    status: str, *, has_failed: bool = False, captured_minor: int = 0, refunded_minor: int = 0, disputed_minor: int = 0
) -> State:
    """Of a payment intent with the status, and of what became of its charge.

    What was taken back by a dispute goes before what was given back; both before that it was captured.
    """
    if disputed_minor > 0:
        return "chargeback"
    if status == "succeeded":
        if refunded_minor <= 0:
            return "captured"
        return "refunded" if refunded_minor >= captured_minor else "partially_refunded"
    if status == "requires_payment_method":
        return "failed" if has_failed else "initiated"
    return _OF_INTENTS[status]
