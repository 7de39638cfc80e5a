"""What Prometheus is told of webhooks."""

from __future__ import annotations

import asyncio

import pytest
from prometheus_client import CollectorRegistry

from bursar.webhooks import figures
from bursar.webhooks.figures import Figures
from tests.control.house import standing
from tests.databases import Database, on
from tests.webhooks.receivers import answering, hanging, receiving, status
from tests.webhooks.world import World, hasty, opened

SECONDS_MAX = 20.0


@pytest.mark.parametrize("database", on("sqlite", "postgresql"), indirect=True)
def test_tries_and_what_waits_are_counted(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "LOOK_SECONDS", 0.05)
    registry = CollectorRegistry()

    def shown(name: str, **labels: str) -> float:
        return registry.get_sample_value(name, labels) or 0.0

    async def until(name: str, value: float, **labels: str) -> None:
        async with asyncio.timeout(SECONDS_MAX):
            while shown(name, **labels) != value:  # noqa: ASYNC110 - another's doing
                await asyncio.sleep(0.02)

    async def scenario(world: World) -> None:
        pace = hasty(waits_seconds=(600.0,) * 3, total_seconds_max=1.5)
        async with (
            receiving() as good,
            receiving(answering(status(500))) as bad,
            receiving(hanging) as hangs,
            receiving() as rests,
            receiving() as off,
        ):
            await world.listen(good.url)
            await world.listen(bad.url)
            await world.listen(hangs.url)
            rest, disabled = await world.listen(rests.url), await world.listen(off.url)
            await world.done(await world.webhooks.endpoints.pause(world.call(webhook_endpoint=rest.id)))
            await world.change(disabled, disabled=True)
            async with world.working(pace, Figures(registry)):
                await world.tell(2)
                await until("bursar_webhook_attempts_total", 2, result="delivered")
                await until("bursar_webhook_attempts_total", 2, result="status")
                await until("bursar_webhook_attempts_total", 2, result="timeout")
                await until("bursar_webhook_pending", 4)
                await until("bursar_webhook_endpoints", 2, state="failing")
                for state in ("enabled", "paused", "disabled"):
                    assert shown("bursar_webhook_endpoints", state=state) == 1
                assert shown("bursar_webhook_attempt_seconds_count", result="delivered") == 2
                assert shown("bursar_webhook_attempt_seconds_count", result="failed") == 4
                assert shown("bursar_webhook_attempt_seconds_sum", result="failed") >= 0.4
                before = shown("bursar_webhook_oldest_pending_seconds")
                assert before > 0
                async with asyncio.timeout(SECONDS_MAX):
                    while shown("bursar_webhook_oldest_pending_seconds") <= before:  # noqa: ASYNC110 - it grows old
                        await asyncio.sleep(0.02)

    with opened(database) as store:
        asyncio.run(scenario(World(store)))


def test_the_server_shows_them_beside_its_own() -> None:
    with standing() as house:
        house.runtime.webhooks.worker()
        reply = house.call("GET", "/metrics", address="127.0.0.1")
        text = reply.json.decode()
    for name in ("pending", "oldest_pending_seconds", "attempt_seconds_bucket"):
        assert f"bursar_webhook_{name}" in text
