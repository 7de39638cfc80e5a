"""A process's life beside its requests: what it works at begins, and ends in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial

from bursar.http.metrics import Metrics
from bursar.kit.interpreter import tune_for_serving
from bursar.processes.heart import Heart
from bursar.processes.schemas import Command
from bursar.runtime import Runtime
from bursar.workers.registry import ROLES
from bursar.workers.turns import Job, cancelled, keep_running


def report_to(runtime: Runtime, metrics: Metrics) -> None:
    """Whatever counts something, in the server and in processes that only work."""
    runtime.limits.report_to(metrics)
    runtime.recorder.report_to(metrics)
    runtime.histories.report_to(metrics)
    runtime.streams.report_to(metrics)
    runtime.hooks.figures.report_to(metrics)
    runtime.webhooks.report_to(metrics)


async def run_role(runtime: Runtime, role: str) -> None:
    """Workers that are new each time: one that met a defect may have closed what it needs."""
    async with asyncio.TaskGroup() as group:
        for worker in ROLES[role](runtime):
            group.create_task(worker.run())


@asynccontextmanager
async def working(
    runtime: Runtime, command: Command, roles: Sequence[str], own_jobs: Sequence[Job] = ()
) -> AsyncIterator[None]:
    """`own_jobs` are those that this process needs whatever its roles. At the end the runtime is closed."""
    tune_for_serving()
    await runtime.limits.start()
    heart = Heart(runtime.store, runtime.ids, runtime.clock, command, roles)
    jobs: list[tuple[str, Job]] = [("this process", job) for job in (heart.run, *own_jobs)]
    jobs += [(role, partial(run_role, runtime, role)) for role in roles]
    tasks = [asyncio.create_task(keep_running(name, job)) for name, job in jobs]
    try:
        yield
    finally:
        await cancelled(tasks)
        await runtime.limits.close()
        await runtime.recorder.close()
        await runtime.registry.close()
        await runtime.federation.close()
        # Writes what was accepted; in a thread, as the loop must go on to hand out the answers.
        await asyncio.to_thread(runtime.close)
