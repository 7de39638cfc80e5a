"""Rotation: online, and resumable after a crash at any point."""

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import select, update

from bursar.events.tables import events
from bursar.kit.clock import ManualClock, SystemClock
from bursar.store.store import Store
from bursar.vault import repository
from bursar.vault.keys import VaultUnusable, Wrapping
from bursar.vault.rotation import ROWS_MAX, SETTLING_SECONDS, Report, Rotation
from bursar.vault.service import KEYS_KNOWN_SECONDS, Vault
from bursar.vault.tables import vault_cards
from tests.databases import Database, on, sqlite_database
from tests.vault.harness import KEY, NEXT_KEY, NUMBER, ORG, TEST, keep, opened, rows, vault_on


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return sqlite_database(tmp_path)


def quiet(_done: int, _total: int) -> None:
    pass


def rotation_on(store: Store, clock: ManualClock, *, key: bytes = KEY, previous: bytes | None = None) -> Rotation:
    """Whose waiting only moves the clock."""
    return Rotation(store, clock, Wrapping(key, previous), sleep=clock.advance)


async def fill(vault: Vault, store: Store, count: int) -> None:
    await asyncio.gather(*(keep(vault, store, f"pm_{number:05}", number_of(number)) for number in range(count)))


def number_of(number: int) -> str:
    return f"{4000000000000000 + number}"


async def assert_all_open(vault: Vault, store: Store, count: int) -> None:
    assert len(rows(store)) == count
    for number in range(count):
        assert await vault.open(ORG, TEST, f"pm_{number:05}") == number_of(number)


def states(store: Store) -> list[tuple[int, str]]:
    return [(key.version, key.state) for key in store.read_blocking(repository.all_keys)]


@pytest.mark.parametrize("empty_database", on("sqlite", "postgresql", "mariadb", "firebird"), indirect=True)
def test_every_card_lies_under_a_new_key_afterwards(empty_database: Database) -> None:
    async def scenario() -> None:
        with opened(empty_database) as store:
            clock = ManualClock()
            vault = vault_on(store, clock)
            count = ROWS_MAX + 7
            await fill(vault, store, count)
            before = {card.token_id: card.sealed for card in rows(store)}
            told: list[tuple[int, int]] = []
            report = await asyncio.to_thread(
                rotation_on(store, clock).rotate, lambda done, total: told.append((done, total))
            )
            assert (report.resumed, report.keys_created, report.cards_resealed) == (False, 1, count)
            assert report.keys_retired == 1
            assert report.is_complete
            assert told[-1] == (count, count)
            assert states(store) == [(1, "retired"), (2, "active")]
            assert {card.key_version for card in rows(store)} == {2}
            assert all(before[card.token_id] != card.sealed for card in rows(store))
            await assert_all_open(vault, store, count)
            await assert_all_open(vault_on(store), store, count)

    asyncio.run(scenario())


def test_sealing_and_opening_go_on_meanwhile(database: Database) -> None:
    async def scenario() -> None:
        with opened(database) as store, opened(database) as servers_store:
            clock = ManualClock()
            server = vault_on(servers_store, clock)
            await fill(server, servers_store, 3 * ROWS_MAX)
            rotating = asyncio.create_task(asyncio.to_thread(rotation_on(store, clock).rotate, quiet))
            count = 3 * ROWS_MAX
            while not rotating.done():
                await keep(server, servers_store, f"pm_{count:05}", number_of(count))
                count += 1
                assert await server.open(ORG, TEST, f"pm_{count % 600:05}") == number_of(count % 600)
            await rotating
            assert count > 3 * ROWS_MAX
            await assert_all_open(server, servers_store, count)
            await assert_all_open(vault_on(store), store, count)

    asyncio.run(scenario())


def test_a_running_server_seals_under_the_new_key_before_the_old_one_retires(database: Database) -> None:
    async def scenario() -> None:
        with opened(database) as store:
            clock = ManualClock()
            server = vault_on(store, clock)
            await fill(server, store, 1)
            waited: list[float] = []

            def wait(seconds: float) -> None:
                """What the old key sealed while the rotation waited is found as well."""
                waited.append(seconds)
                asyncio.run_coroutine_threadsafe(keep(server, store, "pm_00001", number_of(1)), loop).result(20)
                clock.advance(seconds)

            loop = asyncio.get_running_loop()
            report = await asyncio.to_thread(Rotation(store, clock, Wrapping(KEY, None), sleep=wait).rotate, quiet)
            assert sum(waited) == pytest.approx(SETTLING_SECONDS)
            assert report.cards_resealed == 2
            assert SETTLING_SECONDS > KEYS_KNOWN_SECONDS
            await keep(server, store, "pm_00002", number_of(2))
            assert {card.key_version for card in rows(store)} == {2}
            await assert_all_open(server, store, 3)

    asyncio.run(scenario())


class Crashed(Exception):
    pass


@pytest.mark.parametrize("batches", [1, 2, 3])
def test_a_rotation_that_broke_off_is_taken_up_where_it_was(database: Database, batches: int) -> None:
    async def scenario() -> None:
        with opened(database) as store:
            clock = ManualClock()
            vault = vault_on(store, clock)
            count = 2 * ROWS_MAX + 1
            await fill(vault, store, count)
            seen = 0

            def crash(_done: int, _total: int) -> None:
                nonlocal seen
                seen += 1
                if seen == batches:
                    raise Crashed

            with pytest.raises(Crashed):
                await asyncio.to_thread(rotation_on(store, clock).rotate, crash)
            await assert_all_open(vault, store, count)
            report = await asyncio.to_thread(rotation_on(store, clock).rotate, quiet)
            assert report.resumed
            assert report.keys_created == 0
            assert report.cards_resealed == max(count - batches * ROWS_MAX, 0)
            assert states(store) == [(1, "retired"), (2, "active")]
            await assert_all_open(vault, store, count)

    asyncio.run(scenario())


PROGRAM = """
import sys, time
from bursar.kit.clock import SystemClock
from bursar.vault.keys import Wrapping
from bursar.vault.rotation import Rotation
from tests.databases import Database
from tests.vault.harness import KEY, opened

def told(done, total):
    print(done, flush=True)
    sys.stdin.read(1)  # waits here until it is killed

with opened(Database("sqlite", sys.argv[1])) as store:
    Rotation(store, SystemClock(), Wrapping(KEY, None)).rotate(told)
"""


def rotate_until_killed(database: Database) -> None:
    command = [sys.executable, "-c", PROGRAM, database.url]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"%d\n" % ROWS_MAX
        child.send_signal(signal.SIGKILL)


def test_kill_9_in_the_middle_loses_nothing(database: Database) -> None:
    async def scenario() -> None:
        count = 2 * ROWS_MAX
        with opened(database) as store:
            await fill(vault_on(store), store, count)
        await asyncio.to_thread(rotate_until_killed, database)
        with opened(database) as store:
            assert states(store) == [(1, "leaving"), (2, "active")]
            assert {card.key_version for card in rows(store)} == {1, 2}
            await assert_all_open(vault_on(store), store, count)
            clock = ManualClock(SystemClock().now_microseconds())
            report = await asyncio.to_thread(rotation_on(store, clock).rotate, quiet)
            assert (report.resumed, report.cards_resealed) == (True, ROWS_MAX)
            assert states(store) == [(1, "retired"), (2, "active")]
            await assert_all_open(vault_on(store), store, count)

    asyncio.run(scenario())


def test_a_card_that_cannot_be_opened_is_named_and_stops_nothing(database: Database) -> None:
    async def scenario() -> None:
        with opened(database) as store:
            clock = ManualClock()
            vault = vault_on(store, clock)
            await fill(vault, store, 3)
            first, second, _ = rows(store)
            with store.engines.writing.begin() as connection:
                connection.execute(
                    update(vault_cards).where(vault_cards.c.id == first.token_id).values(sealed=second.sealed)
                )
            report = await asyncio.to_thread(rotation_on(store, clock).rotate, quiet)
            assert report.broken == [f"{ORG} test {first.token_id}"]
            assert not report.is_complete
            assert report.cards_resealed == 2
            # The next rotation is one of its own.
            again = await asyncio.to_thread(rotation_on(store, clock).rotate, quiet)
            assert (again.resumed, again.keys_created, again.cards_resealed) == (False, 1, 2)

    asyncio.run(scenario())


def test_a_wrong_key_breaks_the_rotation_off_before_anything_changed(database: Database) -> None:
    async def scenario() -> None:
        with opened(database) as store:
            clock = ManualClock()
            vault = vault_on(store, clock)
            await fill(vault, store, 3)
            before = rows(store)
            with pytest.raises(VaultUnusable):
                await asyncio.to_thread(rotation_on(store, clock, key=NEXT_KEY).rotate, quiet)
            assert rows(store) == before
            await assert_all_open(vault, store, 3)

    asyncio.run(scenario())


def test_data_keys_are_wrapped_anew_without_touching_a_card(database: Database) -> None:
    async def scenario() -> None:
        with opened(database) as store:
            clock = ManualClock()
            await fill(vault_on(store, clock), store, 3)
            before = rows(store)
            rotation = rotation_on(store, clock, key=NEXT_KEY, previous=KEY)
            report: Report = await asyncio.to_thread(rotation.rewrap, quiet)
            assert report.keys_rewrapped == 1
            assert rows(store) == before
            await assert_all_open(vault_on(store, key=NEXT_KEY), store, 3)
            assert (await asyncio.to_thread(rotation.rewrap, quiet)).keys_rewrapped == 0

    asyncio.run(scenario())


def test_the_log_tells_of_keys_and_shows_none(database: Database) -> None:
    async def scenario() -> None:
        with opened(database) as store:
            clock = ManualClock()
            await fill(vault_on(store, clock), store, 1)
            await asyncio.to_thread(rotation_on(store, clock).rotate, quiet)
            logged = store.read_blocking(
                lambda connection: connection.execute(select(events).order_by(events.c.id)).all()
            )
            assert [(row.event_type, row.actor) for row in logged] == [
                ("bursar.vault.key_created", "system"),
                ("bursar.vault.key_created", "command_line"),
                ("bursar.vault.key_retired", "command_line"),
            ]
            wrapped = [key.wrapped for key in store.read_blocking(repository.all_keys)]
            assert not any(secret in row.data for row in logged for secret in (*wrapped, KEY.hex(), NUMBER))

    asyncio.run(scenario())
