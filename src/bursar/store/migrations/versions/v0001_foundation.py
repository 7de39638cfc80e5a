"""The log, its chains and lanes; idempotency keys; organisations and API keys; customers; search terms."""

from typing import Any

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, PrimaryKeyConstraint, SmallInteger

from bursar.store.columns import document_text, key_text, people_text

revision = "0001"
down_revision = None

TABLE_OPTIONS: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}


def _org_id() -> Column[str]:
    return Column("org_id", key_text(40), nullable=False)


def _livemode() -> Column[int]:
    return Column("livemode", SmallInteger, nullable=False)


def _id(name: str = "id") -> Column[str]:
    return Column(name, key_text(40), nullable=False)


def upgrade() -> None:
    _log()
    _idempotency()
    _accounts()
    _customers()


def _log() -> None:
    op.create_table(
        "events",
        _org_id(),
        _livemode(),
        _id(),
        Column("lane", Integer, nullable=False),
        Column("sequence_number", BigInteger, nullable=False),
        Column("event_type", key_text(80), nullable=False),
        Column("created", BigInteger, nullable=False),
        Column("object_id", key_text(40)),
        Column("actor", key_text(60), nullable=False),
        Column("address", key_text(64)),
        Column("request_id", key_text(40)),
        Column("idempotency_key", key_text(255)),
        Column("api_version", key_text(40), nullable=False),
        Column("data", document_text(), nullable=False),
        Column("row_hash", key_text(64), nullable=False),
        PrimaryKeyConstraint("org_id", "livemode", "id", name="pk_events"),
        **TABLE_OPTIONS,
    )
    op.create_index("ix_events_type", "events", ["org_id", "livemode", "event_type", "id"])
    op.create_table(
        "event_heads",
        _org_id(),
        _livemode(),
        Column("lane", Integer, nullable=False, autoincrement=False),
        Column("sequence_number", BigInteger, nullable=False),
        Column("event_id", key_text(40), nullable=False),
        Column("row_hash", key_text(64), nullable=False),
        PrimaryKeyConstraint("org_id", "livemode", "lane", name="pk_event_heads"),
        **TABLE_OPTIONS,
    )
    op.create_table(
        "writer_lanes",
        _org_id(),
        Column("lane", Integer, nullable=False, autoincrement=False),
        Column("holder", people_text(80), nullable=False),
        Column("leased_until", BigInteger, nullable=False),
        PrimaryKeyConstraint("org_id", "lane", name="pk_writer_lanes"),
        **TABLE_OPTIONS,
    )


def _idempotency() -> None:
    op.create_table(
        "idempotency_keys",
        _org_id(),
        _livemode(),
        Column("idempotency_key", key_text(255), nullable=False),
        Column("created", BigInteger, nullable=False),
        Column("fingerprint", key_text(64), nullable=False),
        Column("request_id", key_text(40), nullable=False),
        Column("status", Integer, nullable=False),
        Column("body", document_text(), nullable=False),
        PrimaryKeyConstraint("org_id", "livemode", "idempotency_key", name="pk_idempotency_keys"),
        **TABLE_OPTIONS,
    )
    op.create_index("ix_idempotency_keys_created", "idempotency_keys", ["org_id", "created"])


def _accounts() -> None:
    op.create_table(
        "organisations",
        _org_id(),
        Column("name", people_text(200), nullable=False),
        Column("created", BigInteger, nullable=False),
        PrimaryKeyConstraint("org_id", name="pk_organisations"),
        **TABLE_OPTIONS,
    )
    op.create_table(
        "api_keys",
        _org_id(),
        _id(),
        _livemode(),
        Column("kind", key_text(20), nullable=False),
        Column("name", people_text(200), nullable=False),
        Column("key_hash", key_text(64), nullable=False),
        Column("hint", key_text(24), nullable=False),
        Column("permissions", document_text(), nullable=False),
        Column("created", BigInteger, nullable=False),
        Column("expires", BigInteger),
        Column("revoked", BigInteger),
        PrimaryKeyConstraint("org_id", "id", name="pk_api_keys"),
        **TABLE_OPTIONS,
    )
    op.create_index("ix_api_keys_hash", "api_keys", ["key_hash"])


def _customers() -> None:
    op.create_table(
        "customers",
        _org_id(),
        _livemode(),
        _id(),
        Column("version", Integer, nullable=False),
        Column("email", people_text(512)),
        Column("email_folded", people_text(256)),
        Column("name_folded", people_text(256)),
        Column("phone_folded", people_text(256)),
        Column("document", document_text(), nullable=False),
        PrimaryKeyConstraint("org_id", "livemode", "id", name="pk_customers"),
        **TABLE_OPTIONS,
    )
    op.create_table(
        "deleted_customers",
        _org_id(),
        _livemode(),
        _id(),
        PrimaryKeyConstraint("org_id", "livemode", "id", name="pk_deleted_customers"),
        **TABLE_OPTIONS,
    )
    op.create_table(
        "search_terms",
        _org_id(),
        _livemode(),
        Column("time_slice", Integer, nullable=False, autoincrement=False),
        Column("term", key_text(32), nullable=False),
        _id("object_id"),
        PrimaryKeyConstraint("org_id", "livemode", "time_slice", "term", "object_id", name="pk_search_terms"),
        sqlite_with_rowid=False,
        **TABLE_OPTIONS,
    )
