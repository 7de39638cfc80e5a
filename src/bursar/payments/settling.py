"""One attempt at its end, and what is being written for it."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import Connection

from bursar.attempts.schemas import Attempt
from bursar.attempts.service import origin_of
from bursar.connectors.contract import Outcome
from bursar.ledger.schemas import Movement
from bursar.methods import repository as methods
from bursar.methods.schemas import PaymentMethod
from bursar.payments import charge_repository, repository, rules
from bursar.payments.charge_repository import StoredCharge
from bursar.payments.charge_schemas import Charge
from bursar.payments.repository import StoredIntent
from bursar.payments.schemas import PaymentIntent
from bursar.store.errors import RowsExpected
from bursar.store.log import Entry, Origin
from bursar.store.unit import Change

UNASKED = Outcome(kind="unknown")


@dataclass(slots=True)
class Settling:
    """Everything that the second commit must know, and what it will hold."""

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
            wallet=self.stored.wallet,
        )

    def service_fee(self, captured_minor: int) -> int:
        return rules.service_fee_of_capture(self.stored.attribution.service_fee_minor, self.intent, captured_minor)

    def charge_row(self, charge: Charge) -> StoredCharge:
        attempt = self.attempt
        return StoredCharge(
            charge,
            1,
            attempt.order.connector,
            self.outcome.bank_reference,
            attempt.id,
            own_wallet=self.stored.attribution.wallet,
        )


def read_settling(connection: Connection, attempt: Attempt, outcome: Outcome) -> Settling:
    """Of what is stored."""
    place = (attempt.org_id, attempt.livemode)
    stored = repository.find(connection, *place, attempt.subject_id)
    assert stored is not None, "an attempt belongs to an intent that exists"
    if attempt.id not in (stored.attempt_id, stored.authentication_id):
        raise RowsExpected  # it has gone on without this attempt, which whoever did that has given up
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
