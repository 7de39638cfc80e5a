"""A look at the log's database without a server: no lane, no writer, and nothing of what is written meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection

from bursar.commands.options import chosen_settings
from bursar.commands.output import EXIT_USAGE, fail
from bursar.events.audit import snapshot
from bursar.store import schema
from bursar.store.engine import Engines


@contextmanager
def reading_log(data: Path | None, config: Path | None) -> Iterator[Connection]:
    settings = chosen_settings(config, data)
    engines = Engines(settings.database_url, readers=1, writers=1)
    try:
        version = schema.current_version(engines.reading)
        schema.check_version(version)
        if version is None:
            raise fail("The database is empty: there is no log yet.", EXIT_USAGE)
        with engines.reading.connect() as connection:
            yield snapshot(connection)
    finally:
        engines.close()
