"""What payment sessions are and may become. Pure."""

from __future__ import annotations

import hashlib
import hmac
import re
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from bursar.http.paging import missing
from bursar.kit.clock import MICROSECONDS_PER_SECOND, seconds
from bursar.kit.errors import Conflict, InvalidRequest, NotFound, RequestError
from bursar.kit.ids import created_microseconds
from bursar.kit.money import Currency, display
from bursar.payment_sessions.schemas import (
    Payee,
    Receipt,
    ReturnUrls,
    Session,
    SessionStatus,
    SessionTold,
    SessionView,
    Transaction,
    TransactionTold,
)
from bursar.payments.schemas import PaymentIntent
from bursar.plain_payments import rules as plain
from bursar.plain_payments.states import State

SESSION_PREFIX, TRANSACTION_PREFIX = "ps", "trn"
TRACE_PREFIX = "pt_"
ORGANISATION_PREFIX = "acct_"
# Of all ways to pay it: whoever tries more cards than that, or more PINs, is no payer.
TRIES_MAX = 10
BY_WALLET_CODE = "wallet_code"
RUPEES = "inr"
# Card networks take currencies with thousandths in whole hundredths.
THOUSANDTHS, HUNDREDTH = 3, 10

_DIGIT = "[0-9a-hjkmnp-tv-z]"
_TRACE = re.compile(rf"pt_([tl])({_DIGIT}{{24}})({_DIGIT}{{26}})([A-Za-z0-9_-]{{1,35}})")
_TAKEN_OUT: frozenset[str] = frozenset({"requires_payment_method", "requires_confirmation", "requires_action"})


class Trace(NamedTuple):
    """Where a session is, and what proves that somebody was told of it."""

    org_id: str
    livemode: int
    session_id: str
    secret: str


def trace_id(org_id: str, livemode: int, session_id: str, secret: str) -> str:
    """Says itself where the session is, so that no table of all organisations has to know."""
    assert org_id.startswith(ORGANISATION_PREFIX), "ids of organisations begin alike"
    mode = "l" if livemode else "t"
    return f"{TRACE_PREFIX}{mode}{session_id[len(SESSION_PREFIX) + 1 :]}{secret}{org_id[len(ORGANISATION_PREFIX) :]}"


def read_trace(text: str) -> Trace:
    found = _TRACE.fullmatch(text)
    if found is None:
        raise no_session()
    mode, session, secret, organisation = found.groups()
    return Trace(f"{ORGANISATION_PREFIX}{organisation}", int(mode == "l"), f"{SESSION_PREFIX}_{session}", secret)


def no_session() -> NotFound:
    """The same words whatever is wrong with a trace id; it is a secret, so it is not sent back."""
    return missing("payment session", "…", "transactionTraceId")


def hash_secret(secret: str) -> str:
    """It is long and made by chance, so a plain hash tells nothing of it."""
    return hashlib.sha256(secret.encode()).hexdigest()


def is_secret_of(session: Session, secret: str) -> bool:
    return hmac.compare_digest(session.secret_hash, hash_secret(secret))


def service_fee(amount_minor: int, percent: str, fixed_minor: int, currency: Currency) -> int:
    """A part of the amount and something fixed, rounded half up, once, to what can be paid in the currency."""
    quantum = HUNDREDTH if currency.exponent == THOUSANDTHS else 1
    exact = Decimal(amount_minor) * Decimal(percent) / 100 + fixed_minor
    return int((exact / quantum).quantize(Decimal(1), rounding=ROUND_HALF_UP)) * quantum


def status_of(session: Session, intent: PaymentIntent | None, now: int) -> SessionStatus:
    """What it is now: of what is stored, of its payment by a method, and of the time."""
    if session.status == "paid":
        return "paid"
    if intent is not None and intent.status in ("succeeded", "requires_capture"):
        return "paid"
    if intent is not None and intent.status == "processing":
        return "processing"
    if session.status != "open":
        return session.status
    if intent is not None and intent.status == "canceled":
        return "closed"  # by the merchant
    if now >= session.expires:
        return "expired"
    if intent is not None and intent.status == "requires_action":
        return "requires_action"
    return "closed" if session.tries >= TRIES_MAX else "open"


def refusal_to_pay(status: SessionStatus) -> RequestError | None:
    """Why a session cannot be paid; None when it can. Whoever is asked to authenticate may also choose another way."""
    if status == "paid":
        return Conflict(
            "This payment session is paid already; nothing more was taken.",
            param="transactionTraceId",
            code="session_paid",
        )
    if status == "processing":
        return Conflict(
            "Another payment of this session is on its way. Look at the session again shortly.",
            param="transactionTraceId",
            code="session_in_payment",
        )
    if status == "expired":
        return NotFound(
            "This payment session has expired, and nothing was taken. Ask the merchant for a new one.",
            param="transactionTraceId",
            code="session_expired",
        )
    if status == "closed":
        return InvalidRequest(
            f"This payment session was tried {TRIES_MAX} times and is closed. Ask the merchant for a new one.",
            param="transactionTraceId",
            code="session_closed",
        )
    return None


def check_total(session: Session, asked: int | None, currency: str | None) -> None:
    if asked is not None and asked != session.total_minor:
        raise InvalidRequest(
            f"The total amount is {display(session.total_minor, session.currency)}, which is {session.total_minor} in "
            "the smallest unit.",
            param="totalAmount",
            code="total_mismatch",
        )
    if currency is not None and currency.lower() != session.currency:
        raise InvalidRequest(
            f"This payment session is in {session.currency.upper()}.", param="currency", code="wrong_currency"
        )


def state_of(transaction: Transaction, status: str | None, state: State | None) -> State:
    """The transaction's state, given the status of its payment intent and the state that this one leads to.

    While nothing has come of the payment intent, or when another payment took its place, it is the row that says.
    """
    if status is None or state is None or status in ("requires_payment_method", "requires_confirmation", "canceled"):
        return of_refunds(transaction)
    return state


def of_refunds(transaction: Transaction) -> State:
    if transaction.state != "captured" or not transaction.refunded_minor:
        return transaction.state
    return "refunded" if transaction.refunded_minor >= transaction.total_minor else "partially_refunded"


def may_be_taken_out(intent: PaymentIntent | None) -> bool:
    """Whether a payment by a method can be ended to make room for another way to pay."""
    return intent is None or intent.status in _TAKEN_OUT or intent.status == "canceled"


def methods_of(currency: str) -> list[str]:
    of_india = ["upi"] if currency == RUPEES else []
    return ["card", *of_india, "net_banking", "wallet", BY_WALLET_CODE]


def view(
    session: Session,
    trace: str,
    status: SessionStatus,
    intent: PaymentIntent | None,
    payee_name: str,
    base_url: str,
    now: int,
    transaction_code: str | None,
) -> SessionView:
    is_alive = status in ("open", "requires_action")
    return SessionView(
        transactionTraceId=trace,
        status=status,
        amount=session.amount_minor,
        serviceFee=session.service_fee_minor,
        totalAmount=session.total_minor,
        currency=session.currency,
        description=session.details.description,
        created=seconds(created_microseconds(session.id)),
        expires_at=seconds(session.expires),
        expires_in=-(-max(0, session.expires - now) // MICROSECONDS_PER_SECOND),
        livemode=bool(session.livemode),
        methods=methods_of(session.currency) if is_alive else [],
        next_action=plain.next_step(intent) if intent is not None else None,
        payee=Payee(name=payee_name, walletCode=session.details.wallet_code),
        checkout_url=f"{base_url}/checkout/{trace}",
        return_urls=session.details.return_urls or ReturnUrls(),
        transaction_code=transaction_code if status == "paid" else None,
    )


def receipt(transaction: Transaction, payee: Payee, state: State, method: str | None) -> Receipt:
    return Receipt(
        code=transaction.code,
        direction=transaction.direction,
        status=state,
        method=method,
        amount=transaction.amount_minor,
        serviceFee=transaction.service_fee_minor,
        totalAmount=transaction.total_minor,
        currency=transaction.currency,
        description=transaction.details.description,
        created=seconds(created_microseconds(transaction.id)),
        payee=payee,
    )


def told_of_session(session: Session) -> SessionTold:
    return SessionTold(
        id=session.id,
        amount=session.amount_minor,
        service_fee=session.service_fee_minor,
        currency=session.currency,
        status=session.status,
        tries=session.tries,
        wallet=session.details.wallet_code,
        transaction=session.transaction_id,
        payment_intent=session.payment_intent,
        expires=seconds(session.expires),
    )


def told_of_transaction(transaction: Transaction) -> TransactionTold:
    return TransactionTold(
        id=transaction.id,
        code=transaction.code,
        direction=transaction.direction,
        status=transaction.state,
        method=transaction.method,
        amount=transaction.amount_minor,
        service_fee=transaction.service_fee_minor,
        total_amount=transaction.total_minor,
        amount_refunded=transaction.refunded_minor,
        currency=transaction.currency,
        wallet=transaction.details.wallet_code,
        session=transaction.session_id,
        payment=transaction.payment_intent or transaction.wallet_payment,
        counterparty=transaction.details.counterparty,
        reason=transaction.reason,
    )
