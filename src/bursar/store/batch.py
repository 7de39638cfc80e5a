"""Sends one statement with many rows, as cheaply as each database allows.

SQLAlchemy compiles a statement once; its work for every row after that is skipped, as no type of ours
needs any. SQLite gets its rows as few long INSERTs: its driver lets go of the interpreter once for each
statement that it runs, and taking it back from a busy event loop is what would cost most. PostgreSQL gets its rows
as one JSON value: a single message and a single execution, where its driver's executemany makes one for
each row (measured: a third of the processor time on our side).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from operator import itemgetter
from typing import Any, Protocol, cast

import msgspec
from sqlalchemy import BigInteger, Connection, Integer, SmallInteger, Table
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.dml import Insert, Update, UpdateBase
from sqlalchemy.types import TypeEngine

from bursar.store.errors import RowsExpected
from bursar.store.unit import Change, Row

# Rows of one INSERT; powers of two, so that few texts serve every number of rows.
CHUNKS = (64, 32, 16, 8, 4, 2, 1)
COLLATED = {"text": 'text COLLATE "C"'}
PREPARED_BACKENDS = frozenset({"sqlite", "postgresql", "mysql", "mariadb"})


class Statement(Protocol):
    """A statement compiled for one database."""

    def run(self, connection: Connection, changes: Sequence[Change]) -> int:
        """Returns how many rows the database says it changed, -1 if it does not say."""


class RowByRow:
    """Handed to the driver's executemany."""

    def __init__(self, statement: UpdateBase, dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect)
        self._text = str(compiled)
        names: Sequence[str] | None = getattr(compiled, "positiontup", None)
        self._values = _tuple_of(names) if names is not None else None
        self._own = _own_values(compiled)

    def run(self, connection: Connection, changes: Sequence[Change]) -> int:
        given = [self._own | change.row for change in changes] if self._own else [change.row for change in changes]
        rows = [self._values(row) for row in given] if self._values else given
        return connection.exec_driver_sql(self._text, rows).rowcount


class LongInsert:
    """INSERT … VALUES (…), (…), …"""

    def __init__(self, statement: Insert, dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect)
        self._values = _tuple_of(getattr(compiled, "positiontup", ()))
        head, _, self._row = str(compiled).partition(" VALUES ")
        # Whoever fails rolls everything back. Without OR FAIL, SQLite would keep every page that the statement
        # changes a second time, in a file of its own, to be able to undo this statement alone.
        self._head = head.replace("INSERT INTO", "INSERT OR FAIL INTO", 1)
        self._texts: dict[int, str] = {}

    def run(self, connection: Connection, changes: Sequence[Change]) -> int:
        rows = [self._values(change.row) for change in changes]
        start = 0
        for size in CHUNKS:
            while len(rows) - start >= size:
                values = tuple(value for row in rows[start : start + size] for value in row)
                connection.exec_driver_sql(self._text(size), values)
                start += size
        return len(rows)

    def _text(self, size: int) -> str:
        text = self._texts.get(size)
        if text is None:
            text = self._texts[size] = f"{self._head} VALUES {', '.join([self._row] * size)}"
        return text


class LongUpdate:
    """UPDATE … FROM (VALUES (…), (…), …) …: many rows, each found by its own values, in one statement.

    Two changes of one row in a batch count as one here, so the sum falls short and they are tried one by one.
    """

    def __init__(self, statement: UpdateBase, dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect)
        names: Sequence[str] = getattr(compiled, "positiontup", ())
        self._own = _own_values(compiled)
        self._values = _tuple_of(names)
        numbers = iter(range(1, len(names) + 1))
        text = re.sub(r"\?", lambda _: f"given.column{next(numbers)}", str(compiled))
        self._head, _, self._condition = text.partition(" WHERE ")
        self._row = f"({', '.join('?' * len(names))})"
        self._texts: dict[int, str] = {}

    def run(self, connection: Connection, changes: Sequence[Change]) -> int:
        own = self._own
        rows = [self._values(own | change.row if own else change.row) for change in changes]
        found = start = 0
        for size in CHUNKS:
            while len(rows) - start >= size:
                values = tuple(value for row in rows[start : start + size] for value in row)
                found += connection.exec_driver_sql(self._text(size), values).rowcount
                start += size
        return found

    def _text(self, size: int) -> str:
        text = self._texts.get(size)
        if text is None:
            rows = ", ".join([self._row] * size)
            text = self._texts[size] = f"{self._head} FROM (VALUES {rows}) AS given WHERE {self._condition}"
        return text


class JsonUpdate:
    """UPDATE … FROM json_to_recordset(…) …"""

    def __init__(self, statement: UpdateBase, dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect)
        self._own = _own_values(compiled)
        quote = dialect.identifier_preparer.quote
        text = re.sub(r"%\((\w+)\)s(?:::\w+)?", lambda match: f"given.{quote(match[1])}", str(compiled))
        head, _, condition = text.partition(" WHERE ")
        # The collation that the columns have: without one the two sides of a comparison would disagree.
        types = {name: _kind(bind.type) for bind, name in compiled.bind_names.items()}  # a name may stand there twice
        kinds = ", ".join(f"{quote(name)} {COLLATED.get(kind, kind)}" for name, kind in types.items())
        self._text = f"{head} FROM json_to_recordset(%s::json) AS given({kinds}) WHERE {condition}"

    def run(self, connection: Connection, changes: Sequence[Change]) -> int:
        own = self._own
        rows = [own | change.row for change in changes] if own else [change.row for change in changes]
        return connection.exec_driver_sql(self._text, (msgspec.json.encode(rows).decode(),)).rowcount


class JsonInsert:
    """INSERT … SELECT … FROM json_to_recordset(…)"""

    def __init__(self, statement: Insert, dialect: Dialect) -> None:
        columns = statement.table.columns
        quote = dialect.identifier_preparer.quote
        names = ", ".join(quote(column.name) for column in columns)
        # A collation is the table's affair; here only the kind of the value counts.
        kinds = ", ".join(f"{quote(column.name)} {_kind(column.type)}" for column in columns)
        table = dialect.identifier_preparer.format_table(cast("Table", statement.table))
        self._text = f"INSERT INTO {table} ({names}) SELECT {names} FROM json_to_recordset(%s::json) AS r({kinds})"  # noqa: S608

    def run(self, connection: Connection, changes: Sequence[Change]) -> int:
        document = msgspec.json.encode([change.row for change in changes]).decode()
        return connection.exec_driver_sql(self._text, (document,)).rowcount


def _own_values(compiled: Any) -> Row:
    """Values that stand in the statement itself, such as the 1 of `version + 1`: the same for every row."""
    return {name: bind.value for bind, name in compiled.bind_names.items() if not bind.required}


def _kind(column_type: TypeEngine[Any]) -> str:
    if isinstance(column_type, SmallInteger):
        return "smallint"
    if isinstance(column_type, BigInteger):
        return "bigint"
    return "integer" if isinstance(column_type, Integer) else "text"


def prepare(statement: UpdateBase, dialect: Dialect) -> Statement:
    if isinstance(statement, Insert) and dialect.name == "sqlite":
        return LongInsert(statement, dialect)
    if isinstance(statement, Insert) and dialect.name == "postgresql":
        return JsonInsert(statement, dialect)
    if isinstance(statement, Update) and dialect.name == "sqlite":
        return LongUpdate(statement, dialect)
    if isinstance(statement, Update) and dialect.name == "postgresql":
        return JsonUpdate(statement, dialect)
    return RowByRow(statement, dialect)


class Batches:
    """Runs changes on the connections of one writer."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._prepares = dialect.name in PREPARED_BACKENDS
        self._counts_sums = self._prepares and bool(dialect.supports_sane_multi_rowcount)
        self._prepared: dict[UpdateBase, Statement] = {}

    def execute(self, connection: Connection, statement: UpdateBase, changes: Sequence[Change]) -> None:
        """Sends the statement with all its rows, and holds the row count against what was expected."""
        expectations = [change.rows_expected for change in changes]
        expects_nothing = expectations.count(None) == len(expectations)
        # Only where each key must hit its one row does the sum of the counts prove each of them.
        sum_proves = self._counts_sums and expectations.count(1) == len(expectations)
        if not (expects_nothing or sum_proves):
            self._one_by_one(connection, statement, changes)
        elif not self._prepares:
            connection.execute(statement, [change.row for change in changes])
        else:
            found = self._prepare(statement).run(connection, changes)
            if sum_proves:
                _expect(found, len(changes))

    def _prepare(self, statement: UpdateBase) -> Statement:
        prepared = self._prepared.get(statement)
        if prepared is None:
            prepared = self._prepared[statement] = prepare(statement, self._dialect)
        return prepared

    def _one_by_one(self, connection: Connection, statement: UpdateBase, changes: Sequence[Change]) -> None:
        for change in changes:
            found = connection.execute(statement, change.row).rowcount
            if change.rows_expected is not None:
                _expect(found, change.rows_expected)


def _tuple_of(names: Sequence[str]) -> Any:
    """A function from a row to the values that the statement's placeholders stand for."""
    if len(names) == 1:
        name = names[0]
        return lambda row: (row[name],)
    return itemgetter(*names)


def _expect(found: int, expected: int) -> None:
    if found != expected:
        raise RowsExpected(f"{expected} rows should have changed, {found} did")
