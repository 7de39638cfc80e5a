"""What a charge looks like after the bank has spoken. Pure."""

from __future__ import annotations

import msgspec

from bursar.attempts.schemas import Attempt
from bursar.connectors import contract
from bursar.connectors.declines import DeclineRow, advice
from bursar.kit.clock import seconds
from bursar.kit.ids import created_microseconds
from bursar.methods.schemas import PaymentMethod, card_of
from bursar.payments.charge_schemas import (
    Availability,
    Charge,
    ChargeCard,
    ChargeChecks,
    ChargeMethodDetails,
    NetworkToken,
    Outcome,
    Overcapture,
    Switch,
    ThreeDSecure,
)
from bursar.payments.outcomes import network_decline_code
from bursar.payments.schemas import PaymentIntent

CAPTURE_WITHIN_SECONDS = 7 * 24 * 3600
DEFAULT_DESCRIPTOR = "BURSAR"
DESCRIPTOR_LENGTH_MAX = 22
UNAVAILABLE, AVAILABLE = Availability(status="unavailable"), Availability(status="available")
AUTHENTICATED = ThreeDSecure(
    authentication_flow="challenge", electronic_commerce_indicator="05", result="authenticated", version="2.2.0"
)
FRICTIONLESS = msgspec.structs.replace(AUTHENTICATED, authentication_flow="frictionless")
THREE_D_SECURE: dict[str | None, ThreeDSecure] = {
    "passed": AUTHENTICATED,
    "frictionless": FRICTIONLESS,
    "attempted": msgspec.structs.replace(
        FRICTIONLESS, electronic_commerce_indicator="06", result="attempt_acknowledged"
    ),
    "failed": ThreeDSecure(authentication_flow="challenge", result="failed", result_reason="rejected", version="2.2.0"),
}


def succeeded(
    intent: PaymentIntent,
    method: PaymentMethod,
    attempt: Attempt,
    outcome: contract.Outcome,
    charge_id: str,
    created: int,
) -> Charge:
    """Authorised, and captured too when the attempt asked for that."""
    captured = attempt.order.capture
    charge = _charge(intent, method, attempt, outcome, charge_id, created)
    charge.authorization_code = outcome.authorization_code
    charge.amount_captured = attempt.amount_minor if captured else 0
    charge.captured = captured
    charge.paid = True
    charge.outcome = Outcome(
        network_status="approved_by_network",
        risk_level=outcome.risk.level,
        risk_score=outcome.risk.score,
        seller_message="Payment complete.",
        type="authorized",
    )
    return charge


def failed(
    intent: PaymentIntent,
    method: PaymentMethod,
    attempt: Attempt,
    outcome: contract.Outcome,
    row: DeclineRow,
    charge_id: str,
    created: int,
) -> Charge:
    charge = _charge(intent, method, attempt, outcome, charge_id, created)
    charge.status = "failed"
    charge.failure_code = row.error_code
    charge.failure_message = row.message
    decline = outcome.decline
    charge.outcome = Outcome(
        advice_code=advice(row, decline.advice_code if decline else None) if method.type == "card" else None,
        network_advice_code=decline.advice_code if decline else None,
        network_decline_code=network_decline_code(row, outcome),
        network_status=row.network_status,
        reason=row.outcome_reason,
        risk_level=outcome.risk.level,
        risk_score=outcome.risk.score,
        seller_message=row.seller_message,
        type=row.outcome_type,
    )
    return charge


def captured(charge: Charge, amount: int, balance_transaction: str | None, *, final: bool) -> Charge:
    """A part of it, or what is wanted of the rest."""
    total = charge.amount_captured + amount
    return msgspec.structs.replace(
        charge,
        amount_captured=total,
        # What is not captured goes back to the cardholder: to the wire that is a refund of the rest.
        amount_refunded=charge.amount_refunded + (charge.amount - total if final else 0),
        captured=final or charge.captured,
        balance_transaction=charge.balance_transaction or balance_transaction,
    )


def released(charge: Charge) -> Charge:
    """Canceled before it was captured, or before all of it was: nothing can be captured any more."""
    after = refunded(charge, charge.amount - charge.amount_captured)
    return msgspec.structs.replace(after, captured=charge.amount_captured > 0)


def refunded(charge: Charge, amount: int) -> Charge:
    """It has gone back to the cardholder, or is free on the card again."""
    total = charge.amount_refunded + amount
    assert amount >= 0 and total <= charge.amount, "no more goes back than came"
    return msgspec.structs.replace(charge, amount_refunded=total, refunded=total == charge.amount)


def refund_failed(charge: Charge, amount: int) -> Charge:
    """The cardholder's bank did not take it, so it is here again."""
    assert 0 < amount <= charge.amount_refunded, "what comes back had gone"
    return msgspec.structs.replace(charge, amount_refunded=charge.amount_refunded - amount, refunded=False)


def incremented(charge: Charge, total: int) -> Charge:
    details = charge.payment_method_details
    assert details is not None and details.card, "only what is held on a card can be raised"
    card = msgspec.structs.replace(
        details.card,
        amount_authorized=total,
        overcapture=Overcapture(maximum_amount_capturable=total, status="unavailable"),
    )
    return msgspec.structs.replace(
        charge, amount=total, payment_method_details=msgspec.structs.replace(details, card=card)
    )


def _charge(
    intent: PaymentIntent,
    method: PaymentMethod,
    attempt: Attempt,
    outcome: contract.Outcome,
    charge_id: str,
    created: int,
) -> Charge:
    return Charge(
        id=charge_id,
        amount=attempt.amount_minor,
        billing_details=method.billing_details,
        calculated_statement_descriptor=descriptor(intent),
        created=created,
        currency=intent.currency,
        customer=intent.customer,
        description=intent.description,
        livemode=intent.livemode,
        metadata=intent.metadata,
        payment_intent=intent.id,
        payment_method=method.id,
        payment_method_details=_details(intent, method, attempt, outcome),
        receipt_email=intent.receipt_email,
        shipping=intent.shipping,
        statement_descriptor=intent.statement_descriptor,
        statement_descriptor_suffix=intent.statement_descriptor_suffix,
        status="succeeded",
        transfer_group=intent.transfer_group,
    )


def _details(
    intent: PaymentIntent, method: PaymentMethod, attempt: Attempt, outcome: contract.Outcome
) -> ChargeMethodDetails:
    if method.type == "card":
        return ChargeMethodDetails(card=_card(intent, method, attempt, outcome))
    return ChargeMethodDetails(type=method.type, net_banking=method.net_banking, upi=method.upi, wallet=method.wallet)


def _card(intent: PaymentIntent, method: PaymentMethod, attempt: Attempt, outcome: contract.Outcome) -> ChargeCard:
    card, options, checks = card_of(method), intent.payment_method_options.card, outcome.checks
    approved = outcome.kind == "succeeded"
    later = approved and not attempt.order.capture
    incremental = later and options.request_incremental_authorization == "if_available"
    multiple = later and options.request_multicapture == "if_available"
    return ChargeCard(
        amount_authorized=attempt.amount_minor if approved else None,
        authorization_code=outcome.authorization_code,
        brand=card.brand,
        capture_before=seconds(created_microseconds(attempt.id)) + CAPTURE_WITHIN_SECONDS if later else None,
        checks=ChargeChecks(
            address_line1_check=checks.line1, address_postal_code_check=checks.postal_code, cvc_check=checks.cvc
        ),
        country=card.country,
        exp_month=card.exp_month,
        exp_year=card.exp_year,
        extended_authorization=Switch(status="disabled"),
        fingerprint=card.fingerprint,
        funding=card.funding,
        incremental_authorization=AVAILABLE if incremental else UNAVAILABLE,
        last4=card.last4,
        multicapture=AVAILABLE if multiple else UNAVAILABLE,
        network=card.brand,
        network_token=NetworkToken(),
        network_transaction_id=outcome.network_transaction_id,
        overcapture=Overcapture(maximum_amount_capturable=attempt.amount_minor, status="unavailable"),
        regulated_status="unregulated",
        three_d_secure=THREE_D_SECURE.get(outcome.authentication),
    )


def descriptor(intent: PaymentIntent) -> str:
    """What the cardholder reads on the statement."""
    own, suffix = intent.statement_descriptor, intent.statement_descriptor_suffix
    text = f"{own or DEFAULT_DESCRIPTOR}* {suffix}" if suffix else own or DEFAULT_DESCRIPTOR
    return text.upper()[:DESCRIPTOR_LENGTH_MAX]
