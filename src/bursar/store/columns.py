"""Column types that mean the same on every database.

Money is whole minor units, time is microseconds UTC, documents are JSON text. Keys are ASCII with a
binary collation, so that equality and order are those of the bytes everywhere.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, MetaData, SmallInteger, String, Table, Text, Unicode, event

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

# Not left to a server's settings: what compares in another way elsewhere would be another key.
MYSQL_TABLE_OPTIONS: dict[str, Any] = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
}


@event.listens_for(Table, "after_parent_attach")
def _set_table_options(table: Table, parent: MetaData) -> None:
    if parent is metadata:
        table.dialect_kwargs.update(MYSQL_TABLE_OPTIONS)


ORG_ID_LENGTH = 40
# Rows that belong to the installation and to no merchant carry this organisation.
INSTALLATION = "installation"

DOCUMENT_BYTES_MAX = 2**24 - 1  # MEDIUMTEXT; far above what the request limits let in


def key_text(length: int) -> String:
    """ASCII text for ids, codes and hashes. The collation names the character set where there are several."""
    return (
        String(length)
        .with_variant(String(length, collation="C"), "postgresql")
        .with_variant(String(length, collation="ascii_bin"), "mysql", "mariadb")
        .with_variant(String(length, collation="Latin1_General_100_BIN2"), "mssql")
    )


def people_text(length: int) -> String:
    """Text as people write it, compared byte by byte."""
    return (
        String(length)
        .with_variant(String(length, collation="C"), "postgresql")
        .with_variant(String(length, collation="utf8mb4_bin"), "mysql", "mariadb")
        .with_variant(Unicode(length, collation="Latin1_General_100_BIN2"), "mssql")
        .with_variant(Unicode(length), "oracle")
    )


def document_text() -> Text:
    return (
        Text()
        .with_variant(Text(DOCUMENT_BYTES_MAX, collation="utf8mb4_bin"), "mysql", "mariadb")
        .with_variant(Unicode(), "mssql")  # without a length: NVARCHAR(max)
    )


def org_id_column() -> Column[Any]:
    return Column("org_id", key_text(ORG_ID_LENGTH), primary_key=True)


def livemode_column() -> Column[Any]:
    """0 test, 1 live. Part of every key, so that the two never meet."""
    return Column("livemode", SmallInteger, primary_key=True, autoincrement=False)


def id_column(name: str = "id") -> Column[Any]:
    return Column(name, key_text(40), primary_key=True)


def timestamp_column(name: str, *, nullable: bool = False) -> Column[Any]:
    return Column(name, BigInteger, nullable=nullable)
