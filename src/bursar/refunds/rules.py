"""What can be refunded, and what a refund is after the bank has spoken. Pure."""

from __future__ import annotations

from typing import Literal

import msgspec

from bursar.connectors.contract import Outcome
from bursar.http.params import changed_metadata
from bursar.kit.errors import InvalidRequest
from bursar.kit.money import CURRENCIES, display
from bursar.payments.charge_schemas import Charge
from bursar.refunds.schemas import (
    DestinationDetails,
    FailureReason,
    Refund,
    RefundedCard,
    RefundParams,
    RefundUpdateParams,
)

REFERENCE_TYPE = "acquirer_reference_number"
WAITING_CARD = RefundedCard(reference_status="pending", reference_type=REFERENCE_TYPE)
_FAILURES: dict[str, FailureReason] = {
    "closed_account": "expired_or_canceled_card",
    "expired": "expired_or_canceled_card",
    "insufficient_funds": "insufficient_funds",
    "lost": "lost_or_stolen_card",
    "pickup": "lost_or_stolen_card",
    "pickup_fraud": "lost_or_stolen_card",
    "restricted": "expired_or_canceled_card",
    "stolen": "lost_or_stolen_card",
}

# What a message of the bank is to a refund as it stands: new, known already, or not to be reconciled with it.
News = Literal["new", "known", "contradictory"]


def check_target(params: RefundParams) -> None:
    if params.charge is None and params.payment_intent is None:
        raise InvalidRequest(
            "Send the payment_intent or the charge that shall be refunded.",
            param="payment_intent",
            code="parameter_missing",
        )
    if params.charge is not None and params.payment_intent is not None:
        raise InvalidRequest(
            "Send either payment_intent or charge, not both.", param="charge", code="parameters_exclusive"
        )


def check_refundable(charge: Charge, disputed_minor: int) -> None:
    if charge.status != "succeeded":
        raise InvalidRequest(
            f"The charge {charge.id} has the status {charge.status}: no money came by it, so none can go back.",
            param="charge",
            code="charge_not_refundable",
        )
    if charge.amount_captured == 0 and charge.refunded:
        raise InvalidRequest(
            f"The charge {charge.id} was released before it was captured: no money came by it, so none can go back.",
            param="charge",
            code="charge_not_refundable",
        )
    if charge.amount_captured == 0:
        raise InvalidRequest(
            f"The charge {charge.id} is not captured yet, so there is nothing to refund. Cancel the payment intent "
            f"{charge.payment_intent} to release what is held.",
            param="charge",
            code="charge_not_refundable",
        )
    if disputed_minor:
        raise InvalidRequest(
            f"The charge {charge.id} is disputed: its money is with the cardholder's bank already. Answer the dispute, "
            "or close it.",
            param="charge",
            code="charge_disputed",
        )


def amount_to_refund(charge: Charge, left_minor: int, asked: int | None) -> int:
    """All that is left, unless less is asked for."""
    if asked is not None and asked <= 0:
        raise InvalidRequest(
            "Invalid amount: it must be a positive integer in the smallest unit of the currency.",
            param="amount",
            code="parameter_invalid_integer",
        )
    if left_minor <= 0:
        raise InvalidRequest(
            f"The charge {charge.id} has already been refunded.", param="charge", code="charge_already_refunded"
        )
    amount = left_minor if asked is None else asked
    if amount > left_minor:
        asked_for, left = display(amount, charge.currency), display(left_minor, charge.currency)
        raise InvalidRequest(
            f"The refund of {asked_for} is greater than the {left} of the charge {charge.id} that are left to refund.",
            param="amount",
            code="amount_too_large",
        )
    if CURRENCIES[charge.currency].exponent == 3 and amount % 10 and amount != left_minor:
        raise InvalidRequest(
            f"Invalid amount: card networks take {charge.currency} in whole hundredths, so the last digit must be 0.",
            param="amount",
        )
    return amount


def new_refund(params: RefundParams, charge: Charge, amount: int, refund_id: str, created: int) -> Refund:
    return Refund(
        id=refund_id,
        amount=amount,
        charge=charge.id,
        created=created,
        currency=charge.currency,
        customer=charge.customer,
        # The wire has words for what goes back to a card only.
        destination_details=DestinationDetails(card=WAITING_CARD) if _is_of_card(charge) else None,
        instructions_email=params.instructions_email or None,
        metadata=changed_metadata({}, params.metadata),
        payment_intent=charge.payment_intent,
        payment_method=charge.payment_method,
        pending_reason="processing",
        reason=params.reason,
        status="pending",
    )


def _is_of_card(charge: Charge) -> bool:
    details = charge.payment_method_details
    return details is None or details.type == "card"


def described(refund: Refund, params: RefundUpdateParams) -> Refund:
    return msgspec.structs.replace(refund, metadata=changed_metadata(refund.metadata, params.metadata))


def require_cancelable(refund: Refund) -> None:
    if refund.status != "requires_action":
        raise InvalidRequest(
            f"This refund cannot be canceled because its status is {refund.status}; only one that waits for the "
            "customer, with the status requires_action, can.",
            param="id",
        )


def succeeded(refund: Refund, balance_transaction: str, reference: str | None) -> Refund:
    card = RefundedCard(
        reference=reference,
        reference_status="available" if reference else "unavailable",
        reference_type=REFERENCE_TYPE,
        type="refund",
    )
    return msgspec.structs.replace(
        refund,
        balance_transaction=balance_transaction,
        destination_details=None if refund.destination_details is None else DestinationDetails(card=card),
        pending_reason=None,
        status="succeeded",
    )


def failed(refund: Refund, outcome: Outcome, failure_balance_transaction: str | None) -> Refund:
    card = RefundedCard(
        reference_status="unavailable",
        reference_type=REFERENCE_TYPE,
        type="refund" if refund.balance_transaction else "pending",
    )
    return msgspec.structs.replace(
        refund,
        destination_details=None if refund.destination_details is None else DestinationDetails(card=card),
        failure_balance_transaction=failure_balance_transaction,
        failure_reason=failure_reason(outcome),
        pending_reason=None,
        status="failed",
    )


def failure_reason(outcome: Outcome) -> FailureReason:
    decline = outcome.decline
    if decline is None:
        return "unknown"
    return _FAILURES.get(decline.code, "declined")


def compare(refund: Refund, *, told_success: bool) -> News:
    """What the bank told later: a refund can fail after it had succeeded, but never come back from failing."""
    if refund.status == "pending":
        return "new"
    if told_success:
        return "known" if refund.status == "succeeded" else "contradictory"
    return "known" if refund.status == "failed" else "new"
