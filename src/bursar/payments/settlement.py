"""What a bank's answer makes of a payment: the second commit, in the request or long after it.

Whoever gets here holds the attempt's fence, and has the intent as it is stored. The unit that comes out
has everything but the attempt's own end, which the holder adds.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec
from sqlalchemy import Connection

from bursar.attempts.schemas import Attempt
from bursar.attempts.service import call_of, origin_of
from bursar.connectors import declines
from bursar.connectors.contract import Outcome
from bursar.http.call import Effect
from bursar.http.endpoint import encode
from bursar.kit.clock import MICROSECONDS_PER_SECOND, seconds
from bursar.kit.ids import IdFactory, created_microseconds
from bursar.ledger.schemas import Movement
from bursar.ledger.service import LedgerEffect, LedgerService
from bursar.methods import repository as methods
from bursar.methods.schemas import PaymentMethod
from bursar.methods.service import MethodService
from bursar.payments import charge_repository, charge_rules, repository
from bursar.payments.charge_repository import StoredCharge
from bursar.payments.charge_schemas import Charge
from bursar.payments.outcomes import card_error, last_error, operation_error
from bursar.payments.repository import StoredIntent
from bursar.payments.schemas import NextAction, PaymentIntent, Processing, RedirectToUrl
from bursar.store.log import Entry, Origin, differences
from bursar.store.store import Store
from bursar.store.unit import Change, Unit
from bursar.three_d_secure.service import AuthenticationService

# What a charge was before its balance transaction, which is all that changes then.
WITHOUT_TRANSACTION = b'{"balance_transaction":null}'
UNASKED = Outcome(kind="unknown")
RELEASE_AGAIN_SECONDS = 3600


@dataclass(slots=True)
class Settling:
    """One attempt at its end, and what is being written for it."""

    attempt: Attempt
    stored: StoredIntent
    outcome: Outcome = UNASKED
    method: PaymentMethod | None = None
    method_version: int = 0  # of its row; 0 when it was detached meanwhile and can belong to nobody
    charge: StoredCharge | None = None
    origin: Origin | None = None
    changes: list[Change] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)

    @property
    def intent(self) -> PaymentIntent:
        return self.stored.intent

    def tell(self, event_type: str, object_id: str, document: bytes, previous: bytes | None = None) -> None:
        if self.origin is None:
            self.origin = origin_of(self.attempt)
        org_id, livemode = self.attempt.org_id, self.attempt.livemode
        self.entries.append(Entry(org_id, livemode, event_type, object_id, document, previous, self.origin))

    def movement(self, charge: Charge, amount: int, connector: str) -> Movement:
        return Movement(
            org_id=self.attempt.org_id,
            livemode=self.attempt.livemode,
            operation_id=self.attempt.id,
            source_id=charge.id,
            amount_minor=amount,
            currency=charge.currency,
            connector=connector,
            description=charge.description,
        )


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
        return self.apply(await self._store.read(lambda connection: _read(connection, attempt, outcome)))

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
                movement, fee_minor=outcome.fee_minor, available_at_once=outcome.available_at_once
            )
            # The charge is told of as it was made, and then once more with its balance transaction.
            before = encode(charge)
            charge.balance_transaction = _transaction_id(effect)
        else:
            effect = self._ledger.hold(movement)
        settling.changes += effect.changes
        stored = StoredCharge(charge, 1, attempt.order.connector, outcome.bank_reference, attempt.id)
        document = encode(charge)
        settling.changes += charge_repository.insertion(attempt.org_id, attempt.livemode, stored, document)
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
        if outcome.kind == "action_required":
            row = declines.find("sca_required")
        elif outcome.kind in ("not_sent", "absent"):
            row = declines.find("system_error")
        else:
            row = declines.find(outcome.decline.code if outcome.decline else "do_not_honor")
        charge_id = None
        if row.code != "three_ds_failed" and outcome.kind != "action_required":
            charge_id, now = self._ids.new_with_time(charge_repository.PREFIX)
            charge = charge_rules.failed(settling.intent, method, attempt, outcome, row, charge_id, seconds(now))
            stored = StoredCharge(charge, 1, attempt.order.connector, outcome.bank_reference, attempt.id)
            document = encode(charge)
            settling.changes += charge_repository.insertion(attempt.org_id, attempt.livemode, stored, document)
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
        reason = attempt.order.notes.get("cancellation_reason")
        expired = reason == "automatic"
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
        after = msgspec.structs.replace(
            intent,
            status="canceled",
            amount_capturable=0,
            canceled_at=seconds(now),
            cancellation_reason=reason,
            processing=None,
        )
        return self._moved(settling, after, "payment_intent.canceled")

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
        after = msgspec.structs.replace(before, status="processing", processing=Processing())
        return self._moved(settling, after, "payment_intent.processing", attempt_id=settling.attempt.id)

    def _change_charge(
        self, settling: Settling, before: StoredCharge, after: Charge, event: str, increments: int | None = None
    ) -> None:
        attempt = settling.attempt
        stored = StoredCharge(
            after,
            before.version,
            before.connector,
            before.bank_reference,
            before.attempt_id,
            before.refunded_minor,
            before.disputed_minor,
            before.increments if increments is None else increments,
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


def _read(connection: Connection, attempt: Attempt, outcome: Outcome) -> Settling:
    place = (attempt.org_id, attempt.livemode)
    stored = repository.find(connection, *place, attempt.subject_id)
    assert stored is not None, "an attempt belongs to an intent that exists"
    assert stored.attempt_id == attempt.id, "an intent waits for one attempt at a time"
    settling = Settling(attempt, stored, outcome)
    intent = stored.intent
    if attempt.kind in ("authorize", "complete"):
        assert intent.payment_method is not None, "an authorisation is made with a payment method"
        found = methods.find(connection, *place, intent.payment_method)
        assert found is not None, "a payment method is never deleted"
        settling.method = found.method
        settling.method_version = 0 if found.state == methods.DETACHED else found.version
    elif intent.latest_charge is not None:
        settling.charge = charge_repository.find(connection, *place, intent.latest_charge)
    return settling
