"""Which processes run, and what each of them works at."""

from typing import Any

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, PrimaryKeyConstraint

from bursar.store.columns import key_text, people_text

revision = "0008"
down_revision = "0007"

TABLE_OPTIONS: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}


def upgrade() -> None:
    op.create_table(
        "running_processes",
        Column("org_id", key_text(40), nullable=False),
        Column("id", key_text(40), nullable=False),
        Column("command", key_text(20), nullable=False),
        Column("host", people_text(60), nullable=False),
        Column("process_number", Integer, nullable=False),
        Column("program_version", key_text(40), nullable=False),
        Column("roles", key_text(400), nullable=False),
        Column("started", BigInteger, nullable=False),
        Column("seen", BigInteger, nullable=False),
        PrimaryKeyConstraint("org_id", "id", name="pk_running_processes"),
        **TABLE_OPTIONS,
    )
