"""Codes by e-mail and text message as second factors, and those that were sent."""

from typing import Any

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, PrimaryKeyConstraint

from bursar.store.columns import key_text, people_text

revision = "0011"
down_revision = "0010"

TABLE_OPTIONS: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}


def upgrade() -> None:
    op.create_table(
        "code_factors",
        Column("org_id", key_text(40), nullable=False),
        Column("user_id", key_text(40), nullable=False),
        Column("channel", key_text(8), nullable=False),
        Column("recipient", people_text(254), nullable=False),
        Column("created", BigInteger, nullable=False),
        PrimaryKeyConstraint("org_id", "user_id", "channel", name="pk_code_factors"),
        **TABLE_OPTIONS,
    )
    op.create_table(
        "sent_codes",
        Column("org_id", key_text(40), nullable=False),
        Column("user_id", key_text(40), nullable=False),
        Column("purpose", key_text(16), nullable=False),
        Column("channel", key_text(8), nullable=False),
        Column("recipient", people_text(254), nullable=False),
        Column("code_hash", key_text(64), nullable=False),
        Column("tries", Integer, nullable=False),
        Column("created", BigInteger, nullable=False),
        Column("expires", BigInteger, nullable=False),
        PrimaryKeyConstraint("org_id", "user_id", "purpose", name="pk_sent_codes"),
        **TABLE_OPTIONS,
    )
    op.create_index("ix_sent_codes_expires", "sent_codes", ["org_id", "expires"])
