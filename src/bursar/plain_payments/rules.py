"""What the plain API's words mean in those of `/v1`, and the other way round. Pure."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import msgspec

from bursar.kit.errors import CardError, InvalidRequest, NotFound, RequestError
from bursar.kit.money import display
from bursar.methods.schemas import PaymentMethodData
from bursar.payments.charge_schemas import Charge
from bursar.payments.params import IntentParams
from bursar.payments.schemas import PaymentError, PaymentIntent
from bursar.plain_payments.schemas import (
    MethodParams,
    NextStep,
    PayAnswer,
    PlainCard,
    PlainPayment,
    PlainPaymentParams,
    PlainRefund,
    Status,
)
from bursar.plain_payments.states import state_of
from bursar.refunds.schemas import Refund

CARD = "card"
TOKEN_PREFIX = "tok_"  # noqa: S105 - how the ids of tokens begin
_EXPIRY = re.compile(r"\s*([0-9]{1,2})\s*/\s*([0-9]{2}|20[0-9]{2})\s*")
_CENTURY = 2000
# Why a token cannot be paid with; everything else that is wrong with a request is the request's own fault.
_OF_TOKENS = frozenset({"resource_missing", "token_already_used", "payment_method_unexpected_state"})
_PARAMS_OF_TOKENS = frozenset({"payment_method", "card[token]"})
_STATUSES: dict[str, Status] = {
    "succeeded": "approved",
    "requires_capture": "approved",
    "processing": "pending",
    "requires_action": "requires_action",
    "canceled": "canceled",
}


class Refusal(NamedTuple):
    """A decline by rule, before any bank is asked. `code` is in the words of `/v1`, the reason in plain ones."""

    reason: str
    code: str
    message: str


NO_CONTRACT = Refusal(
    "invalid_merchant",
    "account_invalid",
    "The organisation has no active contract with an acquirer. See GET /api/v1/contracts.",
)
SUSPENDED = Refusal(
    "invalid_merchant", "account_invalid", "The organisation is suspended; ask whoever runs this platform."
)


def above_limit(amount_minor: int, currency: str, limits: dict[str, int]) -> Refusal | None:
    limit = limits.get(currency)
    if limit is None or amount_minor <= limit:
        return None
    return Refusal(
        "limit_exceeded",
        "charge_exceeds_transaction_limit",
        f"The amount is more than the {display(limit, currency)} that one payment of this organisation may be.",
    )


def refusal_of(problem: RequestError, *, has_token: bool) -> Refusal | None:
    """A problem that is a decline rather than a mistake of the caller's: a bad card, or a token that is none."""
    if isinstance(problem, CardError):
        return Refusal(problem.decline_code or problem.code or "card_declined", problem.code or "", problem.message)
    is_of_token = problem.code in _OF_TOKENS and problem.param in _PARAMS_OF_TOKENS
    if has_token and is_of_token and isinstance(problem, InvalidRequest | NotFound):
        return Refusal("invalid_token", problem.code or "resource_missing", problem.message)
    return None


def refused(intent: PaymentIntent, refusal: Refusal, method: str | None) -> PaymentIntent:
    """The payment as one that has failed before it began."""
    error = PaymentError(
        code=refusal.code,
        decline_code=refusal.reason,
        message=refusal.message,
        payment_method_type=method,
        type="invalid_request_error",
    )
    return msgspec.structs.replace(intent, last_payment_error=error)


def method_type(params: MethodParams) -> str | None:
    """The type on `/v1`; None where only a token tells."""
    return CARD if params.method == "credit_card" else params.method


def intent_params(params: PlainPaymentParams) -> IntentParams:
    """The same payment as `/v1` would be asked for."""
    given = IntentParams(
        amount=params.amount,
        currency=params.currency,
        capture_method="automatic" if params.capture else "manual",
        confirm=True,
        customer=params.customer,
        metadata=params.metadata,
        return_url=params.return_url,
    )
    if params.description is not None:
        given.description = params.description
    return paid_by(given, params)


def unpaid(params: PlainPaymentParams) -> IntentParams:
    """Without anything that it would be paid by: what is kept of a payment that was declined by rule."""
    kept = IntentParams(
        amount=params.amount, currency=params.currency, customer=params.customer, metadata=params.metadata
    )
    if params.description is not None:
        kept.description = params.description
    return kept


def paid_by(given: IntentParams, params: MethodParams) -> IntentParams:
    """With the method that the plain parameters name."""
    if params.token is not None and not params.token.startswith(TOKEN_PREFIX):
        given.payment_method = params.token
        return given
    given.payment_method_data = method_data(params)
    if given.payment_method_data.type != CARD:
        given.payment_method_types = [given.payment_method_data.type]
    return given


def method_data(params: MethodParams) -> PaymentMethodData:
    kind = method_type(params)
    if params.token is not None:
        return _data(CARD, {"token": params.token})
    if kind is None:
        raise InvalidRequest("Missing required param: method.", param="method", code="parameter_missing")
    details = getattr(params, kind)
    if kind == "upi" and details is None:
        return _data(kind, {})
    if details is None:
        raise InvalidRequest(
            f"Missing required param: {kind}. The method {params.method} needs its details.",
            param=kind,
            code="parameter_missing",
        )
    if isinstance(details, PlainCard):
        return _card_data(details)
    return _data(kind, {name: value for name, value in msgspec.to_builtins(details).items() if value is not None})


def check_method(params: MethodParams) -> None:
    """Details of one method only, and those of the method that is named."""
    given = [name for name in ("card", "upi", "wallet", "net_banking") if getattr(params, name) is not None]
    kind = method_type(params)
    if params.token is not None and given:
        raise InvalidRequest(f"Send either token or {given[0]}, not both.", param="token", code="parameters_exclusive")
    foreign = [name for name in given if name != kind]
    if kind is not None and foreign:
        raise InvalidRequest(
            f"The method is {params.method}, so {foreign[0]} has no meaning here; leave it away.",
            param=foreign[0],
            code="parameters_exclusive",
        )
    if params.token is None:
        method_data(params)


def _card_data(card: PlainCard) -> PaymentMethodData:
    month, year = _expiry_of(card)
    if card.cvc is not None and card.cvv is not None:
        raise InvalidRequest("Send either cvc or cvv, not both.", param="card[cvv]", code="parameters_exclusive")
    details: dict[str, Any] = {"number": card.number, "exp_month": month, "exp_year": year}
    if (code := card.cvc or card.cvv) is not None:
        details["cvc"] = code
    return _data(CARD, details, {"billing_details": {"name": card.name}} if card.name else {})


def _expiry_of(card: PlainCard) -> tuple[int | None, int | None]:
    if card.expiry is None:
        return card.exp_month, card.exp_year
    if card.exp_month is not None or card.exp_year is not None:
        raise InvalidRequest(
            "Send either expiry or exp_month and exp_year, not both.",
            param="card[expiry]",
            code="parameters_exclusive",
        )
    found = _EXPIRY.fullmatch(card.expiry)
    if found is None:
        raise InvalidRequest(
            "Invalid card[expiry]: it must be the month and the year as MM/YY, such as 04/30.", param="card[expiry]"
        )
    year = int(found[2])
    return int(found[1]), year if year > 99 else _CENTURY + year


def _data(kind: str, details: dict[str, Any], more: dict[str, Any] | None = None) -> PaymentMethodData:
    return msgspec.convert({"type": kind, kind: details, **(more or {})}, PaymentMethodData)


def status_of(intent: PaymentIntent) -> Status:
    if intent.status in _STATUSES:
        return _STATUSES[intent.status]
    # Made elsewhere and not paid yet, or declined.
    return "declined" if intent.last_payment_error is not None else "pending"


def view(intent: PaymentIntent, charge: Charge | None, disputed_minor: int = 0) -> PlainPayment:
    """A payment in plain words, wherever it was made."""
    error = intent.last_payment_error
    status = status_of(intent)
    has_failed = status == "declined" and error is not None
    captured = charge.amount_captured if charge is not None else 0
    refunded = given_back(charge) if charge is not None else 0
    return PlainPayment(
        payment_id=intent.id,
        amount=intent.amount,
        amount_captured=captured,
        amount_refunded=refunded,
        auth_id=charge.authorization_code or charge.id if charge is not None and charge.paid else None,
        created=intent.created,
        currency=intent.currency,
        customer=intent.customer,
        description=intent.description,
        livemode=intent.livemode,
        message=error.message if has_failed and error is not None else None,
        metadata=intent.metadata,
        method=method_shown(intent, charge),
        next_action=next_step(intent),
        reason=(error.decline_code or error.code) if has_failed and error is not None else None,
        state=state_of(
            intent.status,
            has_failed=error is not None,
            captured_minor=captured,
            refunded_minor=refunded,
            disputed_minor=disputed_minor,
        ),
        status=status,
    )


def given_back(charge: Charge) -> int:
    """What went back to the customer of what was captured. To the wire of `/v1`, what was never captured has, too."""
    if not charge.captured and charge.amount_captured:
        return charge.amount_refunded  # more of it may be captured still
    return max(0, charge.amount_refunded - (charge.amount - charge.amount_captured))


def answer(payment: PlainPayment) -> PayAnswer:
    return PayAnswer(
        status=payment.status,
        reason=payment.reason,
        auth_id=payment.auth_id,
        payment_id=payment.payment_id,
        next_action=payment.next_action,
    )


def refund_view(refund: Refund) -> PlainRefund:
    return PlainRefund(
        refund_id=refund.id,
        amount=refund.amount,
        created=refund.created,
        currency=refund.currency,
        metadata=refund.metadata,
        payment_id=refund.payment_intent,
        reason=refund.failure_reason or refund.reason,
        status=refund.status,
    )


def next_step(intent: PaymentIntent) -> NextStep | None:
    """Where the customer goes, in the same two ways for all methods."""
    if intent.next_action is None:
        return None
    action: dict[str, Any] = msgspec.to_builtins(intent.next_action)
    if (redirect := action.get("redirect_to_url")) is not None:
        return NextStep(type="redirect", url=redirect["url"])
    shown = action[action["type"]]
    code = shown.get("qr_code") or {}
    return NextStep(
        type="qr_code",
        url=shown.get("hosted_instructions_url"),
        image_url=code.get("image_url_svg"),
        expires_at=code.get("expires_at"),
    )


def method_shown(intent: PaymentIntent, charge: Charge | None) -> str | None:
    if charge is not None and charge.payment_method_details is not None:
        return charge.payment_method_details.type
    if intent.last_payment_error is not None and intent.last_payment_error.payment_method_type is not None:
        return intent.last_payment_error.payment_method_type
    return intent.payment_method_types[0] if len(intent.payment_method_types) == 1 else None
