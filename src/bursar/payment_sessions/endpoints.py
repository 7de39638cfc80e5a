"""Payment sessions on `/api/v1/txn`. Whoever pays needs neither key nor account."""

from __future__ import annotations

from bursar.http.call import Call, Effect, Staged
from bursar.http.endpoint import Endpoint
from bursar.http.params import Params
from bursar.payment_sessions.accepting import Accepting
from bursar.payment_sessions.payers import Payers
from bursar.payment_sessions.refunding import Refunding
from bursar.payment_sessions.schemas import AcceptAnswer, AcceptParams, SessionParams, SessionView
from bursar.payment_sessions.service import SessionService
from bursar.plain_payments.schemas import PlainRefund, PlainRefundParams
from bursar.refunds.endpoints import WRITE as REFUNDS_WRITE

# To open one by a wallet's code, and to look at one by its trace id.
SESSION_URL = "/api/v1/txn/payment-session/{reference}"
ACCEPT_URL = "/api/v1/txn/accept-payment/{transactionTraceId}"
REFUND_URL = "/api/v1/txn/{transaction}/refunds"
READ, WRITE = "payment_sessions.read", "payment_sessions.write"


def endpoints(sessions: SessionService, accepting: Accepting, refunding: Refunding, payers: Payers) -> list[Endpoint]:
    async def open_payment_session(call: Call, params: SessionParams) -> Effect:
        return await sessions.open(call, params)

    async def retrieve_payment_session(call: Call, _params: Params) -> SessionView:
        return await sessions.look(call)

    async def accept_payment(call: Call, params: AcceptParams) -> AcceptAnswer | Effect | Staged:
        return await accepting.accept(call, params)

    async def refund_transaction(call: Call, params: PlainRefundParams) -> Effect | Staged:
        return await refunding.refund(call, params)

    return [
        Endpoint(
            "POST",
            SESSION_URL,
            open_payment_session,
            "Open a payment session for a wallet",
            WRITE,
            SessionView,
            SessionParams,
            surface="control",
            payer=payers.of_wallet,
            # The trace id is shown once: nobody finds it in the database.
            keeps_answer=False,
        ),
        Endpoint(
            "GET",
            SESSION_URL,
            retrieve_payment_session,
            "Look at a payment session",
            READ,
            SessionView,
            surface="control",
            payer=payers.of_trace,
        ),
        Endpoint(
            "POST",
            ACCEPT_URL,
            accept_payment,
            "Pay a payment session",
            WRITE,
            AcceptAnswer,
            AcceptParams,
            resume=accepting.resume,
            surface="control",
            payer=payers.of_trace,
        ),
        Endpoint(
            "POST",
            REFUND_URL,
            refund_transaction,
            "Refund a transaction, whatever it was paid by",
            REFUNDS_WRITE,
            PlainRefund,
            PlainRefundParams,
            resume=refunding.resume,
            surface="control",
        ),
    ]
