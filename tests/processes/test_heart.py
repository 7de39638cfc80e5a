"""What runs is seen within seconds, and what died is not taken for alive."""

import asyncio

import pytest

from bursar.kit.clock import ManualClock
from bursar.kit.ids import IdFactory
from bursar.kit.permissions import PLATFORM_ADMIN
from bursar.processes import repository, rules
from bursar.processes.heart import Heart
from bursar.processes.service import URL, ProcessService
from bursar.workers.registry import ROLES
from tests.control.house import standing
from tests.databases import Database, on
from tests.events.test_reader import opened

WAITS_MAX = 3_000
ROLES_OF_THIS = ("resolver", "webhooks")


@pytest.mark.parametrize("database", on("sqlite", "postgresql", "mariadb", "firebird"), indirect=True)
def test_a_process_is_alive_as_long_as_it_says_so(database: Database) -> None:
    clock = ManualClock()

    async def scenario() -> None:
        service = ProcessService(store, clock, ROLES_OF_THIS)
        nobody = await service.view()
        assert (nobody.processes, rules.idle(nobody)) == ([], list(ROLES_OF_THIS))
        ids = IdFactory(clock)
        first, second = (Heart(store, ids, clock, "worker", [role]) for role in ROLES_OF_THIS)
        running = asyncio.create_task(first.run())
        await second._begin()
        for _ in range(WAITS_MAX):
            if len((await service.view()).processes) == 2:
                break
            await asyncio.sleep(0.01)
        view = await service.view()
        assert rules.idle(view) == []
        assert [process.roles for process in view.processes] == [["resolver"], ["webhooks"]]
        clock.advance(rules.ALIVE_SECONDS + 1)
        await second.beat()
        view = await service.view()
        assert rules.idle(view) == ["resolver"]
        assert [role.processes for role in view.roles] == [[], [view.processes[0].id]]
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert await store.read(lambda connection: len(repository.find_alive(connection, 0))) == 1

    with opened(database, 2) as store:
        asyncio.run(scenario())


@pytest.mark.parametrize("database", on("sqlite"), indirect=True)
def test_who_was_forgotten_and_wakes_is_known_again(database: Database) -> None:
    clock = ManualClock()

    async def scenario() -> None:
        ids = IdFactory(clock)
        sleeper, newcomer = Heart(store, ids, clock, "serve", ()), Heart(store, ids, clock, "serve", ())
        await sleeper._begin()
        clock.advance(rules.FORGOTTEN_SECONDS + 1)
        await newcomer._begin()
        assert await store.read(lambda connection: len(repository.find_alive(connection, 0))) == 1
        await sleeper.beat()
        await sleeper.beat()
        assert await store.read(lambda connection: len(repository.find_alive(connection, 0))) == 2

    with opened(database, 2) as store:
        asyncio.run(scenario())


def test_platform_admins_see_it_and_owners_do_not() -> None:
    with standing() as house:
        org_id = house.organisation()
        assert house.call("GET", URL, house.person(org_id)).status == 403
        heart = Heart(house.runtime.store, house.runtime.ids, house.runtime.clock, "serve", ROLES_OF_THIS)
        house.runner.run(heart._begin())
        told = house.call("GET", URL, house.person(org_id, PLATFORM_ADMIN)).json
        [process] = told["processes"]
        assert (process["command"], process["roles"]) == ("serve", list(ROLES_OF_THIS))
        running = {role["name"]: role["is_running"] for role in told["roles"]}
        assert running == {role: role in ROLES_OF_THIS for role in ROLES}
