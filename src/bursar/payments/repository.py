"""Payment intents' SQL."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, select

from bursar.http.documents import metadata_terms
from bursar.ledger.accounts import MAIN_WALLET
from bursar.payments.schemas import PaymentIntent, decode_intent
from bursar.payments.tables import capture_deadlines, payment_intents
from bursar.store import search_index
from bursar.store.unit import Change

PREFIX = "pi"
KIND = "payment_intent"

INSERT = payment_intents.insert()
_SAME = (
    payment_intents.c.org_id == bindparam("o"),
    payment_intents.c.livemode == bindparam("m"),
    payment_intents.c.id == bindparam("i"),
)
_UNCHANGED = (*_SAME, payment_intents.c.version == bindparam("expected_version"))
UPDATE = (
    payment_intents.update()
    .where(*_UNCHANGED)
    .values(
        version=bindparam("new_version"),
        status=bindparam("new_status"),
        amount_minor=bindparam("new_amount"),
        currency=bindparam("new_currency"),
        customer=bindparam("new_customer"),
        attempt_id=bindparam("new_attempt"),
        authentication_id=bindparam("new_authentication"),
        document=bindparam("new_document"),
    )
)
INSERT_DEADLINE = capture_deadlines.insert()
DELETE_DEADLINE = capture_deadlines.delete().where(
    capture_deadlines.c.org_id == bindparam("o"),
    capture_deadlines.c.livemode == bindparam("m"),
    capture_deadlines.c.payment_intent == bindparam("i"),
)
POSTPONE_DEADLINE = (
    capture_deadlines.update()
    .where(
        capture_deadlines.c.org_id == bindparam("o"),
        capture_deadlines.c.livemode == bindparam("m"),
        capture_deadlines.c.payment_intent == bindparam("i"),
    )
    .values(due=bindparam("new_due"))
)
_FIND = select(
    payment_intents.c.version,
    payment_intents.c.attempt_id,
    payment_intents.c.authentication_id,
    payment_intents.c.wallet,
    payment_intents.c.service_fee_minor,
    payment_intents.c.transaction_id,
    payment_intents.c.document,
).where(*_SAME)
_DUE = (
    select(capture_deadlines)
    .where(capture_deadlines.c.due <= bindparam("now"))
    .order_by(capture_deadlines.c.due)
    .limit(bindparam("rows"))
)


@dataclass(frozen=True, slots=True)
class Attribution:
    """Whose money a payment is, what of it goes to the main wallet, and what it is told as. It never changes."""

    wallet: str | None = None  # none: the main wallet's
    service_fee_minor: int | None = None
    transaction_id: str | None = None


TO_MAIN_WALLET = Attribution()


def attributed(wallet: str, service_fee_minor: int, transaction_id: str | None) -> Attribution:
    """What is nobody's in particular is stored as nothing."""
    own = None if wallet == MAIN_WALLET else wallet
    if own is None and not service_fee_minor and transaction_id is None:
        return TO_MAIN_WALLET
    return Attribution(own, service_fee_minor or None, transaction_id)


@dataclass(frozen=True, slots=True)
class StoredIntent:
    """An intent with what the wire does not show."""

    intent: PaymentIntent
    version: int
    attempt_id: str | None = None
    authentication_id: str | None = None
    attribution: Attribution = TO_MAIN_WALLET

    @property
    def wallet(self) -> str:
        return self.attribution.wallet or MAIN_WALLET


def insertion(
    org_id: str,
    livemode: int,
    intent: PaymentIntent,
    document: bytes,
    attempt_id: str | None,
    attribution: Attribution = TO_MAIN_WALLET,
) -> list[Change]:
    row = {
        "org_id": org_id,
        "livemode": livemode,
        "id": intent.id,
        "version": 1,
        "status": intent.status,
        "amount_minor": intent.amount,
        "currency": intent.currency,
        "customer": intent.customer,
        "attempt_id": attempt_id,
        "authentication_id": None,
        "wallet": attribution.wallet,
        "service_fee_minor": attribution.service_fee_minor,
        "transaction_id": attribution.transaction_id,
        "document": document.decode(),
    }
    return [Change(INSERT, row), *_index(org_id, livemode, None, intent)]


def update(
    org_id: str,
    livemode: int,
    stored: StoredIntent,
    after: PaymentIntent,
    document: bytes,
    *,
    attempt_id: str | None = None,
    authentication_id: str | None = None,
) -> list[Change]:
    """Moves the intent on from the version that was read; whoever else changed it meanwhile wins."""
    row = {
        "o": org_id,
        "m": livemode,
        "i": after.id,
        "expected_version": stored.version,
        "new_version": stored.version + 1,
        "new_status": after.status,
        "new_amount": after.amount,
        "new_currency": after.currency,
        "new_customer": after.customer,
        "new_attempt": attempt_id,
        "new_authentication": authentication_id,
        "new_document": document.decode(),
    }
    changes = [Change(UPDATE, row, rows_expected=1)]
    if stored.intent.metadata is not after.metadata:
        changes += _index(org_id, livemode, stored.intent, after)
    return changes


def deadline(org_id: str, livemode: int, intent_id: str, due: int) -> Change:
    return Change(INSERT_DEADLINE, {"org_id": org_id, "livemode": livemode, "payment_intent": intent_id, "due": due})


def later_deadline(org_id: str, livemode: int, intent_id: str, due: int) -> Change:
    return Change(POSTPONE_DEADLINE, {"o": org_id, "m": livemode, "i": intent_id, "new_due": due})


def no_deadline(org_id: str, livemode: int, intent_id: str) -> Change:
    return Change(DELETE_DEADLINE, {"o": org_id, "m": livemode, "i": intent_id})


def find(connection: Connection, org_id: str, livemode: int, intent_id: str) -> StoredIntent | None:
    row = connection.execute(_FIND, {"o": org_id, "m": livemode, "i": intent_id}).first()
    if row is None:
        return None
    return StoredIntent(
        decode_intent(row.document),
        row.version,
        row.attempt_id,
        row.authentication_id,
        attributed(row.wallet or MAIN_WALLET, row.service_fee_minor or 0, row.transaction_id),
    )


def find_overdue(connection: Connection, now: int, rows: int) -> list[tuple[str, int, str]]:
    """(org_id, livemode, id) of authorisations whose time to be captured is over."""
    found = connection.execute(_DUE, {"now": now, "rows": rows})
    return [(row.org_id, row.livemode, row.payment_intent) for row in found]


def _index(org_id: str, livemode: int, before: PaymentIntent | None, after: PaymentIntent) -> list[Change]:
    old = metadata_terms(KIND, before.metadata) if before is not None else []
    return search_index.index_changes(org_id, livemode, after.id, old, metadata_terms(KIND, after.metadata))
