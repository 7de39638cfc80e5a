"""A decline in the words of the wire: as an error, and as what the intent remembers of it. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from bursar.attempts.rules import waits_at_bank
from bursar.attempts.schemas import Attempt, Kind
from bursar.connectors import declines
from bursar.connectors.contract import Outcome
from bursar.connectors.declines import DeclineRow, advice
from bursar.kit.errors import CardError
from bursar.methods.schemas import PaymentMethod
from bursar.payments.schemas import PaymentError, PaymentIntent

_ACTS: dict[Kind, str] = {"capture": "captured", "increment": "raised", "void": "canceled"}
AUTHENTICATION_FAILED = "payment_intent_authentication_failure"
AUTHENTICATION_FAILED_MESSAGE = "The cardholder could not be authenticated. Try again, or use another payment method."


def reason(outcome: Outcome, method: PaymentMethod) -> DeclineRow:
    """The row of the one table that says why there is no money."""
    if outcome.kind == "action_required":
        row = declines.find("sca_required")
    elif outcome.kind in ("not_sent", "absent"):
        row = declines.find("system_error")
    else:
        row = declines.find(outcome.decline.code if outcome.decline else "do_not_honor")
    return row if method.type == "card" else row.without_card()


def last_error(row: DeclineRow, outcome: Outcome, charge_id: str | None, method: PaymentMethod) -> PaymentError:
    code, message = _code_and_message(row)
    decline = outcome.decline
    is_card = method.type == "card"
    return PaymentError(
        advice_code=advice(row, decline.advice_code if decline else None) if is_card else None,
        charge=charge_id,
        code=code,
        decline_code=None if code == AUTHENTICATION_FAILED else row.decline_code,
        message=message,
        network_advice_code=decline.advice_code if decline else None,
        network_decline_code=network_decline_code(row, outcome),
        param=row.param,
        payment_method=msgspec.to_builtins(method),
        payment_method_type=method.type,
        type="invalid_request_error" if code == AUTHENTICATION_FAILED or not is_card else "card_error",
    )


def card_error(
    row: DeclineRow, outcome: Outcome, charge_id: str | None, intent: PaymentIntent, method: PaymentMethod
) -> CardError:
    """What the client is answered with, the whole intent included."""
    code, message = _code_and_message(row)
    decline = outcome.decline
    extras: dict[str, Any] = {
        "advice_code": advice(row, decline.advice_code if decline else None) if method.type == "card" else None,
        "charge": charge_id,
        "network_advice_code": decline.advice_code if decline else None,
        "network_decline_code": network_decline_code(row, outcome),
        "payment_intent": intent,
        "payment_method": method,
        "payment_method_type": method.type,
    }
    return CardError(
        message,
        code=code,
        param=row.param,
        decline_code=None if code == AUTHENTICATION_FAILED else row.decline_code,
        extras={name: value for name, value in extras.items() if value is not None},
    )


def operation_error(kind: Kind, outcome: Outcome, intent: PaymentIntent) -> CardError:
    """The bank refused what was to be done to an authorisation, which stands as it was."""
    row = declines.find(outcome.decline.code if outcome.decline else "system_error")
    return CardError(
        f"The bank did not let this payment be {_ACTS.get(kind, 'made')}: {row.message}",
        code=row.error_code,
        decline_code=row.decline_code,
        extras={"payment_intent": intent, "charge": intent.latest_charge},
    )


def error_of(attempt: Attempt, intent: PaymentIntent) -> CardError | None:
    """What a request would have been answered with that did not see the end of its attempt."""
    if attempt.outcome is None:
        return None
    refuses_action = attempt.outcome.kind == "action_required" and "error_on_requires_action" in attempt.order.notes
    if attempt.state not in ("declined", "failed", "reversed") and not refuses_action:
        return None
    if waits_at_bank(attempt.outcome):
        return None  # nobody refused it: it was given up while the bank waited for the customer
    if attempt.kind in ("authorize", "complete") and intent.last_payment_error is not None:
        return card_error_of(intent)
    return operation_error(attempt.kind, attempt.outcome, intent)


def card_error_of(intent: PaymentIntent) -> CardError:
    """The same error again, of what the intent remembers."""
    told = intent.last_payment_error
    assert told is not None
    names = (
        "advice_code",
        "charge",
        "network_advice_code",
        "network_decline_code",
        "payment_method",
        "payment_method_type",
    )
    extras: dict[str, Any] = {name: getattr(told, name) for name in names} | {"payment_intent": intent}
    return CardError(
        told.message or "The payment was declined.",
        code=told.code,
        param=told.param,
        decline_code=told.decline_code,
        extras={name: value for name, value in extras.items() if value is not None},
    )


def network_decline_code(row: DeclineRow, outcome: Outcome) -> str | None:
    """The card network's own code, where the network had a part in it."""
    if outcome.decline is None or row.network_status != "declined_by_network":
        return None
    return outcome.decline.raw_code


def _code_and_message(row: DeclineRow) -> tuple[str, str]:
    if row.code == "three_ds_failed":
        return AUTHENTICATION_FAILED, AUTHENTICATION_FAILED_MESSAGE
    return row.error_code, row.message
