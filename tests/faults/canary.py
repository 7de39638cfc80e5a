"""Card numbers and security codes are looked for in everything that the processes left behind."""

import re
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import NullPool, create_engine, make_url, select, text

from bursar import runtime  # noqa: F401 - its imports make the tables known
from bursar.store.columns import metadata
from tests.faults.pair import Pair
from tests.faults.payment_load import CARDS, SECURITY_CODE

# Three digits are everywhere; a code that was written as one stands behind its name.
_CODE = re.compile(rb"(?:cvc|security_code)(?:%5D|[^0-9A-Za-z]){1,8}" + SECURITY_CODE.encode() + rb"(?![0-9])", re.I)
_NUMBER = re.compile(b"|".join(number.encode() for number in CARDS))


def found(pair: Pair) -> list[str]:
    places = dict(_files(pair.folder))
    if make_url(pair.database_url).get_backend_name() != "sqlite":
        places |= dict(_rows(pair.database_url))
        places |= dict(_files_of_server(pair.database_url))
    assert places, "there is nothing to look at"
    return [
        f"{what} stands in {place}"
        for place, content in places.items()
        for what, pattern in (("a card number", _NUMBER), ("a security code", _CODE))
        if pattern.search(content)
    ]


def _files(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in folder.rglob("*"):
        if path.is_file():
            yield str(path), path.read_bytes()


def _rows(database_url: str) -> Iterator[tuple[str, bytes]]:
    engine = create_engine(database_url, poolclass=NullPool)
    with engine.connect() as connection:
        for table in metadata.sorted_tables:
            rows = connection.execute(select(table))
            yield f"table {table.name}", "\n".join(str(tuple(row)) for row in rows).encode()


def _files_of_server(database_url: str) -> Iterator[tuple[str, bytes]]:
    """The database's files and the write-ahead log, where the server is ours to look into."""
    engine = create_engine(database_url, poolclass=NullPool)
    with engine.connect() as connection:
        if engine.dialect.name != "postgresql":
            return
        folder = Path(connection.execute(text("SHOW data_directory")).scalar_one())
        number = connection.execute(text("SELECT oid FROM pg_database WHERE datname = current_database()")).scalar_one()
        connection.execute(text("CHECKPOINT"))
    for part in (folder / "base" / str(number), folder / "pg_wal"):
        try:
            yield from _files(part)
        except OSError:  # another user's
            return
