"""A process's work begins, survives its defects, and ends in order."""

import asyncio
from typing import Any

import pytest

from bursar.workers import background, turns
from bursar.workers.background import working
from tests.control.house import standing

WAIT_SECONDS_MAX = 30


def test_a_role_that_met_a_defect_goes_on_with_new_workers_and_leaves_the_others_alone(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(turns, "AGAIN_SECONDS", 0.01)
    ended: list[str] = []

    class Worker:
        def __init__(self, name: str, fails: bool) -> None:
            self.name, self.fails = name, fails

        async def run(self) -> None:
            try:
                if self.fails:
                    raise ZeroDivisionError
                reached[self.name].set()
                await asyncio.Event().wait()
            finally:
                ended.append(self.name)

    made: list[int] = []

    def flaky(_runtime: Any) -> list[Worker]:
        made.append(1)
        return [Worker(f"flaky {len(made)}", fails=len(made) == 1)]

    reached = {name: asyncio.Event() for name in ("steady", "flaky 2")}
    roles = {"steady": lambda _runtime: [Worker("steady", fails=False)], "flaky": flaky}
    monkeypatch.setattr(background, "ROLES", roles)

    async def scenario() -> None:
        async with working(house.runtime, "worker", tuple(roles)), asyncio.timeout(WAIT_SECONDS_MAX):
            for event in reached.values():
                await event.wait()
            assert ended == ["flaky 1"]
        assert sorted(ended) == ["flaky 1", "flaky 2", "steady"]

    with standing() as house:
        house.runner.run(scenario())
    assert "the work of flaky met a defect" in caplog.text
