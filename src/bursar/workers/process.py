"""A process that only works: no API, and where a port is wanted, no more than health and figures on it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any

from bursar.http.asgi import Application
from bursar.http.errors import as_request_error
from bursar.http.metrics import Metrics
from bursar.http.operations import Operations
from bursar.http.responses import Answer, error_answer
from bursar.runtime import Runtime
from bursar.workers.background import report_to, working

ENDING = (signal.SIGTERM, signal.SIGINT)


def listening(runtime: Runtime, roles: Sequence[str]) -> Application:
    """For a server on the port; its start and its end are those of the work."""
    metrics = Metrics()
    report_to(runtime, metrics)
    operations = Operations(runtime.store, metrics, [], _failure, runtime.settings.metrics_token)

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        async with working(runtime, "worker", roles, [operations.keep_gauges_fresh]):
            yield

    application = Application(operations.not_found, lifespan)
    operations.add_health_routes(application)
    return application


async def until_told_to_end(work: AbstractAsyncContextManager[None]) -> None:
    loop = asyncio.get_running_loop()
    ending = asyncio.Event()

    def end(_number: int, _frame: Any) -> None:
        loop.call_soon_threadsafe(ending.set)

    before = {number: signal.signal(number, end) for number in ENDING}
    try:
        async with work:
            await ending.wait()
    finally:
        for number, handler in before.items():
            with suppress(TypeError):  # one that was not set from Python
                signal.signal(number, handler)


def _failure(problem: Exception, _request_id: str) -> Answer:
    return error_answer(as_request_error(problem))
