from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, Table

from bursar.store.columns import (
    document_text,
    id_column,
    key_text,
    livemode_column,
    metadata,
    org_id_column,
    timestamp_column,
)

payment_intents = Table(
    "payment_intents",
    metadata,
    org_id_column(),
    livemode_column(),
    id_column(),
    Column("version", Integer, nullable=False),
    Column("status", key_text(24), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", key_text(3), nullable=False),
    Column("customer", key_text(40), nullable=True),
    # The operation at the bank that is going on. While there is one, nothing else may change the money.
    Column("attempt_id", key_text(40), nullable=True),
    # What it waits for the customer to do, by the operation that wants it: to authenticate, or to approve at the bank.
    # An authentication that was passed counts until the payment goes on.
    Column("authentication_id", key_text(40), nullable=True),
    Column("document", document_text(), nullable=False),
    # Whose money it is where it is not the main wallet's, what of it goes to the main wallet, and what it is told as.
    Column("wallet", key_text(40), nullable=True),
    Column("service_fee_minor", BigInteger, nullable=True),
    Column("transaction_id", key_text(40), nullable=True),
)
_of_customer = payment_intents.c.customer.is_not(None)
Index(
    "ix_payment_intents_customer",
    payment_intents.c.org_id,
    payment_intents.c.livemode,
    payment_intents.c.customer,
    payment_intents.c.id,
    sqlite_where=_of_customer,
    postgresql_where=_of_customer,
)

charges = Table(
    "charges",
    metadata,
    org_id_column(),
    livemode_column(),
    id_column(),
    Column("version", Integer, nullable=False),
    Column("payment_intent", key_text(40), nullable=False),
    Column("customer", key_text(40), nullable=True),
    Column("status", key_text(12), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("captured_minor", BigInteger, nullable=False),
    # Refunds that are under way count too, so that no two of them can be more than there is.
    Column("refunded_minor", BigInteger, nullable=False),
    Column("disputed_minor", BigInteger, nullable=False),
    Column("currency", key_text(3), nullable=False),
    # Where it was made: what a capture, refund or dispute names to the bank.
    Column("connector", key_text(40), nullable=False),
    Column("bank_reference", key_text(100), nullable=True),
    Column("attempt_id", key_text(40), nullable=False),
    # How often the authorisation was raised.
    Column("increments", Integer, nullable=False),
    Column("document", document_text(), nullable=False),
    # Whose money it is where it is not the main wallet's.
    Column("wallet", key_text(40), nullable=True),
    Index("ix_charges_payment_intent", "org_id", "livemode", "payment_intent", "id"),
)
_charge_of_customer = charges.c.customer.is_not(None)
Index(
    "ix_charges_customer",
    charges.c.org_id,
    charges.c.livemode,
    charges.c.customer,
    charges.c.id,
    sqlite_where=_charge_of_customer,
    postgresql_where=_charge_of_customer,
)

# Authorisations that wait to be captured, by when they must be released.
capture_deadlines = Table(
    "capture_deadlines",
    metadata,
    org_id_column(),
    livemode_column(),
    id_column("payment_intent"),
    timestamp_column("due"),
)
# Begins with the time: the task looks for what is due in all organisations at once.
Index("ix_capture_deadlines_due", capture_deadlines.c.due)
