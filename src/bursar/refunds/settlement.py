"""What a bank's answer makes of a refund and its charge: in the request, long after it, or by the bank's own word."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field

from sqlalchemy import Connection

from bursar.attempts.schemas import Attempt
from bursar.attempts.service import origin_of
from bursar.connectors.contract import Outcome
from bursar.http.call import Effect
from bursar.http.endpoint import encode
from bursar.ledger.schemas import Movement
from bursar.ledger.service import LedgerEffect, LedgerService
from bursar.payments import charge_repository, charge_rules
from bursar.payments.charge_repository import StoredCharge
from bursar.payments.charge_schemas import Charge
from bursar.refunds import repository, rules
from bursar.refunds.repository import StoredRefund
from bursar.refunds.schemas import Refund
from bursar.store.log import Entry, Origin, differences
from bursar.store.store import Store
from bursar.store.unit import Unit

FAILURES = frozenset({"declined", "absent"})


@dataclass(slots=True)
class _Settling:
    attempt: Attempt
    outcome: Outcome
    origin: Origin
    stored: StoredRefund
    charge: StoredCharge
    unit: Unit = field(default_factory=Unit)

    def tell(self, event_type: str, object_id: str, before: bytes, after: bytes) -> None:
        place = (self.attempt.org_id, self.attempt.livemode)
        self.unit.entries.append(Entry(*place, event_type, object_id, after, differences(before, after), self.origin))


class RefundSettlement:
    def __init__(self, store: Store, ledger: LedgerService) -> None:
        self._store = store
        self._ledger = ledger

    async def settle(self, attempt: Attempt, outcome: Outcome) -> Effect:
        """For the resolver: from what is stored."""
        refund, unit = await self._store.read(lambda connection: self.apply(connection, attempt, outcome))
        return Effect(refund, unit)

    def apply(
        self, connection: Connection, attempt: Attempt, outcome: Outcome, origin: Origin | None = None
    ) -> tuple[Refund, Unit]:
        """The refund as it is then, and what must be written; nothing where nothing new is known."""
        settling = _read(connection, attempt, outcome, origin or origin_of(attempt))
        status, kind = settling.stored.refund.status, outcome.kind
        if kind == "succeeded" and status == "pending":
            return self._succeeded(settling), settling.unit
        if kind in FAILURES and status in ("pending", "succeeded"):
            return self._failed(settling), settling.unit
        return settling.stored.refund, settling.unit

    def _succeeded(self, settling: _Settling) -> Refund:
        refund, stored = settling.stored.refund, settling.charge
        effect = self._ledger.refund(_movement(settling, settling.attempt.id))
        settling.unit.changes += effect.changes
        _change_charge(settling, charge_rules.refunded(stored.charge, refund.amount), "charge.refunded")
        reference = settling.outcome.retrieval_reference
        return _change(settling, rules.succeeded(refund, _transaction_id(effect), reference), "refund.updated")

    def _failed(self, settling: _Settling) -> Refund:
        """What was kept of the charge for it is free again, and what had moved is back."""
        refund, stored = settling.stored.refund, settling.charge
        assert stored.refunded_minor >= refund.amount, "a refund that is under way or made is kept of the charge"
        freed = stored.refunded_minor - refund.amount
        failure_transaction = None
        if refund.balance_transaction is not None:
            # The group of the operation itself is the one that it had made when it succeeded.
            effect = self._ledger.refund_failed(_movement(settling, None))
            settling.unit.changes += effect.changes
            failure_transaction = _transaction_id(effect)
            after = charge_rules.refund_failed(stored.charge, refund.amount)
            _change_charge(settling, after, "charge.updated", freed)
        else:
            _change_charge(settling, stored.charge, None, freed)
        return _change(settling, rules.failed(refund, settling.outcome, failure_transaction), "refund.failed")


def _read(connection: Connection, attempt: Attempt, outcome: Outcome, origin: Origin) -> _Settling:
    place = (attempt.org_id, attempt.livemode)
    stored = repository.find(connection, *place, attempt.subject_id)
    assert stored is not None and stored.attempt_id == attempt.id, "an attempt belongs to a refund that exists"
    charge = charge_repository.find(connection, *place, stored.refund.charge)
    assert charge is not None, "a refund belongs to a charge that exists"
    return _Settling(attempt, outcome, origin, stored, charge)


def _movement(settling: _Settling, operation_id: str | None) -> Movement:
    refund = settling.stored.refund
    return Movement(
        org_id=settling.attempt.org_id,
        livemode=settling.attempt.livemode,
        operation_id=operation_id,
        source_id=refund.id,
        amount_minor=refund.amount,
        currency=refund.currency,
        connector=settling.charge.connector,
        description=settling.charge.charge.description,
        wallet=settling.charge.wallet,
    )


def _change_charge(settling: _Settling, after: Charge, event: str | None, refunded_minor: int | None = None) -> None:
    before, attempt = settling.charge, settling.attempt
    kept = before.refunded_minor if refunded_minor is None else refunded_minor
    stored = dataclasses.replace(before, charge=after, refunded_minor=kept)
    document = encode(after)
    settling.unit.changes += charge_repository.update(attempt.org_id, attempt.livemode, before, stored, document)
    if event is not None:
        settling.tell(event, after.id, encode(before.charge), document)


def _change(settling: _Settling, after: Refund, event: str) -> Refund:
    attempt, before = settling.attempt, settling.stored
    document = encode(after)
    settling.unit.changes.append(repository.update(attempt.org_id, attempt.livemode, before, after, document))
    settling.tell(event, after.id, encode(before.refund), document)
    return after


def _transaction_id(effect: LedgerEffect) -> str:
    assert effect.balance_transaction is not None, "money that moves has its transaction"
    return effect.balance_transaction.id
