"""Webhooks: endpoints, deliveries and their attempts."""

from typing import Any

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, PrimaryKeyConstraint, SmallInteger

from bursar.store.columns import document_text, key_text

revision = "0006"
down_revision = "0005"

TABLE_OPTIONS: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}


def _org_id() -> Column[str]:
    return Column("org_id", key_text(40), nullable=False)


def _livemode() -> Column[int]:
    return Column("livemode", SmallInteger, nullable=False)


def _id(name: str = "id") -> Column[str]:
    return Column(name, key_text(40), nullable=False)


def upgrade() -> None:
    _webhooks()


def _webhooks() -> None:
    op.create_table(
        "webhook_endpoints",
        _org_id(),
        _livemode(),
        _id(),
        Column("version", Integer, nullable=False),
        Column("status", key_text(12), nullable=False),
        Column("is_paused", SmallInteger, nullable=False),
        Column("wakes", Integer, nullable=False),
        Column("failing_since", BigInteger),
        Column("disabled_reason", key_text(40)),
        Column("disabled_at", BigInteger),
        Column("secret_sealed", document_text(), nullable=False),
        Column("previous_secret_sealed", document_text()),
        Column("previous_secret_until", BigInteger),
        Column("begins_behind", document_text(), nullable=False),
        Column("document", document_text(), nullable=False),
        PrimaryKeyConstraint("org_id", "livemode", "id", name="pk_webhook_endpoints"),
        **TABLE_OPTIONS,
    )
    op.create_table(
        "webhook_deliveries",
        _org_id(),
        _livemode(),
        _id("endpoint_id"),
        _id("event_id"),
        Column("status", key_text(12), nullable=False),
        Column("event_type", key_text(80), nullable=False),
        Column("sequence_number", BigInteger),
        Column("pending_webhooks", Integer, nullable=False),
        Column("tries", Integer, nullable=False),
        Column("tries_before", Integer, nullable=False),
        Column("next_at", BigInteger, nullable=False),
        Column("finished_at", BigInteger),
        Column("last_status_code", Integer),
        Column("last_error", key_text(40)),
        PrimaryKeyConstraint("org_id", "livemode", "endpoint_id", "event_id", name="pk_webhook_deliveries"),
        **TABLE_OPTIONS,
    )
    op.create_index(
        "ix_webhook_deliveries_due",
        "webhook_deliveries",
        ["org_id", "livemode", "endpoint_id", "status", "next_at", "event_id"],
    )
    op.create_table(
        "webhook_attempts",
        _org_id(),
        _livemode(),
        _id("endpoint_id"),
        _id("event_id"),
        Column("number", Integer, nullable=False, autoincrement=False),
        Column("started", BigInteger, nullable=False),
        Column("latency_milliseconds", Integer, nullable=False),
        Column("status_code", Integer),
        Column("error", key_text(40)),
        Column("answer", document_text()),
        PrimaryKeyConstraint("org_id", "livemode", "endpoint_id", "event_id", "number", name="pk_webhook_attempts"),
        **TABLE_OPTIONS,
    )
    op.create_table(
        "webhook_counters",
        _org_id(),
        _livemode(),
        Column("sequence_number", BigInteger, nullable=False),
        PrimaryKeyConstraint("org_id", "livemode", name="pk_webhook_counters"),
        **TABLE_OPTIONS,
    )
