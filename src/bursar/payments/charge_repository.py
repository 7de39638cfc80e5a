"""Charges' SQL."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import BigInteger, Connection, Row, bindparam, select

from bursar.http.documents import metadata_terms
from bursar.http.endpoint import encode
from bursar.ledger.accounts import MAIN_WALLET
from bursar.payments.charge_schemas import Charge, decode_charge
from bursar.payments.tables import charges
from bursar.store import search_index
from bursar.store.unit import Change

PREFIX = "ch"
KIND = "charge"

INSERT = charges.insert()
_SAME = (
    charges.c.org_id == bindparam("o"),
    charges.c.livemode == bindparam("m"),
    charges.c.id == bindparam("i"),
)
UPDATE = (
    charges.update()
    .where(*_SAME, charges.c.version == bindparam("expected_version"))
    .values(
        version=bindparam("new_version"),
        status=bindparam("new_status"),
        customer=bindparam("new_customer"),
        amount_minor=bindparam("new_amount"),
        captured_minor=bindparam("new_captured"),
        refunded_minor=bindparam("new_refunded"),
        disputed_minor=bindparam("new_disputed"),
        increments=bindparam("new_increments"),
        document=bindparam("new_document"),
    )
)
# Asks for what is left and not for the version, so that refunds of one charge do not hinder each other: as many of
# them find their row as there is money for.
_RESERVED = bindparam("reserved", type_=BigInteger)
RESERVE_REFUND = (
    charges.update()
    .where(
        *_SAME,
        charges.c.disputed_minor == 0,
        charges.c.captured_minor - charges.c.refunded_minor >= _RESERVED,
    )
    .values(
        refunded_minor=charges.c.refunded_minor + _RESERVED,
        version=charges.c.version + 1,
    )
)
_FIND = select(charges).where(*_SAME)
_FIND_OF_ATTEMPT = select(charges).where(
    charges.c.org_id == bindparam("o"),
    charges.c.livemode == bindparam("m"),
    charges.c.payment_intent == bindparam("i"),
    charges.c.attempt_id == bindparam("a"),
)
_FIND_OF_BANK = (
    select(charges)
    .where(
        charges.c.org_id == bindparam("o"),
        charges.c.livemode == bindparam("m"),
        charges.c.payment_intent == bindparam("i"),
        charges.c.bank_reference == bindparam("r"),
        charges.c.status == "succeeded",
    )
    .order_by(charges.c.id.desc())
)


@dataclass(frozen=True, slots=True)
class StoredCharge:
    """A charge with what the wire does not show. `refunded_minor` holds refunds that are under way, too."""

    charge: Charge
    version: int
    connector: str
    bank_reference: str | None
    attempt_id: str
    refunded_minor: int = 0
    disputed_minor: int = 0
    increments: int = 0
    own_wallet: str | None = None  # none: the main wallet's

    @property
    def wallet(self) -> str:
        return self.own_wallet or MAIN_WALLET

    @property
    def left_minor(self) -> int:
        """What was captured, and is neither given back nor taken back."""
        return self.charge.amount_captured - self.refunded_minor - self.disputed_minor


def insertion(org_id: str, livemode: int, stored: StoredCharge, document: bytes) -> list[Change]:
    charge = stored.charge
    row = {
        "org_id": org_id,
        "livemode": livemode,
        "id": charge.id,
        "version": stored.version,
        "payment_intent": charge.payment_intent,
        "customer": charge.customer,
        "status": charge.status,
        "amount_minor": charge.amount,
        "captured_minor": charge.amount_captured,
        "refunded_minor": stored.refunded_minor,
        "disputed_minor": stored.disputed_minor,
        "currency": charge.currency,
        "connector": stored.connector,
        "bank_reference": stored.bank_reference,
        "attempt_id": stored.attempt_id,
        "increments": stored.increments,
        "wallet": stored.own_wallet,
        "document": document.decode(),
    }
    return [Change(INSERT, row), *_index(org_id, livemode, None, charge)]


def update(
    org_id: str, livemode: int, before: StoredCharge, after: StoredCharge, document: bytes | None = None
) -> list[Change]:
    """Moves the charge on from the version that was read; whoever else changed it meanwhile wins."""
    charge = after.charge
    row = {
        "o": org_id,
        "m": livemode,
        "i": charge.id,
        "expected_version": before.version,
        "new_version": before.version + 1,
        "new_status": charge.status,
        "new_customer": charge.customer,
        "new_amount": charge.amount,
        "new_captured": charge.amount_captured,
        "new_refunded": after.refunded_minor,
        "new_disputed": after.disputed_minor,
        "new_increments": after.increments,
        "new_document": (document or encode(charge)).decode(),
    }
    changes = [Change(UPDATE, row, rows_expected=1)]
    if before.charge.metadata != charge.metadata:
        changes += _index(org_id, livemode, before.charge, charge)
    return changes


def refund_reservation(org_id: str, livemode: int, charge_id: str, amount: int) -> Change:
    """Keeps a part of the charge for a refund, before anybody is asked to make it."""
    return Change(RESERVE_REFUND, {"o": org_id, "m": livemode, "i": charge_id, "reserved": amount}, rows_expected=1)


def find(connection: Connection, org_id: str, livemode: int, charge_id: str) -> StoredCharge | None:
    row = connection.execute(_FIND, {"o": org_id, "m": livemode, "i": charge_id}).first()
    return _stored(row) if row else None


def find_of_attempt(
    connection: Connection, org_id: str, livemode: int, intent_id: str, attempt_id: str
) -> StoredCharge | None:
    """The charge that an authorisation made."""
    row = connection.execute(_FIND_OF_ATTEMPT, {"o": org_id, "m": livemode, "i": intent_id, "a": attempt_id}).first()
    return _stored(row) if row else None


def find_of_bank(
    connection: Connection, org_id: str, livemode: int, intent_id: str, bank_reference: str
) -> StoredCharge | None:
    """The charge of an authorisation that the bank names."""
    row = connection.execute(_FIND_OF_BANK, {"o": org_id, "m": livemode, "i": intent_id, "r": bank_reference}).first()
    return _stored(row) if row else None


def _stored(row: Row[tuple[object, ...]]) -> StoredCharge:
    return StoredCharge(
        charge=decode_charge(row.document),
        version=row.version,
        connector=row.connector,
        bank_reference=row.bank_reference,
        attempt_id=row.attempt_id,
        refunded_minor=row.refunded_minor,
        disputed_minor=row.disputed_minor,
        increments=row.increments,
        own_wallet=row.wallet,
    )


def _index(org_id: str, livemode: int, before: Charge | None, after: Charge) -> list[Change]:
    old = metadata_terms(KIND, before.metadata) if before is not None else []
    return search_index.index_changes(org_id, livemode, after.id, old, metadata_terms(KIND, after.metadata))
