"""Streams to message brokers, and how they are doing."""

from typing import Any

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, PrimaryKeyConstraint, SmallInteger

from bursar.store.columns import document_text, key_text

revision = "0009"
down_revision = "0008"

TABLE_OPTIONS: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}


def _key() -> list[Column[Any]]:
    return [
        Column("org_id", key_text(40), nullable=False),
        Column("livemode", SmallInteger, nullable=False),
        Column("id", key_text(40), nullable=False),
    ]


def upgrade() -> None:
    op.create_table(
        "streams",
        *_key(),
        Column("version", Integer, nullable=False),
        Column("is_paused", SmallInteger, nullable=False),
        Column("credentials_sealed", document_text(), nullable=True),
        Column("document", document_text(), nullable=False),
        PrimaryKeyConstraint("org_id", "livemode", "id", name="pk_streams"),
        **TABLE_OPTIONS,
    )
    op.create_table(
        "stream_states",
        *_key(),
        Column("state", key_text(12), nullable=False),
        Column("reason", key_text(40), nullable=True),
        Column("detail", document_text(), nullable=True),
        Column("since", BigInteger, nullable=False),
        Column("retry_at", BigInteger, nullable=True),
        Column("published", BigInteger, nullable=False),
        Column("referenced", BigInteger, nullable=False),
        Column("last_event_id", key_text(40), nullable=True),
        Column("last_published_at", BigInteger, nullable=True),
        PrimaryKeyConstraint("org_id", "livemode", "id", name="pk_stream_states"),
        **TABLE_OPTIONS,
    )
