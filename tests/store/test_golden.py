"""What SQL Server, Oracle and Db2 would be sent: not run live here, but held against texts that people have read.

After a wanted change, BURSAR_GOLDEN=write writes tests/store/golden/*.sql anew; read the difference before
committing it. Db2's dialect comes from ibm_db_sa, which compiles without IBM's driver.
"""

import os
import re
from pathlib import Path

import pytest
from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Enum,
    Index,
    Integer,
    MetaData,
    Numeric,
    SmallInteger,
    String,
    Table,
    Text,
)

from bursar.store.columns import metadata
from tests.store import compiled

FOLDER = Path(__file__).parent / "golden"
DIALECTS = ["mssql", "oracle", pytest.param("db2", marks=pytest.mark.service("ibm_db_sa"))]
IDENTIFIER_LENGTH_MAX = 30  # Oracle before 12.2

TRAPS = {
    "RETURNING": "Db2 and Firebird 3 in part, MySQL have none",
    "OUTPUT": "SQL Server's own word for it",
    "FOR UPDATE": "SQL Server drops it silently, Db2's dialect crashes",
    "SKIP LOCKED": "PostgreSQL, Oracle and MySQL 8 only",
    "ON CONFLICT": "PostgreSQL and SQLite only",
    "ON DUPLICATE": "MySQL only",
    "MERGE": "each database's is another",
    "JSON": "documents are text",
    "IDENTITY": "ids are made by us",
    "SERIAL": "ids are made by us",
    "AUTO_INCREMENT": "ids are made by us",
    "SEQUENCE": "ids are made by us",
    "FLOAT": "money and time are whole numbers",
    "DATETIME": "time is microseconds in one integer",
    "TIMESTAMP": "time is microseconds in one integer",
}

# How many bytes a key may have, and how many a character of it takes: (ASCII, people's).
KEY_LIMITS = {
    "mssql clustered": (900, 1, 2),
    "mssql nonclustered": (1_700, 1, 2),
    "mariadb": (3_072, 1, 4),
    "postgresql": (2_704, 1, 4),
    "firebird with pages of 16 KiB": (16_384 // 4 - 9, 5, 5),
    "oracle with blocks of 8 KiB": (6_398, 4, 4),
    "db2 with pages of 4 KiB": (1_024, 1, 4),
}
NUMBER_BYTES = 22  # the most that any of them takes for a whole number: Oracle's


@pytest.mark.parametrize("name", DIALECTS)
def test_the_sql_is_the_one_that_was_read(name: str) -> None:
    file = FOLDER / f"{name}.sql"
    found = compiled.sql(name)
    if os.environ.get("BURSAR_GOLDEN") == "write":
        FOLDER.mkdir(exist_ok=True)
        file.write_text(found, encoding="utf-8")
    assert found == file.read_text(encoding="utf-8")


def test_every_statement_is_among_them() -> None:
    names = {name.removeprefix("bursar.") for name, _ in compiled.statements()}
    assert {
        "customers.repository.INSERT",
        "customers.repository.UPDATE",
        "customers.repository.DELETE",
        "customers.repository._FIND",
        "events.sealing.INSERT_EVENT",
        "events.sealing.INSERT_HEAD",
        "events.sealing.MOVE_HEAD",
        "events.sealing.INSERT_LANE",
        "http.idempotency.INSERT",
        "http.idempotency._FIND",
        "store.search_index.INSERT_TERM",
        "store.search_index.DELETE_TERM",
    } <= names


@pytest.mark.parametrize("name", DIALECTS)
@pytest.mark.parametrize("trap", TRAPS)
def test_nothing_is_asked_for_that_only_some_databases_know(name: str, trap: str) -> None:
    assert not re.search(rf"\b{trap}\b", _without_comments(name), re.IGNORECASE)


def _without_comments(name: str) -> str:
    return re.sub(r"^--.*$", "", (FOLDER / f"{name}.sql").read_text(encoding="utf-8"), flags=re.MULTILINE)


def test_no_column_is_of_a_kind_that_differs_between_databases() -> None:
    for table in metadata.tables.values():
        for column in table.columns:
            assert isinstance(column.type, String | Text | SmallInteger | Integer | BigInteger), column
            assert not isinstance(column.type, Enum | JSON | Numeric), column


def test_no_name_is_longer_than_oracle_allows() -> None:
    names: set[str] = set()
    for table in metadata.tables.values():
        names |= {table.name, *(column.name for column in table.columns)}
        names |= {str(index.name) for index in table.indexes}
        names |= {str(constraint.name) for constraint in table.constraints if constraint.name}
    assert {name for name in names if len(name) > IDENTIFIER_LENGTH_MAX} == set()


def _keys(tables: MetaData) -> dict[str, tuple[bool, list[Column[object]]]]:
    """Every key that is a tree on the disk, and whether it is the table's own."""
    keys: dict[str, tuple[bool, list[Column[object]]]] = {}
    for table in tables.tables.values():
        keys[f"primary key of {table.name}"] = (True, list(table.primary_key.columns))
        keys |= {str(index.name): (False, list(index.columns)) for index in table.indexes}
    return keys


def _too_long(tables: MetaData, limit_name: str) -> set[str]:
    limit, ascii_bytes, people_bytes = KEY_LIMITS[limit_name]
    found = set()
    for name, (clustered, columns) in _keys(tables).items():
        if ("nonclustered" in limit_name and clustered) or (limit_name == "mssql clustered" and not clustered):
            continue
        if sum(_bytes(column, ascii_bytes, people_bytes) for column in columns) > limit:
            found.add(name)
    return found


def _bytes(column: Column[object], ascii_bytes: int, people_bytes: int) -> int:
    kind = column.type
    if isinstance(kind, String):
        assert kind.length, f"{column} has no length and so cannot be part of a key"
        collation = getattr(kind.dialect_impl(compiled.dialect("mysql")), "collation", "") or ""
        return int(kind.length) * (ascii_bytes if collation.startswith("ascii") else people_bytes) + 4
    return NUMBER_BYTES


@pytest.mark.parametrize("limit_name", KEY_LIMITS)
def test_every_key_fits(limit_name: str) -> None:
    assert _too_long(metadata, limit_name) == set()


@pytest.mark.parametrize("limit_name", KEY_LIMITS)
def test_a_key_that_does_not_fit_would_be_found(limit_name: str) -> None:
    tables = MetaData()
    wide = String(7_000)
    Table("wide", tables, Column("id", wide, primary_key=True), Column("text", wide), Index("ix_wide", "text"))
    assert _too_long(tables, limit_name) <= {"primary key of wide", "ix_wide"}
    assert _too_long(tables, limit_name)
