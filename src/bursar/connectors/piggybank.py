"""PiggyBank over HTTP: one order is one POST, and its answer is the operation as the bank has it."""

from __future__ import annotations

import re
from typing import Any, Literal
from urllib.parse import urlencode

import msgspec

from bursar.connectors import declines
from bursar.connectors.call import Bank, Caller, Refusal, Reply, Request, unknown
from bursar.connectors.contract import (
    AcceptDispute,
    Authorize,
    BankEvent,
    Capture,
    Card,
    Checks,
    Complete,
    Decline,
    DisputeAnswer,
    DisputeOrder,
    Increment,
    Inquire,
    InquireDispute,
    OperationKind,
    Outcome,
    Refund,
    Returned,
    Risk,
    Void,
)
from bursar.connectors.piggybank_methods import action_of, wire_method
from bursar.connectors.piggybank_returns import read_return
from bursar.connectors.piggybank_webhooks import read_webhook
from bursar.connectors.piggybank_wire import Dispute, Operation, Reversal, WireAuthorization
from bursar.connectors.wire import Target

NAME = "piggybank"
REFERENCE_REUSED = "reference_reused"
ABSENT = "absent"
FREE_EVIDENCE = "uncategorized_text"

# What stands in a path must not be able to leave it.
_PATH_TEXT = re.compile(r"[A-Za-z0-9_-]{1,64}")
_KINDS: dict[str, OperationKind] = {
    "authorization": "authorize",
    "completion": "complete",
    "capture": "capture",
    "void": "void",
    "reversal": "void",
    "refund": "refund",
    "increment": "increment",
}
# Later orders name the authorization, whichever of these steps they follow.
_KINDS_OF_AUTHORIZATION = frozenset({"authorization", "completion", "increment"})
_SUCCEEDED: Literal["succeeded"] = "succeeded"
_STATUSES_OF_ACTION = frozenset({"challenge", "waiting"})
# A refused order never became an operation; the field that the bank complains of says most about why.
_DECLINE_BY_FIELD = {
    "amount": "invalid_amount",
    "card.number": "invalid_number",
    "card.exp_month": "expired",
    "card.exp_year": "expired",
    "card.cvc": "cvv_fail",
    "upi.vpa": "vpa_unknown",
    "wallet.wallet_id": "wallet_unknown",
}


class _ErrorBody(msgspec.Struct):
    error: Refusal


_encode = msgspec.json.Encoder().encode
_read_operation = msgspec.json.Decoder(Operation).decode
_read_dispute = msgspec.json.Decoder(Dispute).decode
_read_error = msgspec.json.Decoder(_ErrorBody).decode


def _read_refusal(answer: bytes) -> Refusal:
    return _read_error(answer).error


class PiggyBank:
    """A connector. It keeps nothing about payments, so that one serves all organisations."""

    name = NAME

    def __init__(
        self, caller: Caller, url: str, api_key: str, webhook_secret: str = "", total_seconds_max: float = 10.0
    ) -> None:
        self._caller = caller
        self._url = url
        self._bank = Bank(url, {"Authorization": f"Bearer {api_key}"}, _read_refusal, total_seconds_max)
        self._authorizations = self._bank.post("/v1/authorizations")
        self._reversals = self._bank.post("/v1/reversals")
        self._webhook_secret = webhook_secret

    def __repr__(self) -> str:
        return f"PiggyBank({self._url})"

    async def authorize(self, order: Authorize) -> Outcome:
        method = order.method
        body = WireAuthorization(
            reference=order.operation_id,
            merchant=order.account.merchant,
            amount=order.amount_minor,
            currency=order.currency,
            capture=order.capture,
            **wire_method(order),
            off_session=order.off_session,
            authentication=order.authentication,
            save_for_later=order.save_for_later,
            agreed_before=order.agreed_before,
            partial_captures=order.partial_captures,
            descriptor=order.descriptor,
        )
        number = method.number if isinstance(method, Card) else None
        return await self._order(order, self._authorizations, _encode(body), secret=number)

    async def complete(self, order: Complete) -> Outcome:
        return await self._step(order, "complete", authentication=order.authentication)

    async def capture(self, order: Capture) -> Outcome:
        return await self._step(order, "captures", amount=order.amount_minor, final=order.final)

    async def increment(self, order: Increment) -> Outcome:
        return await self._step(order, "increments", amount=order.amount_minor)

    async def void(self, order: Void) -> Outcome:
        if order.bank_reference is not None:
            return await self._step(order, "voids")
        assert order.reverses is not None, "a void names an authorization, or the operation that it reverses"
        body = Reversal(reference=order.operation_id, merchant=order.account.merchant, reverses=order.reverses)
        return await self._order(order, self._reversals, _encode(body))

    async def refund(self, order: Refund) -> Outcome:
        return await self._step(order, "refunds", amount=order.amount_minor)

    async def inquire(self, order: Inquire) -> Outcome:
        query = urlencode({"merchant": order.account.merchant, "reference": order.operation_id})
        target = self._bank.get(f"/v1/operations?{query}")
        reply = await self._caller.send(self._request(order, target, None))
        if isinstance(reply, Outcome):
            return reply
        if reply.refusal is None:
            return _outcome(reply)
        if reply.status == 404 and reply.refusal.code == ABSENT:
            return Outcome(kind="absent", raw=reply.refusal.to_raw())
        return unknown(f"The bank refused to look the operation up: {reply.refusal.code}.")

    async def dispute(self, order: DisputeOrder) -> DisputeAnswer:
        dispute_id, merchant = order.dispute_id, order.account.merchant
        assert _PATH_TEXT.fullmatch(dispute_id), "a dispute that never came from this bank"
        path = f"/v1/disputes/{dispute_id}"
        target, body = self._bank.get(path), None
        if isinstance(order, AcceptDispute):
            target, body = self._bank.post(f"{path}/accept"), _encode({"merchant": merchant})
        elif not isinstance(order, InquireDispute):
            target = self._bank.post(f"{path}/evidence")
            body = _encode({"merchant": merchant, "text": _evidence_text(order.evidence)})
        reply = await self._caller.send(
            Request(
                bank=self._bank,
                target=target,
                body=body,
                read=_read_dispute,
                belongs=lambda dispute: dispute.id == dispute_id,
            )
        )
        if isinstance(reply, Outcome):
            return DisputeAnswer(kind="not_sent" if reply.kind == "not_sent" else "unknown")
        if reply.refusal is not None:
            return DisputeAnswer(kind="refused", code=reply.refusal.code)
        assert reply.value is not None
        return DisputeAnswer(kind="told", dispute=reply.value.translated())

    def read_webhook(self, headers: dict[str, str], body: bytes, now_seconds: int) -> list[BankEvent]:
        return read_webhook(self._webhook_secret, headers, body, now_seconds)

    def read_return(self, query: str, now_seconds: int) -> Returned:
        return read_return(self._webhook_secret, query, now_seconds)

    async def close(self) -> None:
        """Its connections belong to the caller, which is closed once for all connectors."""

    async def _step(self, order: Complete | Capture | Increment | Void | Refund, step: str, **fields: Any) -> Outcome:
        """One that follows an authorization."""
        bank_reference = order.bank_reference or ""
        assert _PATH_TEXT.fullmatch(bank_reference), "a bank reference that never came from this bank"
        target = self._bank.post(f"/v1/authorizations/{bank_reference}/{step}")
        body = {"reference": order.operation_id, "merchant": order.account.merchant, **fields}
        return await self._order(order, target, _encode(body))

    async def _order(
        self,
        order: Authorize | Complete | Capture | Increment | Void | Refund,
        target: Target,
        body: bytes,
        secret: str | None = None,
    ) -> Outcome:
        reply = await self._caller.send(self._request(order, target, body, secret))
        if isinstance(reply, Outcome):
            return reply
        return _outcome(reply) if reply.refusal is None else _refused(reply.refusal)

    def _request(
        self,
        order: Authorize | Complete | Capture | Increment | Void | Refund | Inquire,
        target: Target,
        body: bytes | None,
        secret: str | None = None,
    ) -> Request[Operation]:
        reference, merchant = order.operation_id, order.account.merchant
        return Request(
            bank=self._bank,
            target=target,
            body=body,
            read=_read_operation,
            belongs=lambda operation: operation.reference == reference and operation.merchant == merchant,
            secret=secret,
        )


def _evidence_text(evidence: dict[str, str]) -> str:
    """The bank reads one text. What has no category of its own stands alone, as such a text can decide by itself."""
    return evidence.get(FREE_EVIDENCE) or "\n".join(f"{name}: {text}" for name, text in sorted(evidence.items()))


def _refused(refusal: Refusal) -> Outcome:
    """An error instead of an operation: the bank did not do it."""
    if refusal.code == REFERENCE_REUSED:
        # Something was done under this reference, only not with these words.
        return unknown("The bank knows the reference from a different order.")
    code = _DECLINE_BY_FIELD.get(refusal.field or "", "invalid_transaction")
    return Outcome(kind="declined", decline=Decline(code=code, raw_code=refusal.code), raw=refusal.to_raw())


def _outcome(reply: Reply[Operation]) -> Outcome:
    operation = reply.value
    assert operation is not None
    status = operation.status
    kind: Literal["succeeded", "pending", "action_required", "declined"]
    action = decline = None
    if status == "approved":
        kind = _SUCCEEDED
    elif status == "pending":
        kind = "pending"
    elif status in _STATUSES_OF_ACTION:
        kind, action = "action_required", action_of(operation)
    else:
        kind, decline = "declined", _decline(operation)
    return Outcome(
        kind=kind,
        bank_reference=(operation.authorization or operation.id)
        if operation.kind in _KINDS_OF_AUTHORIZATION
        else operation.id,
        amount_minor=operation.amount,
        currency=operation.currency,
        action=action,
        decline=decline,
        checks=operation.checks or Checks(),
        risk=operation.risk or Risk(),
        authorization_code=operation.authorization_code,
        network_transaction_id=operation.network_transaction_id,
        retrieval_reference=operation.retrieval_reference,
        authentication=operation.authentication,
        fee_minor=operation.fee,
        available_at_once=operation.available_at_once,
        operation=_KINDS[operation.kind],
        reversed=operation.reversed,
        raw=msgspec.to_builtins(operation),
    )


def _decline(operation: Operation) -> Decline:
    if operation.decline is not None:
        row = declines.find(operation.decline)
    else:
        by_code = declines.find_by_upi_code if operation.method == "upi" else declines.find_by_iso_code
        row = by_code(operation.code)
    return Decline(code=row.code, raw_code=operation.code, advice_code=operation.advice_code)
