"""The vault on a database: keys of its own for everybody, and nothing opened that was touched."""

import asyncio
import logging
from pathlib import Path

import pytest
from sqlalchemy import select, update

from bursar.http.errors import as_request_error, error_body
from bursar.kit.clock import ManualClock
from bursar.store.unit import Unit
from bursar.vault.keys import CardBroken, CardMissing, VaultUnusable
from bursar.vault.service import KEYS_KNOWN_SECONDS, Vault
from bursar.vault.tables import data_keys, vault_cards
from tests.databases import Database, on, sqlite_database
from tests.vault.harness import KEY, LIVE, NEXT_KEY, NUMBER, ORG, TEST, keep, opened, rows, vault_on


@pytest.mark.parametrize("empty_database", on("sqlite", "postgresql", "mariadb", "firebird"), indirect=True)
def test_a_number_is_kept_and_opened_on_every_database(empty_database: Database) -> None:
    async def scenario() -> None:
        with opened(empty_database) as store:
            vault = vault_on(store)
            await keep(vault, store, "pm_1")
            assert await vault.open(ORG, TEST, "pm_1") == NUMBER
            # Another process knows nothing but the key and the database.
            assert await vault_on(store).open(ORG, TEST, "pm_1") == NUMBER
            await store.commit(Unit(vault.delete_changes(ORG, TEST, ["pm_1", "pm_never_was"])))
            with pytest.raises(CardMissing):
                await vault.open(ORG, TEST, "pm_1")

    asyncio.run(scenario())


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return sqlite_database(tmp_path)


def test_nothing_of_the_number_is_in_the_row(database: Database) -> None:
    async def scenario() -> None:
        with opened(database) as store:
            await keep(vault_on(store), store, "pm_1")
            (row,) = rows(store)
            assert NUMBER not in row.sealed
            assert NUMBER[-4:] not in row.sealed

    asyncio.run(scenario())


def test_sealing_reads_nothing_once_the_keys_are_known(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        with opened(database) as store:
            clock = ManualClock()
            vault = vault_on(store, clock)
            await vault.seal(ORG, TEST, "pm_1", NUMBER)

            async def refuse(_: object) -> None:
                raise AssertionError("the database was asked")

            with monkeypatch.context() as patched:
                patched.setattr(store, "read", refuse)
                await vault.seal(ORG, TEST, "pm_2", NUMBER)
            clock.advance(KEYS_KNOWN_SECONDS)
            with monkeypatch.context() as patched:
                patched.setattr(store, "read", refuse)
                with pytest.raises(AssertionError, match="was asked"):
                    await vault.seal(ORG, TEST, "pm_3", NUMBER)

    asyncio.run(scenario())


def test_two_processes_that_begin_at_once_agree_on_one_key(database: Database) -> None:
    async def scenario() -> None:
        with opened(database) as store, opened(database) as other_store:
            processes = [(vault_on(own), own) for own in (store, other_store)]
            await asyncio.gather(
                *(
                    keep(vault, own, f"pm_{place}_{number}")
                    for place, (vault, own) in enumerate(processes)
                    for number in range(8)
                )
            )
            keys = store.read_blocking(lambda connection: connection.execute(select(data_keys)).all())
            assert [key.version for key in keys] == [1]
            for card in rows(store):
                assert await processes[0][0].open(ORG, TEST, card.token_id) == NUMBER

    asyncio.run(scenario())


def test_each_organisation_and_mode_has_a_key_of_its_own(database: Database) -> None:
    async def scenario() -> None:
        with opened(database) as store:
            vault = vault_on(store)
            for org_id, livemode in ((ORG, TEST), (ORG, LIVE), ("acct_other", TEST)):
                await store.commit(Unit(await vault.seal(org_id, livemode, "pm_1", NUMBER)))
            keys = store.read_blocking(lambda connection: connection.execute(select(data_keys)).all())
            assert len({key.wrapped for key in keys}) == 3
            assert {(key.org_id, key.livemode) for key in keys} == {(ORG, 0), (ORG, 1), ("acct_other", 0)}

    asyncio.run(scenario())


@pytest.mark.parametrize("values", [{"id": "pm_2"}, {"org_id": "acct_other"}, {"livemode": 1}, {"key_version": 2}])
def test_a_card_that_was_moved_to_another_place_is_not_opened(database: Database, values: dict[str, object]) -> None:
    async def scenario() -> None:
        with opened(database) as store:
            vault = vault_on(store)
            await keep(vault, store, "pm_1")
            # The other places have keys too, so that it is the binding that is held against them.
            await vault.seal("acct_other", TEST, "pm_x", NUMBER)
            await vault.seal(ORG, LIVE, "pm_x", NUMBER)
            with store.engines.writing.begin() as connection:
                first = connection.execute(select(data_keys).where(data_keys.c.org_id == ORG)).first()
                assert first is not None
                connection.execute(data_keys.insert(), {**first._mapping, "version": 2})
                connection.execute(update(vault_cards).values(**values))
            place = {"org_id": ORG, "livemode": TEST, "id": "pm_1"} | values
            fresh = vault_on(store)
            with pytest.raises(VaultUnusable) as caught:
                await fresh.open(str(place["org_id"]), int(str(place["livemode"])), str(place["id"]))
            assert NUMBER not in str(caught.value)

    asyncio.run(scenario())


def test_a_wrong_key_is_told_to_the_operator_and_not_to_the_client(database: Database) -> None:
    async def scenario() -> None:
        with opened(database) as store:
            right = vault_on(store)
            await keep(right, store, "pm_1")
            wrong = vault_on(store, key=NEXT_KEY)
            with pytest.raises(VaultUnusable) as caught:
                await wrong.open(ORG, TEST, "pm_1")
            told = str(caught.value)
            assert right.wrapping.key_id is not None
            assert wrong.wrapping.key_id is not None
            assert right.wrapping.key_id in told
            assert wrong.wrapping.key_id in told
            for secret in (KEY.hex(), NEXT_KEY.hex(), NUMBER):
                assert secret not in told
            answer = error_body(as_request_error(caught.value)).decode()
            assert right.wrapping.key_id not in answer
            assert as_request_error(caught.value).status == 500

    asyncio.run(scenario())


def test_the_key_of_before_opens_what_it_wrapped(database: Database) -> None:
    async def scenario() -> None:
        with opened(database) as store:
            await keep(vault_on(store), store, "pm_1")
            vault = vault_on(store, key=NEXT_KEY, key_previous=KEY)
            assert await vault.open(ORG, TEST, "pm_1") == NUMBER

    asyncio.run(scenario())


def test_a_lost_data_key_is_not_replaced_by_opening(database: Database) -> None:
    async def scenario() -> None:
        with opened(database) as store:
            await keep(vault_on(store), store, "pm_1")
            with store.engines.writing.begin() as connection:
                connection.execute(data_keys.delete())
            with pytest.raises(VaultUnusable, match="no data key 1"):
                await vault_on(store).open(ORG, TEST, "pm_1")
            assert store.read_blocking(lambda connection: connection.execute(select(data_keys)).first()) is None

    asyncio.run(scenario())


def test_a_vault_without_keys_says_which_setting_is_missing(database: Database) -> None:
    async def scenario() -> None:
        with opened(database) as store:
            vault = Vault(store, ManualClock(), key=b"", key_previous=None, fingerprint_key=b"")
            with pytest.raises(VaultUnusable, match="BURSAR_VAULT_KEY"):
                await vault.seal(ORG, TEST, "pm_1", NUMBER)
            with pytest.raises(VaultUnusable, match="BURSAR_VAULT_FINGERPRINT_KEY"):
                vault.fingerprint(ORG, NUMBER)

    asyncio.run(scenario())


@pytest.mark.parametrize("key", [b"short", b"x" * 31, b"x" * 33])
def test_a_key_of_another_length_is_refused_at_the_start(database: Database, key: bytes) -> None:
    with opened(database) as store:
        with pytest.raises(VaultUnusable, match="32 bytes"):
            vault_on(store, key=key)
        with pytest.raises(VaultUnusable, match="32 bytes"):
            Vault(store, ManualClock(), key=KEY, key_previous=None, fingerprint_key=key)


def test_a_changed_row_is_broken_and_no_other_is(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        with opened(database) as store:
            vault = vault_on(store)
            await keep(vault, store, "pm_1")
            await keep(vault, store, "pm_2")
            first, second = rows(store)
            with store.engines.writing.begin() as connection:
                connection.execute(
                    update(vault_cards).where(vault_cards.c.id == first.token_id).values(sealed=second.sealed)
                )
            with caplog.at_level(logging.DEBUG), pytest.raises(CardBroken):
                await vault.open(ORG, TEST, first.token_id)
            assert NUMBER not in caplog.text
            assert await vault.open(ORG, TEST, second.token_id) == NUMBER

    asyncio.run(scenario())
