"""Sessions that are paid by a method: a card, UPI, net banking, or a wallet that the customer has at the bank.

All of them go by the session's one payment intent, which can succeed only once. Its first commit counts the try and
moves the session's version, so whoever pays the session in another way at the same time loses, or wins alone.
"""

from __future__ import annotations

import msgspec

from bursar.http.call import Call, Effect, Staged
from bursar.http.endpoint import encode
from bursar.kit.clock import Clock
from bursar.kit.errors import Conflict, InvalidRequest, RequestError
from bursar.kit.ids import IdFactory
from bursar.payment_sessions import repository, rules, transaction_repository
from bursar.payment_sessions.failures import failure
from bursar.payment_sessions.schemas import AcceptAnswer, AcceptParams, Payee, Session, Transaction
from bursar.payment_sessions.service import Found, SessionService, tried
from bursar.payments import repository as intents
from bursar.payments.params import AutomaticMethodsParams, IntentConfirmParams, IntentParams
from bursar.payments.service import PaymentService
from bursar.plain_payments import rules as plain
from bursar.plain_payments.admission import Admission
from bursar.plain_payments.schemas import PlainPayment
from bursar.plain_payments.service import PlainPaymentService
from bursar.store.unit import Unit

LOCKED = "lock_timeout"


class ByMethods:
    def __init__(
        self,
        ids: IdFactory,
        clock: Clock,
        sessions: SessionService,
        payments: PaymentService,
        plain_payments: PlainPaymentService,
        admission: Admission,
    ) -> None:
        self._ids = ids
        self._clock = clock
        self._sessions = sessions
        self._payments = payments
        self._plain = plain_payments
        self._admission = admission

    async def accept(self, call: Call, found: Found, params: AcceptParams) -> Effect | Staged:
        session = found.session
        refusal = rules.refusal_to_pay(found.status(self._clock.now_microseconds()))
        if refusal is not None:
            raise refusal
        rules.check_total(session, params.totalAmount, params.currency)
        _check_params(params)
        declined = await self._admission.refusal(call.org_id, call.livemode, session.total_minor, session.currency)
        if declined is not None:
            raise InvalidRequest(declined.message, code=declined.reason)
        payee = await self._sessions.payee(session)
        try:
            staged = await self._begin(call, found, params)
        except Conflict as problem:
            if problem.code != LOCKED:
                raise
            raise rules.refusal_to_pay("processing") or problem from None
        except RequestError as problem:
            return self._not_begun(call, found, params, problem, payee)
        return self._staged(call, found, params, staged, payee)

    async def resume(self, call: Call, attempt_id: str) -> Effect | None:
        """The end of a try that its own request did not see."""
        effect = await self._payments.resume(call, attempt_id)
        if effect is None:
            return None
        found = await self._sessions.find(call)
        payee = await self._sessions.payee(found.session)
        return await self._answered(call, found.transaction, found.transaction.method, effect, payee)

    async def _begin(self, call: Call, found: Found, params: AcceptParams) -> Staged:
        session = found.session
        urls = session.details.return_urls
        return_url = urls.success if urls is not None else None
        if found.intent is None:
            asked = IntentParams(
                amount=session.total_minor,
                currency=session.currency,
                automatic_payment_methods=AutomaticMethodsParams(enabled=True),
                capture_method="automatic",
                confirm=True,
                customer=session.details.customer,
                payment_method_data=plain.method_data(params),
                return_url=return_url,
            )
            if session.details.description is not None:
                asked.description = session.details.description
            staged = await self._payments.create(
                call,
                asked,
                wallet=session.details.ledger_name,
                service_fee_minor=session.service_fee_minor,
                transaction_id=session.transaction_id,
            )
        else:
            call.path["intent"] = found.intent.id
            confirmation = IntentConfirmParams(payment_method_data=plain.method_data(params), return_url=return_url)
            staged = await self._payments.confirm(call, confirmation)
        assert isinstance(staged, Staged), "what is confirmed asks the bank"
        return staged

    def _staged(self, call: Call, found: Found, params: AcceptParams, staged: Staged, payee: Payee) -> Staged:
        method = plain.method_type(params) or plain.CARD
        intent_id = found.session.payment_intent or _new_intent(staged.unit)
        before = found.transaction
        transaction = msgspec.structs.replace(before, payment_intent=intent_id, method=method)
        session: Session = tried(found.session, intent_id=intent_id)
        # First: of two who pay at once, the one who comes second fails here, and decides anew.
        staged.unit.changes.insert(0, repository.update(found.session, session))
        if transaction != before:
            staged.unit.changes.append(transaction_repository.update(before, transaction))
            entry = transaction_repository.entry("bursar.transaction.updated", transaction, call.origin(), before)
            staged.unit.entries.append(entry)

        async def finish() -> Effect:
            return await self._answered(call, transaction, method, await staged.finish(), payee)

        return Staged(staged.unit, staged.attempt_id, finish)

    def _not_begun(self, call: Call, found: Found, params: AcceptParams, problem: RequestError, payee: Payee) -> Effect:
        """A card that is none, or a token that cannot be used: declined before the bank, and counted all the same."""
        declined = plain.refusal_of(problem, has_token=params.token is not None)
        if declined is None:
            raise problem
        method = plain.method_type(params) or plain.CARD
        told = InvalidRequest(declined.message, code=declined.reason)
        unit = failure(self._ids, call, found, told, method)
        receipt = rules.receipt(found.transaction, payee, "failed", method)
        answer = AcceptAnswer(status="declined", reason=declined.reason, message=declined.message, transaction=receipt)
        return _effect(answer, unit)

    async def _answered(
        self, call: Call, transaction: Transaction, method: str | None, effect: Effect, payee: Payee
    ) -> Effect:
        payment = await self._plain.as_plain(call, effect)
        return _effect(_answer(transaction, method, payment, payee), effect.unit)


def _answer(transaction: Transaction, method: str | None, payment: PlainPayment, payee: Payee) -> AcceptAnswer:
    return AcceptAnswer(
        status=payment.status,
        reason=payment.reason,
        message=payment.message,
        transaction=rules.receipt(transaction, payee, payment.state, method),
        auth_id=payment.auth_id,
        payment_id=payment.payment_id,
        next_action=payment.next_action,
    )


def _effect(answer: AcceptAnswer, unit: Unit) -> Effect:
    return Effect(answer, unit, encode(answer))


def _check_params(params: AcceptParams) -> None:
    if params.pin is not None:
        raise InvalidRequest(
            "A PIN belongs to fromWalletCode, which is missing.", param="fromWalletCode", code="parameter_missing"
        )
    if params.token is not None and not params.token.startswith(plain.TOKEN_PREFIX):
        # A payer has a token of their own card. Whose a stored payment method is, nobody here could tell.
        raise InvalidRequest("The token must be one that a browser has just made: tok_….", param="token")
    plain.check_method(params)


def _new_intent(unit: Unit) -> str:
    return next(str(change.row["id"]) for change in unit.changes if change.statement is intents.INSERT)
