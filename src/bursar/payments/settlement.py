"""What a bank's answer makes of a payment: the second commit, in the request or long after it.

Whoever gets here holds the attempt's fence, and has the intent as it is stored. The unit that comes out
has everything but the attempt's own end, which the holder adds.
"""

from __future__ import annotations

import dataclasses
from typing import cast

import msgspec
from sqlalchemy import Connection

from bursar.attempts.rules import waits_at_bank
from bursar.attempts.schemas import Attempt
from bursar.attempts.service import call_of
from bursar.connectors.contract import Outcome
from bursar.http.call import Effect
from bursar.http.endpoint import encode
from bursar.kit.clock import MICROSECONDS_PER_SECOND, seconds
from bursar.kit.ids import IdFactory, created_microseconds
from bursar.ledger.service import LedgerEffect, LedgerService
from bursar.methods.schemas import PaymentMethod
from bursar.methods.service import MethodService
from bursar.payments import charge_repository, charge_rules, repository, rules
from bursar.payments.charge_repository import StoredCharge
from bursar.payments.charge_schemas import Charge
from bursar.payments.next_actions import what_to_do
from bursar.payments.outcomes import card_error, last_error, operation_error, reason
from bursar.payments.schemas import (
    CancellationReason,
    IntentStatus,
    NextAction,
    PaymentIntent,
    Processing,
    RedirectToUrl,
)
from bursar.payments.settling import Settling, read_settling
from bursar.store.log import Origin, differences
from bursar.store.store import Store
from bursar.store.unit import Unit
from bursar.three_d_secure.service import AuthenticationService

# What a charge was before its balance transaction, which is all that changes then.
WITHOUT_TRANSACTION = b'{"balance_transaction":null}'
RELEASE_AGAIN_SECONDS = 3600


class Settlement:
    def __init__(
        self,
        store: Store,
        ids: IdFactory,
        ledger: LedgerService,
        methods: MethodService,
        authentications: AuthenticationService,
    ) -> None:
        self._store = store
        self._ids = ids
        self._ledger = ledger
        self._methods = methods
        self._authentications = authentications

    async def settle(self, attempt: Attempt, outcome: Outcome) -> Effect:
        """For the resolver: from what is stored."""
        return self.apply(await self._store.read(lambda connection: read_settling(connection, attempt, outcome)))

    def settle_within(self, connection: Connection, attempt: Attempt, outcome: Outcome, origin: Origin) -> Effect:
        """For whoever was told by the bank: within the transaction that takes that in."""
        settling = read_settling(connection, attempt, outcome)
        settling.origin = origin
        return self.apply(settling)

    def apply(self, settling: Settling) -> Effect:
        """For a request, which has everything in its hands."""
        if settling.outcome.kind == "unknown":
            return self._unknown(settling)
        if settling.attempt.kind in ("authorize", "complete"):
            return self._authorisation(settling)
        if settling.attempt.kind == "capture":
            return self._capture(settling)
        if settling.attempt.kind == "increment":
            return self._increment(settling)
        return self._void(settling)

    def _authorisation(self, settling: Settling) -> Effect:
        kind = settling.outcome.kind
        if kind == "succeeded":
            return self._approved(settling)
        if waits_at_bank(settling.outcome):
            return self._waiting(settling)
        if kind == "action_required" and settling.attempt.order.notes.get("error_on_requires_action") is None:
            return self._action_required(settling)
        return self._declined(settling)

    def _approved(self, settling: Settling) -> Effect:
        attempt, outcome, method = settling.attempt, settling.outcome, settling.method
        assert method is not None
        charge_id, now = self._ids.new_with_time(charge_repository.PREFIX)
        charge = charge_rules.succeeded(settling.intent, method, attempt, outcome, charge_id, seconds(now))
        movement = settling.movement(charge, attempt.amount_minor, attempt.order.connector)
        before = None
        if attempt.order.capture:
            effect = self._ledger.capture(
                movement,
                fee_minor=outcome.fee_minor,
                available_at_once=outcome.available_at_once,
                service_fee_minor=settling.service_fee(attempt.amount_minor),
            )
            # The charge is told of as it was made, and then once more with its balance transaction.
            before = encode(charge)
            charge.balance_transaction = _transaction_id(effect)
        else:
            effect = self._ledger.hold(movement)
        settling.changes += effect.changes
        document = encode(charge)
        settling.changes += charge_repository.insertion(
            attempt.org_id, attempt.livemode, settling.charge_row(charge), document
        )
        settling.tell("charge.succeeded", charge.id, before or document)
        after = self._after_approval(settling.intent, charge)
        if not attempt.order.capture:
            due = created_microseconds(attempt.id) + charge_rules.CAPTURE_WITHIN_SECONDS * MICROSECONDS_PER_SECOND
            settling.changes.append(repository.deadline(attempt.org_id, attempt.livemode, after.id, due))
        effect_of_intent = self._moved(
            settling,
            after,
            "payment_intent.succeeded" if charge.captured else "payment_intent.amount_capturable_updated",
        )
        if before is not None:
            settling.tell("charge.updated", charge.id, document, WITHOUT_TRANSACTION)
        self._save_method(settling, after, method)
        return effect_of_intent

    def _after_approval(self, intent: PaymentIntent, charge: Charge) -> PaymentIntent:
        return msgspec.structs.replace(
            intent,
            status="succeeded" if charge.captured else "requires_capture",
            amount_capturable=0 if charge.captured else charge.amount,
            amount_received=charge.amount_captured,
            latest_charge=charge.id,
            last_payment_error=None,
            next_action=None,
            processing=None,
        )

    def _save_method(self, settling: Settling, intent: PaymentIntent, method: PaymentMethod) -> None:
        """A card that shall be used again becomes the customer's."""
        attempt = settling.attempt
        if intent.setup_future_usage == "off_session" and not attempt.order.off_session:
            settling.changes.append(self._methods.agreement(call_of(attempt), method.id))
        is_wanted = intent.setup_future_usage is not None and intent.customer is not None
        if not is_wanted or method.customer is not None or not settling.method_version:
            return
        assert intent.customer is not None
        _, changes, entries = self._methods.attachment(
            call_of(settling.attempt), method, settling.method_version, intent.customer
        )
        settling.changes += changes
        settling.entries += entries

    def _declined(self, settling: Settling) -> Effect:
        attempt, outcome, method = settling.attempt, settling.outcome, settling.method
        assert method is not None
        row = reason(outcome, method)
        charge_id = None
        if row.code != "three_ds_failed" and outcome.kind != "action_required":
            charge_id, now = self._ids.new_with_time(charge_repository.PREFIX)
            charge = charge_rules.failed(settling.intent, method, attempt, outcome, row, charge_id, seconds(now))
            document = encode(charge)
            settling.changes += charge_repository.insertion(
                attempt.org_id, attempt.livemode, settling.charge_row(charge), document
            )
            settling.tell("charge.failed", charge_id, document)
        after = msgspec.structs.replace(
            settling.intent,
            status="requires_payment_method",
            last_payment_error=last_error(row, outcome, charge_id, method),
            latest_charge=charge_id or settling.intent.latest_charge,
            payment_method=None,
            next_action=None,
            processing=None,
        )
        effect = self._moved(settling, after, "payment_intent.payment_failed")
        effect.error = card_error(row, outcome, charge_id, after, method)
        return effect

    def _action_required(self, settling: Settling) -> Effect:
        attempt, outcome = settling.attempt, settling.outcome
        assert outcome.bank_reference is not None
        return_url = attempt.order.notes.get("return_url")
        url, change = self._authentications.begin(attempt, outcome.bank_reference, return_url)
        settling.changes.append(change)
        after = msgspec.structs.replace(
            settling.intent,
            status="requires_action",
            next_action=NextAction(redirect_to_url=RedirectToUrl(url=url, return_url=return_url)),
            processing=None,
        )
        return self._moved(settling, after, "payment_intent.requires_action", authentication_id=attempt.id)

    def _waiting(self, settling: Settling) -> Effect:
        """The customer acts at the bank, or has acted and the bank waits for another. It tells how that ended."""
        attempt, outcome = settling.attempt, settling.outcome
        next_action, change = what_to_do(self._authentications, attempt, outcome)
        settling.changes += [] if change is None else [change]
        status: IntentStatus = "processing" if next_action is None else "requires_action"
        after = msgspec.structs.replace(settling.intent, status=status, next_action=next_action, processing=None)
        return self._moved(settling, after, f"payment_intent.{status}", authentication_id=attempt.id)

    def _capture(self, settling: Settling) -> Effect:
        attempt, outcome, stored = settling.attempt, settling.outcome, settling.charge
        assert stored is not None
        if outcome.kind != "succeeded":
            return self._operation_failed(settling)
        charge, final = stored.charge, attempt.order.final
        held = settling.intent.amount_capturable
        effect = self._ledger.capture(
            settling.movement(charge, attempt.amount_minor, stored.connector),
            fee_minor=outcome.fee_minor,
            available_at_once=outcome.available_at_once,
            held_minor=held,
            final=final,
            service_fee_minor=settling.service_fee(attempt.amount_minor),
        )
        settling.changes += effect.changes
        after_charge = charge_rules.captured(charge, attempt.amount_minor, _transaction_id(effect), final=final)
        self._change_charge(settling, stored, after_charge, "charge.captured")
        if final:
            settling.changes.append(repository.no_deadline(attempt.org_id, attempt.livemode, settling.intent.id))
        after = msgspec.structs.replace(
            settling.intent,
            status="succeeded" if final else "requires_capture",
            amount_capturable=0 if final else held - attempt.amount_minor,
            amount_received=after_charge.amount_captured,
            processing=None,
        )
        event = "payment_intent.succeeded" if final else "payment_intent.amount_capturable_updated"
        return self._moved(settling, after, event)

    def _increment(self, settling: Settling) -> Effect:
        attempt, outcome, stored = settling.attempt, settling.outcome, settling.charge
        assert stored is not None
        if outcome.kind != "succeeded":
            # The old authorisation stands as it was.
            return self._operation_failed(settling)
        charge, total = stored.charge, attempt.amount_minor
        added = settling.movement(charge, total - charge.amount, stored.connector)
        settling.changes += self._ledger.increment(added, held_minor=charge.amount).changes
        after_charge = charge_rules.incremented(charge, total)
        self._change_charge(settling, stored, after_charge, "charge.updated", increments=stored.increments + 1)
        after = msgspec.structs.replace(
            settling.intent, amount=total, amount_capturable=total, status="requires_capture", processing=None
        )
        return self._moved(settling, after, "payment_intent.amount_capturable_updated")

    def _void(self, settling: Settling) -> Effect:
        attempt, stored = settling.attempt, settling.charge
        assert stored is not None
        charge, intent = stored.charge, settling.intent
        why = cast(CancellationReason | None, attempt.order.notes.get("cancellation_reason"))
        expired = why == "automatic"
        now = created_microseconds(self._ids.new(repository.PREFIX))
        if settling.outcome.kind != "succeeded":
            if expired:
                # One that the bank does not let go must not be the first in line for ever.
                later = now + RELEASE_AGAIN_SECONDS * MICROSECONDS_PER_SECOND
                settling.changes.append(repository.later_deadline(attempt.org_id, attempt.livemode, intent.id, later))
            return self._operation_failed(settling)
        held = settling.movement(charge, intent.amount_capturable, stored.connector)
        settling.changes += self._ledger.release_hold(held, "expired" if expired else "voided").changes
        settling.changes.append(repository.no_deadline(attempt.org_id, attempt.livemode, intent.id))
        released = charge_rules.released(charge)
        self._change_charge(settling, stored, released, "charge.expired" if expired else "charge.refunded")
        after = rules.released(intent, seconds(now), why)
        return self._moved(settling, after, f"payment_intent.{after.status}")

    def _operation_failed(self, settling: Settling) -> Effect:
        """A capture, increment or cancellation that the bank refused: what was authorised stands."""
        status = "requires_capture"
        after = msgspec.structs.replace(settling.intent, status=status, processing=None)
        unchanged = encode(after) == encode(settling.intent)
        effect = self._moved(settling, after, None if unchanged else "payment_intent.amount_capturable_updated")
        effect.error = operation_error(settling.attempt.kind, settling.outcome, after)
        return effect

    def _unknown(self, settling: Settling) -> Effect:
        """Nobody knows yet, so nobody is told an end. The attempt stays open, and so does the intent."""
        before = settling.intent
        # The wire knows this of cards only.
        processing = Processing() if settling.attempt.order.method == "card" else None
        after = msgspec.structs.replace(before, status="processing", processing=processing)
        return self._moved(settling, after, "payment_intent.processing", attempt_id=settling.attempt.id)

    def _change_charge(
        self, settling: Settling, before: StoredCharge, after: Charge, event: str, increments: int | None = None
    ) -> None:
        attempt = settling.attempt
        stored = dataclasses.replace(
            before, charge=after, increments=before.increments if increments is None else increments
        )
        document = encode(after)
        settling.changes += charge_repository.update(attempt.org_id, attempt.livemode, before, stored, document)
        settling.tell(event, after.id, document, differences(encode(before.charge), document))

    def _moved(
        self,
        settling: Settling,
        after: PaymentIntent,
        event: str | None,
        *,
        attempt_id: str | None = None,
        authentication_id: str | None = None,
    ) -> Effect:
        """The intent as it is now, with its one event."""
        attempt = settling.attempt
        document = encode(after)
        settling.changes += repository.update(
            attempt.org_id,
            attempt.livemode,
            settling.stored,
            after,
            document,
            attempt_id=attempt_id,
            authentication_id=authentication_id,
        )
        if event is not None:
            settling.tell(event, after.id, document)
        return Effect(after, Unit(settling.changes, settling.entries), document)


def _transaction_id(effect: LedgerEffect) -> str:
    assert effect.balance_transaction is not None, "money that moves has its transaction"
    return effect.balance_transaction.id
