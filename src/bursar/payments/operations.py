"""What is done to an authorisation: captured, raised, released."""

from __future__ import annotations

import dataclasses
from typing import Any

import msgspec
from msgspec import UNSET
from sqlalchemy import Connection

from bursar.attempts.schemas import BankOrder, Kind
from bursar.attempts.service import AttemptService
from bursar.http.authentication import Principal
from bursar.http.call import Call, Effect, Staged
from bursar.http.endpoint import encode
from bursar.http.params import changed_metadata
from bursar.kit.clock import Clock, seconds
from bursar.payments import charge_repository, repository, rules
from bursar.payments.charge_repository import StoredCharge
from bursar.payments.confirmation import Confirmation
from bursar.payments.params import IntentCancelParams, IntentCaptureParams, IntentIncrementParams
from bursar.payments.repository import StoredIntent
from bursar.payments.schemas import PaymentIntent
from bursar.payments.service import PaymentService, require_idle
from bursar.payments.settling import Settling
from bursar.store.log import SYSTEM_ACTOR, Entry
from bursar.store.store import Store
from bursar.store.unit import Unit


class OperationService:
    def __init__(
        self,
        store: Store,
        clock: Clock,
        payments: PaymentService,
        attempts: AttemptService,
        confirmation: Confirmation,
    ) -> None:
        self._store = store
        self._clock = clock
        self._payments = payments
        self._attempts = attempts
        self._confirmation = confirmation

    async def capture(self, call: Call, params: IntentCaptureParams) -> Staged:
        stored, charge = await self._authorised(call)
        intent = stored.intent
        amount = intent.amount_capturable if params.amount_to_capture is None else params.amount_to_capture
        rules.check_capture(intent, amount, final=params.final_capture)
        changed = _described(intent, params)
        # Nothing is left to capture later, or to release.
        final = params.final_capture or amount == intent.amount_capturable
        return self._staged(call, "capture", stored, changed, charge, amount, final=final)

    async def increment(self, call: Call, params: IntentIncrementParams) -> Staged:
        stored, charge = await self._authorised(call)
        rules.check_increment(stored.intent, params.amount, charge.increments if charge else 0)
        changed = _described(stored.intent, params)
        return self._staged(call, "increment", stored, changed, charge, params.amount)

    async def cancel(self, call: Call, params: IntentCancelParams) -> Effect | Staged:
        stored, charge = await self._authorised(call)
        rules.require_status(stored.intent, rules.CANCELABLE, "be canceled")
        reason = params.cancellation_reason
        if stored.intent.status == "requires_capture":
            return self._release(call, stored, charge, reason)
        # Nothing is held yet, so the bank need not be asked first. One that waits for the customer is told, until it
        # has acknowledged that none of it stands.
        after = msgspec.structs.replace(
            stored.intent,
            status="canceled",
            canceled_at=seconds(self._clock.now_microseconds()),
            cancellation_reason=reason,
            next_action=None,
        )
        document = encode(after)
        changes = await self._confirmation.given_up(call, stored)
        changes += repository.update(call.org_id, call.livemode, stored, after, document)
        entry = Entry(call.org_id, call.livemode, "payment_intent.canceled", after.id, document, origin=call.origin())
        return Effect(after, Unit(changes, [entry]), document)

    async def resume(self, call: Call, attempt_id: str) -> Effect | None:
        return await self._payments.resume(call, attempt_id)

    async def expire(self, org_id: str, livemode: int, intent_id: str) -> None:
        """Releases what nobody captured in time. What is no longer waiting is only taken off the list."""
        call = Call(Principal(org_id, livemode, SYSTEM_ACTOR), "", path={"intent": intent_id})
        stored = await self._payments.find(call)
        if stored.attempt_id is not None:
            return  # the bank is being asked about it; the next look comes soon
        if stored.intent.status != "requires_capture":
            await self._store.commit(Unit([repository.no_deadline(org_id, livemode, intent_id)]))
            return
        staged = self._release(call, stored, await self._charge(call, stored), "automatic")
        await self._store.commit(staged.unit)
        effect = await staged.finish()
        await self._store.commit(effect.unit)

    def _release(self, call: Call, stored: StoredIntent, charge: StoredCharge | None, reason: str | None) -> Staged:
        notes = {} if reason is None else {"cancellation_reason": reason}
        amount = stored.intent.amount_capturable
        return self._staged(call, "void", stored, stored.intent, charge, amount, notes=notes)

    def _staged(
        self,
        call: Call,
        kind: Kind,
        stored: StoredIntent,
        changed: PaymentIntent,
        charge: StoredCharge | None,
        amount: int,
        *,
        final: bool = True,
        notes: dict[str, str] | None = None,
    ) -> Staged:
        assert charge is not None and charge.bank_reference is not None, "what is authorised has its charge"
        _, merchant = self._confirmation.account(call)
        order = BankOrder(
            connector=charge.connector,
            merchant=merchant,
            bank_reference=charge.bank_reference,
            final=final,
            notes=notes or {},
        )
        attempt, insertion = self._attempts.prepare(call, kind, changed.id, order, amount, changed.currency)
        unit = Unit([insertion])
        # The intent is taken for this operation alone: another one that comes now finds it taken.
        unit.changes += repository.update(
            call.org_id, call.livemode, stored, changed, encode(changed), attempt_id=attempt.id
        )
        after = dataclasses.replace(stored, intent=changed, version=stored.version + 1, attempt_id=attempt.id)
        return self._confirmation.staged(Settling(attempt, after, charge=charge), unit)

    async def _authorised(self, call: Call) -> tuple[StoredIntent, StoredCharge | None]:
        stored = await self._payments.find(call)
        require_idle(stored)
        return stored, await self._charge(call, stored)

    async def _charge(self, call: Call, stored: StoredIntent) -> StoredCharge | None:
        charge_id = stored.intent.latest_charge
        if charge_id is None:
            return None

        def query(connection: Connection) -> StoredCharge | None:
            return charge_repository.find(connection, call.org_id, call.livemode, charge_id)

        return await self._store.read(query)


def _described(intent: PaymentIntent, params: IntentCaptureParams | IntentIncrementParams) -> PaymentIntent:
    changes: dict[str, Any] = {}
    for name in ("description", "statement_descriptor", "statement_descriptor_suffix"):
        if (value := getattr(params, name, UNSET)) is not UNSET:
            changes[name] = value or None
    if params.metadata is not UNSET:
        changes["metadata"] = changed_metadata(intent.metadata, params.metadata)
    return msgspec.structs.replace(intent, **changes) if changes else intent
