"""A platform whose process can be killed at every step, and started again."""

from collections.abc import Callable, Coroutine
from typing import Any

from tests.payment_sessions.platform import Platform, Town, town_in
from tests.payments.harness import Json, Reply
from tests.payments.steps import Driver, SteppedBank, SteppedStore, Steps


class Mortal:
    """A platform whose process can be killed, and started again."""

    def __init__(self, store: Any) -> None:
        self.town: Town = town_in(store)
        self.driver = Driver()
        self.start()

    def start(self) -> None:
        self.steps = Steps()
        store = SteppedStore.on(self.town.store, self.steps)
        bank = SteppedBank(self.town.bank, self.steps)
        self.platform = Platform(store, self.town.clock, bank, self.town.payee.org_id)

    def accept(self, trace: str, body: Json, key: str | None = None, *, fuse: int | None = None) -> Reply | None:
        return self.ask(lambda: self.platform.accept(trace, body, key), fuse)

    def ask(self, request: Callable[[], Coroutine[Any, Any, Reply]], fuse: int | None = None) -> Reply | None:
        """None when it died on the way."""
        self.steps.fuse = fuse
        done = self.driver.run(self.steps, [request()])
        self.steps.fuse = None
        if self.steps.is_dead:
            self.driver.abandon()
            self.start()
            return None
        reply: Reply = done[-1].result()
        return reply

    def run(self, work: Any) -> Any:
        (task,) = self.driver.run(self.steps, [work])
        return task.result()

    def resolve(self) -> None:
        self.town.clock.advance(10)
        self.driver.run(self.steps, [self.platform.resolve()])

    @property
    def captured(self) -> int:
        return sum(operation.captured_minor for operation in self.town.bank.journal)
