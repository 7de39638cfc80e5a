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


class Runtime:
    """Wiring only. Everything is made here once and handed to whoever needs it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.clock = SystemClock()
        self.ids = IdFactory(self.clock)
        engines = Engines(settings.database_url, readers=settings.readers, writers=max(settings.writers, 2))
        try:
            if settings.migrate_at_start:
                schema.upgrade(engines.writing)
            else:
                schema.require_version(schema.current_version(engines.writing))
        except BaseException:
            engines.close()
            raise
        writers = settings.writers or (1 if engines.dialect_name == "sqlite" else WRITERS_OF_SERVERS)
        self.store = Store(engines, lambda: LaneSealer(self.clock), writers=writers, readers=settings.readers)
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
