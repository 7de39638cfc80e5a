"""The plain API's payments: made, read, captured, canceled, given back by the services of `/v1`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from sqlalchemy import Connection

from bursar.http.authentication import USER
from bursar.http.call import Call, Effect, Staged
from bursar.http.endpoint import encode
from bursar.http.paging import missing
from bursar.kit.clock import Clock
from bursar.kit.errors import CardError, NotFound, RequestError
from bursar.payments import charge_repository, repository
from bursar.payments.charge_repository import StoredCharge
from bursar.payments.charge_schemas import Charge, decode_charge
from bursar.payments.operations import OperationService
from bursar.payments.params import IntentCancelParams, IntentCaptureParams
from bursar.payments.rules import check_amount, require_currency
from bursar.payments.schemas import PaymentIntent
from bursar.payments.service import PaymentService
from bursar.plain_payments import rules
from bursar.plain_payments.admission import Admission
from bursar.plain_payments.amounts import minor_units
from bursar.plain_payments.rules import Refusal
from bursar.plain_payments.schemas import (
    PayParams,
    PlainCaptureParams,
    PlainPayment,
    PlainPaymentParams,
    PlainRefundParams,
)
from bursar.refunds.schemas import Refund, RefundParams
from bursar.refunds.service import RefundService
from bursar.store.log import Entry
from bursar.store.store import Store
from bursar.store.unit import Unit

URL = "/api/v1/payments"
KIND = "payment"

# How a payment is shown: whole, or as the few words of /pay.
Shown = Callable[[PlainPayment], msgspec.Struct]


def whole(payment: PlainPayment) -> msgspec.Struct:
    return payment


class PlainPaymentService:
    def __init__(
        self,
        store: Store,
        clock: Clock,
        payments: PaymentService,
        operations: OperationService,
        refunds: RefundService,
        admission: Admission,
    ) -> None:
        self._store = store
        self._clock = clock
        self._payments = payments
        self._operations = operations
        self._refunds = refunds
        self._admission = admission

    async def pay(self, call: Call, params: PlainPaymentParams, shown: Shown = whole) -> Effect | Staged:
        """Asks the bank, unless a rule declines before. A decline is an answer, and is kept like any other."""
        currency = require_currency(params.currency)
        check_amount(params.amount, currency)
        rules.check_method(params)
        refusal = await self._admission.refusal(call.org_id, call.livemode, params.amount, currency.code)
        if refusal is not None:
            return await self._refused(call, params, refusal, shown)
        try:
            result = await self._payments.create(call, rules.intent_params(params))
        except RequestError as problem:
            found = rules.refusal_of(problem, has_token=params.token is not None)
            if found is None:
                raise
            return await self._refused(call, params, found, shown)
        return await self._translated(call, result, shown, declines=True)

    async def pay_in_major_units(self, call: Call, params: PayParams) -> Effect | Staged:
        amount = minor_units(params.amount, require_currency(params.currency))
        given = {name: getattr(params, name) for name in params.__struct_fields__} | {"amount": amount}
        return await self.pay(call, PlainPaymentParams(**given), rules.answer)

    async def retrieve(self, call: Call) -> PlainPayment:
        intent_id = call.path[KIND]

        def query(connection: Connection) -> tuple[PaymentIntent, StoredCharge | None] | None:
            found = repository.find(connection, call.org_id, call.livemode, intent_id)
            if found is None:
                return None
            charge_id = found.intent.latest_charge
            charge = charge_id and charge_repository.find(connection, call.org_id, call.livemode, charge_id)
            return found.intent, charge or None

        found = await self._store.read(query)
        if found is None:
            raise missing(KIND, intent_id, KIND)
        intent, stored = found
        return rules.view(intent, stored.charge if stored else None, stored.disputed_minor if stored else 0)

    async def capture(self, call: Call, params: PlainCaptureParams) -> Effect | Staged:
        asked = IntentCaptureParams(amount_to_capture=params.amount)
        return await self._operate(call, lambda: self._operations.capture(call, asked))

    async def cancel(self, call: Call) -> Effect | Staged:
        return await self._operate(call, lambda: self._operations.cancel(call, IntentCancelParams()))

    async def refund(self, call: Call, params: PlainRefundParams) -> Effect | Staged:
        payment = await self.retrieve(call)
        # What was given back before counts, too: many small refunds are a large one.
        total = payment.amount_captured if params.amount is None else payment.amount_refunded + params.amount
        await self.require_proof(call, payment.currency, total)
        asked = RefundParams(
            amount=params.amount, metadata=params.metadata, payment_intent=payment.payment_id, reason=params.reason
        )
        staged = await self._refunds.create(call, asked)

        async def finish() -> Effect:
            return _refund_effect(await staged.finish())

        return Staged(staged.unit, staged.attempt_id, finish)

    async def resume(self, call: Call, attempt_id: str) -> Effect | None:
        return await self._resumed(call, attempt_id, whole, declines=False)

    async def resume_payment(self, call: Call, attempt_id: str) -> Effect | None:
        return await self._resumed(call, attempt_id, whole, declines=True)

    async def resume_pay(self, call: Call, attempt_id: str) -> Effect | None:
        return await self._resumed(call, attempt_id, rules.answer, declines=True)

    async def resume_refund(self, call: Call, attempt_id: str) -> Effect | None:
        effect = await self._refunds.resume(call, attempt_id)
        return None if effect is None else _refund_effect(effect)

    async def _operate(self, call: Call, operate: Callable[[], Awaitable[Effect | Staged]]) -> Effect | Staged:
        intent_id = call.path["intent"] = call.path[KIND]
        try:
            result = await operate()
        except NotFound as problem:
            if problem.param != "intent":
                raise
            raise missing(KIND, intent_id, KIND) from None
        return await self._translated(call, result, whole, declines=False)

    async def require_proof(self, call: Call, currency: str, total_minor: int) -> None:
        """Of people who give that much back."""
        if call.principal.kind != USER:
            return
        terms = await self._admission.terms.of(call.org_id)
        above = terms.proof_above_minor.get(currency)
        if above is not None and total_minor >= above:
            call.principal.require_proof(self._clock.now_microseconds())

    async def _refused(self, call: Call, params: PlainPaymentParams, refusal: Refusal, shown: Shown) -> Effect:
        """A payment intent that nobody was asked about, with the reason: both surfaces show it, and so does the log."""
        made = await self._payments.create(call, rules.unpaid(params))
        assert isinstance(made, Effect) and isinstance(made.result, PaymentIntent), "nothing is confirmed"
        intent = rules.refused(made.result, refusal, rules.method_type(params))
        document = encode(intent)
        row = next(change.row for change in made.unit.changes if change.statement is repository.INSERT)
        row["document"] = document.decode()
        entry = Entry(call.org_id, call.livemode, "bursar.payment.declined", intent.id, document, origin=call.origin())
        made.unit.entries.append(entry)
        return _effect(shown(rules.view(intent, None)), made.unit)

    async def _translated(
        self, call: Call, result: Effect | Staged, shown: Shown, *, declines: bool
    ) -> Effect | Staged:
        if isinstance(result, Effect):
            return await self._shown(call, result, shown, declines=declines)
        staged = result

        async def finish() -> Effect:
            return await self._shown(call, await staged.finish(), shown, declines=declines)

        return Staged(staged.unit, staged.attempt_id, finish)

    async def _resumed(self, call: Call, attempt_id: str, shown: Shown, *, declines: bool) -> Effect | None:
        effect = await self._payments.resume(call, attempt_id)
        return None if effect is None else await self._shown(call, effect, shown, declines=declines)

    async def _shown(self, call: Call, effect: Effect, shown: Shown, *, declines: bool) -> Effect:
        """The same effect with the plain answer. With `declines`, a decline is an answer and no error."""
        if effect.error is not None and not (declines and isinstance(effect.error, CardError)):
            return effect
        return _effect(shown(await self.as_plain(call, effect)), effect.unit)

    async def as_plain(self, call: Call, effect: Effect) -> PlainPayment:
        """The payment that an effect of the payments is about to leave behind."""
        intent = effect.result
        assert isinstance(intent, PaymentIntent)
        charge = _written_charge(effect.unit, intent) or await self._stored_charge(call, intent)
        return rules.view(intent, charge)

    async def _stored_charge(self, call: Call, intent: PaymentIntent) -> Charge | None:
        charge_id = intent.latest_charge
        if charge_id is None:
            return None
        stored = await self._store.read(
            lambda connection: charge_repository.find(connection, call.org_id, call.livemode, charge_id)
        )
        return stored.charge if stored is not None else None


def _effect(result: msgspec.Struct, unit: Unit) -> Effect:
    return Effect(result, unit, encode(result))


def _refund_effect(effect: Effect) -> Effect:
    assert isinstance(effect.result, Refund)
    return _effect(rules.refund_view(effect.result), effect.unit)


def _written_charge(unit: Unit, intent: PaymentIntent) -> Charge | None:
    """The charge that the unit is about to write: it cannot be read yet."""
    for change in unit.changes:
        row: dict[str, Any] = change.row
        if change.statement is charge_repository.INSERT and row["id"] == intent.latest_charge:
            return decode_charge(row["document"])
        if change.statement is charge_repository.UPDATE and row["i"] == intent.latest_charge:
            return decode_charge(row["new_document"])
    return None
