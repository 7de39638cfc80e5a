"""What a process of Bursar is made of: the store, the clock, the ids, the services."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from bursar import tables  # noqa: F401 - makes them known to the schema
from bursar.accounts.directory import StoredKeys
from bursar.accounts.service import AccountService
from bursar.customers.service import CustomerService
from bursar.events.sealing import LaneSealer
from bursar.events.service import EventService
from bursar.kit.clock import SystemClock
from bursar.kit.ids import IdFactory
from bursar.settings import Settings
from bursar.store import schema
from bursar.store.engine import Engines
from bursar.store.store import Store

WRITERS_OF_SERVERS = 2  # one gathers while the other commits; SQLite has one writer whatever we do
READERS_OF_SERVERS = 4
# SQLite works within our process and lets go of the interpreter at every row, so threads that read at once
# mostly wait for each other. Pages of 100 to 4 clients: p90 11.6 ms with four threads, 7.3 with two, 4.3 with
# one; but with one alone, a search that reads everything would hold up everybody.
READERS_OF_SQLITE = 2


class Runtime:
    """Wiring only. Everything is made here once and handed to whoever needs it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.clock = SystemClock()
        self.ids = IdFactory(self.clock)
        engines = Engines(
            settings.database_url,
            readers=settings.readers or READERS_OF_SERVERS,
            writers=max(settings.writers, WRITERS_OF_SERVERS),
        )
        try:
            if settings.migrate_at_start:
                schema.upgrade(engines.writing)
            else:
                schema.require_version(schema.current_version(engines.writing))
        except BaseException:
            engines.close()
            raise
        in_process = engines.dialect_name == "sqlite"
        writers = settings.writers or (1 if in_process else WRITERS_OF_SERVERS)
        readers = settings.readers or (READERS_OF_SQLITE if in_process else READERS_OF_SERVERS)
        self.store = Store(engines, lambda: LaneSealer(self.clock), writers=writers, readers=readers)
        self.accounts = AccountService(self.store, self.ids, self.clock, settings.secret_key)
        self.directory = StoredKeys(
            self.store,
            self.clock,
            settings.secret_key,
            settings.secret_key_previous,
            development=settings.development,
        )
        self.customers = CustomerService(self.store, self.ids)
        self.events = EventService(self.store)

    def close(self) -> None:
        self.store.close()


@contextmanager
def running(settings: Settings) -> Iterator[Runtime]:
    runtime = Runtime(settings)
    try:
        yield runtime
    finally:
        runtime.close()
