from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, SmallInteger, Table, UniqueConstraint

from bursar.store.columns import (
    document_text,
    id_column,
    key_text,
    livemode_column,
    metadata,
    org_id_column,
    people_text,
    timestamp_column,
)
from bursar.wallets.codes import SHOWN_LENGTH
from bursar.wallets.schemas import NAME_LENGTH_MAX

PIN_HASH_LENGTH_MAX = 200

wallets = Table(
    "wallets",
    metadata,
    org_id_column(),
    livemode_column(),
    id_column(),
    Column("code", key_text(SHOWN_LENGTH), nullable=False),
    Column("name", people_text(NAME_LENGTH_MAX), nullable=False),
    # Empty where it takes every currency.
    Column("currency", key_text(3), nullable=True),
    # What the ledger calls it. The primary one is `main`, so there can be only one.
    Column("ledger_name", key_text(40), nullable=False),
    Column("closed", SmallInteger, nullable=False),
    # Moved by everything that people do with it, debits above all.
    Column("version", Integer, nullable=False),
    UniqueConstraint("org_id", "livemode", "ledger_name", name="uq_wallets_ledger_name"),
)

# Whose a code is. Belongs to the installation: who pays knows the code, and not the organisation.
wallet_codes = Table(
    "wallet_codes",
    metadata,
    org_id_column(),
    Column("code", key_text(SHOWN_LENGTH), primary_key=True),
    Column("wallet_org_id", key_text(40), nullable=False),
    Column("wallet_livemode", SmallInteger, nullable=False),
    Column("wallet_id", key_text(40), nullable=False),
)

# Apart from the wallets, so that tries do not stand in the way of debits.
wallet_pins = Table(
    "wallet_pins",
    metadata,
    org_id_column(),
    livemode_column(),
    id_column("wallet_id"),
    Column("pin_hash", key_text(PIN_HASH_LENGTH_MAX), nullable=False),
    # Since the last right one, those that are being looked at included.
    Column("tries", Integer, nullable=False),
    Column("pauses", Integer, nullable=False),
    timestamp_column("paused_until"),
    Column("version", Integer, nullable=False),
)

wallet_transfers = Table(
    "wallet_transfers",
    metadata,
    org_id_column(),
    livemode_column(),
    id_column(),
    Column("from_wallet_id", key_text(40), nullable=False),
    Column("to_wallet_id", key_text(40), nullable=False),
    Column("currency", key_text(3), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("document", document_text(), nullable=False),
)

# A payment from one wallet to another has a row of the same id on each side, which may be another organisation's.
wallet_payments = Table(
    "wallet_payments",
    metadata,
    org_id_column(),
    livemode_column(),
    id_column(),
    Column("side", key_text(5), primary_key=True),
    Column("wallet_id", key_text(40), nullable=False),
    # What the movement belongs to on this side.
    Column("source_id", key_text(40), nullable=False),
    Column("other_org_id", key_text(40), nullable=False),
    Column("other_wallet_id", key_text(40), nullable=False),
    Column("currency", key_text(3), nullable=False),
    # All that was paid, the service fee included.
    Column("total_minor", BigInteger, nullable=False),
    Column("service_fee_minor", BigInteger, nullable=False),
    Column("refunded_minor", BigInteger, nullable=False),
)
