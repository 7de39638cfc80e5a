"""Messages to people, and how they want them."""

from typing import Any

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, PrimaryKeyConstraint, SmallInteger

from bursar.store.columns import document_text, key_text, people_text

revision = "0007"
down_revision = "0006"

TABLE_OPTIONS: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}


def _org_id() -> Column[str]:
    return Column("org_id", key_text(40), nullable=False)


def _livemode() -> Column[int]:
    return Column("livemode", SmallInteger, nullable=False)


def _id(name: str = "id") -> Column[str]:
    return Column(name, key_text(40), nullable=False)


def upgrade() -> None:
    _notifications()


def _notifications() -> None:
    op.create_table(
        "notification_messages",
        _org_id(),
        _livemode(),
        _id(),
        Column("event_id", key_text(40), nullable=False),
        Column("channel", key_text(10), nullable=False),
        Column("template", key_text(40), nullable=False),
        Column("language", key_text(10), nullable=False),
        Column("recipient", people_text(254), nullable=False),
        Column("user_id", key_text(40)),
        Column("data", document_text(), nullable=False),
        Column("sealed", document_text()),
        Column("state", key_text(24), nullable=False),
        Column("tries", Integer, nullable=False),
        Column("next_at", BigInteger, nullable=False),
        Column("problem", people_text(300)),
        Column("created", BigInteger, nullable=False),
        Column("expires", BigInteger, nullable=False),
        Column("finished", BigInteger),
        PrimaryKeyConstraint("org_id", "livemode", "id", name="pk_notification_messages"),
        **TABLE_OPTIONS,
    )
    op.create_index("ix_notification_messages_due", "notification_messages", ["state", "next_at"])
    op.create_table(
        "notification_brandings",
        _org_id(),
        Column("document", document_text(), nullable=False),
        Column("version", BigInteger, nullable=False),
        PrimaryKeyConstraint("org_id", name="pk_notification_brandings"),
        **TABLE_OPTIONS,
    )
    op.create_table(
        "notification_preferences",
        _org_id(),
        _id("user_id"),
        Column("document", document_text(), nullable=False),
        Column("version", BigInteger, nullable=False),
        PrimaryKeyConstraint("org_id", "user_id", name="pk_notification_preferences"),
        **TABLE_OPTIONS,
    )
    op.create_table(
        "notification_targets",
        _org_id(),
        _id(),
        Column("document", document_text(), nullable=False),
        Column("sealed", document_text(), nullable=False),
        PrimaryKeyConstraint("org_id", "id", name="pk_notification_targets"),
        **TABLE_OPTIONS,
    )
