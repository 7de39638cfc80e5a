"""The parts of incoming webhooks, put together for a process."""

from __future__ import annotations

from typing import Protocol

from bursar.attempts.commands import Commands
from bursar.connectors.registry import Registry
from bursar.hooks.arrivals import Arrivals
from bursar.hooks.figures import Figures
from bursar.hooks.inbox import Inbox
from bursar.hooks.matching import Matching
from bursar.hooks.processing import Processing
from bursar.hooks.service import HookService
from bursar.hooks.worker import HookWorker
from bursar.kit.clock import Clock
from bursar.kit.ids import IdFactory
from bursar.store.store import Store


class Hooks:
    def __init__(
        self, store: Store, ids: IdFactory, clock: Clock, registry: Registry, commands: Commands, matching: Matching
    ) -> None:
        self.figures = Figures()
        self.arrivals = Arrivals()
        self.service = HookService(store, ids, clock, registry, self.arrivals, self.figures)
        self.inbox = Inbox(store, clock, registry)
        self.processing = Processing(store, clock, registry, commands, matching, self.figures)
        self._store = store
        self._clock = clock

    def worker(self) -> HookWorker:
        return HookWorker(self._store, self._clock, self.arrivals, self.processing)


class HasHooks(Protocol):
    """What the runtime has of these."""

    hooks: Hooks


def workers(runtime: HasHooks) -> list[HookWorker]:
    return [runtime.hooks.worker()]
