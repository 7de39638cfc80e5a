"""What a bank's word about a dispute makes of it, of its charge and of the books."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field

import msgspec

from bursar.connectors.contract import BankDispute
from bursar.disputes import repository, rules
from bursar.disputes.repository import StoredDispute
from bursar.disputes.schemas import Dispute
from bursar.http.endpoint import encode
from bursar.kit.clock import seconds
from bursar.kit.ids import IdFactory
from bursar.ledger.schemas import Movement
from bursar.ledger.service import LedgerEffect, LedgerService
from bursar.payments import charge_repository
from bursar.payments.charge_repository import StoredCharge
from bursar.store.log import Entry, Origin, differences
from bursar.store.unit import Unit


@dataclass(slots=True)
class _Moving:
    """A dispute on its way, step by step; what it has come to is written once at the end."""

    org_id: str
    livemode: int
    told: BankDispute
    origin: Origin
    stored: StoredDispute
    charge: StoredCharge
    unit: Unit = field(default_factory=Unit)

    def step(self, event_type: str, after: StoredDispute) -> None:
        before, document = encode(self.stored.dispute), encode(after.dispute)
        previous = differences(before, document) if before != document else None
        self._tell(event_type, after.dispute.id, document, previous)
        self.stored = after

    def change_charge(self, after: StoredCharge) -> None:
        before, document = encode(self.charge.charge), encode(after.charge)
        if before != document:
            self._tell("charge.updated", after.charge.id, document, differences(before, document))
        self.charge = after

    def _tell(self, event_type: str, object_id: str, document: bytes, previous: bytes | None) -> None:
        entry = Entry(self.org_id, self.livemode, event_type, object_id, document, previous, self.origin)
        self.unit.entries.append(entry)


class DisputeSettlement:
    def __init__(self, ids: IdFactory, ledger: LedgerService) -> None:
        self._ids = ids
        self._ledger = ledger

    def apply(
        self,
        place: tuple[str, int],
        charge: StoredCharge,
        stored: StoredDispute | None,
        told: BankDispute,
        origin: Origin,
    ) -> tuple[Dispute, Unit]:
        """Takes the dispute to where the bank has it. All that lies on the way is done too, so that messages which
        come in another order, or not at all, lead to the same end.
        """
        known = stored or self._new(charge, told)
        moving = _Moving(*place, told, origin, known, charge)
        if stored is None:
            moving.step("charge.dispute.created", known)
            disputed = msgspec.structs.replace(charge.charge, disputed=True)
            moving.change_charge(dataclasses.replace(charge, charge=disputed))
        moves_money = rules.withdraws(told) and len(known.dispute.balance_transactions) == 0
        if moves_money:
            self._withdraw(moving)
        after = rules.moved(moving.stored.dispute, told, moving.charge.left_minor)
        if after != moving.stored.dispute:
            ends = after.status in rules.ENDS
            moving.step(
                "charge.dispute.closed" if ends else "charge.dispute.updated",
                dataclasses.replace(moving.stored, dispute=after),
            )
        if told.status == "won" and moving.stored.withdrawn_minor:
            self._reinstate(moving)
        return self._written(moving, known, charge)

    def _new(self, charge: StoredCharge, told: BankDispute) -> StoredDispute:
        dispute_id, now = self._ids.new_with_time(repository.PREFIX)
        dispute = rules.opened(told, charge.charge, dispute_id, seconds(now))
        dispute.evidence_details.due_by = told.evidence_due
        dispute.is_charge_refundable = told.inquiry and charge.left_minor > 0
        return StoredDispute(dispute, 0, charge.connector, told.dispute_id)

    def _withdraw(self, moving: _Moving) -> None:
        told, charge = moving.told, moving.charge
        assert rules.fits(told, moving.stored.withdrawn_minor, charge.left_minor), "no more is taken than there is"
        effect = self._ledger.dispute_withdrawn(
            _movement(moving, told.amount_minor, moving.stored.dispute.id), fee_minor=told.fee_minor
        )
        moving.change_charge(dataclasses.replace(charge, disputed_minor=charge.disputed_minor + told.amount_minor))
        after = dataclasses.replace(moving.stored, withdrawn_minor=told.amount_minor, fee_minor=told.fee_minor)
        moving.step("charge.dispute.funds_withdrawn", _with_transaction(moving, after, effect))

    def _reinstate(self, moving: _Moving) -> None:
        stored, charge = moving.stored, moving.charge
        effect = self._ledger.dispute_reinstated(
            _movement(moving, stored.withdrawn_minor, stored.dispute.id), fee_minor=stored.fee_minor
        )
        assert charge.disputed_minor >= stored.withdrawn_minor, "what comes back had been taken"
        freed = charge.disputed_minor - stored.withdrawn_minor
        moving.change_charge(dataclasses.replace(charge, disputed_minor=freed))
        after = dataclasses.replace(stored, withdrawn_minor=0)
        moving.step("charge.dispute.funds_reinstated", _with_transaction(moving, after, effect))

    def _written(self, moving: _Moving, before: StoredDispute, charge: StoredCharge) -> tuple[Dispute, Unit]:
        """One change of each row, whatever the number of steps."""
        unit, after = moving.unit, moving.stored
        if before.version == 0 or after != before:
            document = encode(after.dispute)
            unit.changes.append(repository.storing(moving.org_id, moving.livemode, before, after, document))
        if moving.charge != charge:
            unit.changes += charge_repository.update(moving.org_id, moving.livemode, charge, moving.charge)
        return after.dispute, unit


def _movement(moving: _Moving, amount_minor: int, dispute_id: str) -> Movement:
    charge = moving.charge
    return Movement(
        org_id=moving.org_id,
        livemode=moving.livemode,
        operation_id=None,  # no operation of ours: the bank did it by itself
        source_id=dispute_id,
        amount_minor=amount_minor,
        currency=moving.told.currency,
        connector=charge.connector,
        description=charge.charge.description,
        wallet=charge.wallet,
    )


def _with_transaction(moving: _Moving, stored: StoredDispute, effect: LedgerEffect) -> StoredDispute:
    moving.unit.changes += effect.changes
    transaction = effect.balance_transaction
    assert transaction is not None, "money that moves has its transaction"
    transactions = [*stored.dispute.balance_transactions, transaction]
    dispute = msgspec.structs.replace(stored.dispute, balance_transactions=transactions)
    return dataclasses.replace(stored, dispute=dispute)
