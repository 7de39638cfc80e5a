"""What runs, for whoever runs the installation."""

from __future__ import annotations

from collections.abc import Sequence

from bursar.kit.clock import Clock
from bursar.processes import repository, rules
from bursar.processes.schemas import WorkersView
from bursar.store.store import Store

URL = "/api/v1/platform/workers"


class ProcessService:
    def __init__(self, store: Store, clock: Clock, roles: Sequence[str]) -> None:
        self._store = store
        self._clock = clock
        self._roles = roles

    async def view(self) -> WorkersView:
        since = rules.alive_since(self._clock.now_microseconds())
        found = await self._store.read(lambda connection: repository.find_alive(connection, since))
        return rules.view(self._roles, found)
