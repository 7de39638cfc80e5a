"""Payments and transactions as lines of one list, and which of them are meant. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from bursar.kit.clock import seconds
from bursar.kit.errors import InvalidRequest
from bursar.kit.ids import created_microseconds
from bursar.payment_sessions import rules as sessions
from bursar.payment_sessions.schemas import Counterparty, Transaction
from bursar.payments.charge_schemas import Charge
from bursar.payments.schemas import PaymentIntent
from bursar.plain_payments.rules import given_back, method_shown
from bursar.plain_payments.states import State, state_of
from bursar.transactions.schemas import TransactionListParams, TransactionView

SUM_SECONDS_MAX = 31 * 24 * 3_600
CARD = "card"
# Which payment intents can be in a state: what the database can tell apart, the rest is looked at.
STATUSES: dict[State, tuple[str, ...]] = {
    "initiated": ("requires_payment_method", "requires_confirmation"),
    "pending": ("requires_action", "processing"),
    "authorized": ("requires_capture",),
    "captured": ("succeeded",),
    "failed": ("requires_payment_method",),
    "refunded": ("succeeded",),
    "partially_refunded": ("succeeded",),
    "chargeback": ("succeeded", "requires_capture"),
    "canceled": ("canceled",),
}


class StoredPayment(NamedTuple):
    """A payment intent as a line of the list needs it."""

    intent: PaymentIntent
    ledger_name: str | None
    service_fee_minor: int
    transaction_id: str | None
    charge: Charge | None = None
    disputed_minor: int = 0


@dataclass(frozen=True, slots=True)
class Line:
    """What is shown, with what it was made of."""

    view: TransactionView
    payment: StoredPayment | None
    transaction: Transaction | None


def order_of(line_id: str) -> str:
    """Ids of both kinds sort by what comes behind their prefix: their time, then chance."""
    return line_id.rpartition("_")[2]


def of_payment(payment: StoredPayment, wallet: str | None) -> Line:
    intent, charge = payment.intent, payment.charge
    error = intent.last_payment_error
    view = TransactionView(
        id=intent.id,
        amount=intent.amount - payment.service_fee_minor,
        amount_refunded=given_back(charge) if charge is not None else 0,
        code=None,
        counterparty=Counterparty(name=_holder(charge)),
        created=intent.created,
        currency=intent.currency,
        customer=intent.customer,
        description=intent.description,
        direction="credit",
        email=_email(intent, charge),
        last4=_last4(intent, charge),
        livemode=intent.livemode,
        method=method_shown(intent, charge),
        payment_id=intent.id,
        reason=(error.decline_code or error.code) if error is not None else None,
        serviceFee=payment.service_fee_minor,
        session=None,
        status=state_of_payment(payment),
        totalAmount=intent.amount,
        wallet=wallet,
    )
    return Line(view, payment, None)


def of_transaction(transaction: Transaction, payment: StoredPayment | None) -> Line:
    """With the payment intent that pays it, where one does."""
    paid = of_payment(payment, None).view if payment is not None else None
    status = payment.intent.status if payment is not None else None
    details = transaction.details
    view = TransactionView(
        id=transaction.id,
        amount=transaction.amount_minor,
        amount_refunded=paid.amount_refunded if paid is not None else transaction.refunded_minor,
        code=transaction.code,
        counterparty=paid.counterparty if paid is not None else details.counterparty,
        created=seconds(created_microseconds(transaction.id)),
        currency=transaction.currency,
        customer=transaction.customer,
        description=details.description,
        direction=transaction.direction,
        email=paid.email if paid is not None else None,
        last4=paid.last4 if paid is not None else None,
        livemode=bool(transaction.livemode),
        method=paid.method if paid is not None and paid.method is not None else transaction.method,
        payment_id=transaction.payment_intent or transaction.wallet_payment,
        reason=transaction.reason or (paid.reason if paid is not None else None),
        serviceFee=transaction.service_fee_minor,
        session=transaction.session_id,
        status=sessions.state_of(transaction, status, paid.status if paid is not None else None),
        totalAmount=transaction.total_minor,
        wallet=details.wallet_code,
    )
    return Line(view, payment, transaction)


def state_of_payment(payment: StoredPayment) -> State:
    charge = payment.charge
    return state_of(
        payment.intent.status,
        has_failed=payment.intent.last_payment_error is not None,
        captured_minor=charge.amount_captured if charge is not None else 0,
        refunded_minor=given_back(charge) if charge is not None else 0,
        disputed_minor=payment.disputed_minor,
    )


def matches(view: TransactionView, params: TransactionListParams) -> bool:
    """What the database was not asked, or could not tell."""
    method = CARD if params.method == "credit_card" else params.method
    return (
        (params.status is None or view.status == params.status)
        and (method is None or view.method == method)
        and (params.direction is None or view.direction == params.direction)
        and (params.counterparty is None or _is_counterparty(view.counterparty, params.counterparty))
        and (params.query is None or _mentions(view, params.query))
    )


def _is_counterparty(counterparty: Counterparty, words: str) -> bool:
    wanted = words.casefold()
    return wanted in (counterparty.name or "").casefold() or wanted == (counterparty.wallet or "").casefold()


def _mentions(view: TransactionView, words: str) -> bool:
    wanted = words.casefold()
    texts = (view.description, view.email)
    exact = (view.last4, view.code, view.id, view.payment_id)
    return any(wanted in text.casefold() for text in texts if text) or wanted in (
        one.casefold() for one in exact if one
    )


def range_of_sums(since: int | None, until: int | None, now: int) -> tuple[int, int]:
    """Bounded, as every transaction within it is looked at: from the first second up to before the second."""
    until = seconds(now) + 1 if until is None else until
    since = max(0, until - SUM_SECONDS_MAX) if since is None else since
    if until - since > SUM_SECONDS_MAX:
        raise InvalidRequest(
            f"Sums are for {SUM_SECONDS_MAX // 86_400} days at most; narrow created down, or ask for several ranges.",
            param="created",
            code="range_too_long",
        )
    return since, until


def check_summed(params: TransactionListParams) -> None:
    for name in ("counterparty", "method", "query"):
        if params.sums and getattr(params, name) is not None:
            raise InvalidRequest(
                f"There are no sums by {name}; leave it or sums away.", param=name, code="parameters_exclusive"
            )


def _holder(charge: Charge | None) -> str | None:
    return charge.billing_details.name if charge is not None else None


def _email(intent: PaymentIntent, charge: Charge | None) -> str | None:
    return intent.receipt_email or (charge.billing_details.email if charge is not None else None)


def _last4(intent: PaymentIntent, charge: Charge | None) -> str | None:
    if charge is not None and charge.payment_method_details is not None:
        card: Any = charge.payment_method_details.card
        return getattr(card, "last4", None)
    error = intent.last_payment_error
    method = error.payment_method if error is not None else None
    return (method.get("card") or {}).get("last4") if method else None
