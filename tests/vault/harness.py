"""Vaults on a test's database. Their keys are of bytes that everybody sees."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import select

from bursar.events.sealing import LaneSealer
from bursar.kit.clock import Clock, ManualClock
from bursar.store import schema
from bursar.store.columns import metadata
from bursar.store.engine import Engines
from bursar.store.store import Store
from bursar.store.unit import Unit
from bursar.vault.schemas import SealedCard
from bursar.vault.service import Vault
from bursar.vault.tables import vault_cards
from tests.databases import Database

ORG = "acct_vault"
TEST, LIVE = 0, 1
KEY = bytes(range(32))
NEXT_KEY = bytes(range(100, 132))
FINGERPRINT_KEY = b"f" * 32
NUMBER = "4242424242424242"


@contextmanager
def opened(database: Database, *, writers: int = 1) -> Iterator[Store]:
    engines = Engines(database.url, readers=2, writers=writers)
    schema.upgrade(engines.writing)
    metadata.create_all(engines.writing)
    store = Store(engines, LaneSealer, writers=writers, readers=2)
    try:
        yield store
    finally:
        store.close()


def vault_on(store: Store, clock: Clock | None = None, *, key: bytes = KEY, key_previous: bytes | None = None) -> Vault:
    return Vault(store, clock or ManualClock(), key=key, key_previous=key_previous, fingerprint_key=FINGERPRINT_KEY)


async def keep(vault: Vault, store: Store, token_id: str, number: str = NUMBER, org_id: str = ORG) -> None:
    await store.commit(Unit(await vault.seal(org_id, TEST, token_id, number)))


def rows(store: Store) -> list[SealedCard]:
    """What lies in the database."""
    found = store.read_blocking(lambda connection: connection.execute(select(vault_cards)).all())
    return [SealedCard(token_id=row.id, key_version=row.key_version, sealed=row.sealed) for row in found]
