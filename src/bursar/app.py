"""The HTTP server: wiring only."""

from __future__ import annotations

import asyncio
import hmac
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bursar import expansions
from bursar import settings as settings_module
from bursar.customers.endpoints import endpoints as customer_endpoints
from bursar.disputes.endpoints import endpoints as dispute_endpoints
from bursar.events.endpoints import endpoints as event_endpoints
from bursar.hooks.endpoints import HookEndpoint
from bursar.http.asgi import Application
from bursar.http.dispatch import Dispatcher
from bursar.http.endpoint import Endpoint
from bursar.http.gates import KeyGate
from bursar.http.metrics import Metrics
from bursar.http.operations import Operations
from bursar.http.routing import add_endpoints
from bursar.http.tracing import Tracing
from bursar.kit import logs
from bursar.kit.interpreter import tune_for_serving
from bursar.ledger.endpoints import endpoints as ledger_endpoints
from bursar.methods.endpoints import endpoints as method_endpoints
from bursar.payments.endpoints import charge_endpoints, intent_endpoints
from bursar.payments.tasks import run_expiry
from bursar.people.gate import ControlGate
from bursar.refunds.endpoints import endpoints as refund_endpoints
from bursar.runtime import Runtime
from bursar.settings import Settings
from bursar.setup_intents.endpoints import endpoints as setup_endpoints
from bursar.tasks import run_bookkeeping, run_housekeeping
from bursar.three_d_secure.pages import AuthenticationPages


def create() -> Application:
    """For worker processes: the settings come by the environment."""
    settings = settings_module.load()
    logs.configure(settings.log_level, settings.log_format)
    return build(settings)


def all_endpoints(runtime: Runtime) -> list[Endpoint]:
    loaders = expansions.loaders(runtime)
    intents, charges = expansions.of_intents(loaders), expansions.of_charges(loaders)
    return [
        *ledger_endpoints(runtime.ledger, {"ch": loaders.charge, "du": loaders.dispute, "re": loaders.refund}),
        *charge_endpoints(runtime.charges, charges),
        *customer_endpoints(runtime.customers),
        *dispute_endpoints(runtime.disputes, expansions.of_disputes(loaders)),
        *event_endpoints(runtime.events),
        *intent_endpoints(runtime.payments, runtime.operations, intents),
        *method_endpoints(runtime.methods),
        *refund_endpoints(runtime.refunds, expansions.of_refunds(loaders)),
        *setup_endpoints(runtime.setups, expansions.of_setups(loaders)),
    ]


def control_endpoints(runtime: Runtime) -> list[Endpoint]:
    """What /api/v1 has. Each is declared with `surface="control"`."""
    return []


def build(settings: Settings) -> Application:
    runtime = Runtime(settings)
    if settings.development:
        runtime.accounts.seed_development()
    metrics = Metrics(shared_folder=os.environ.get("PROMETHEUS_MULTIPROC_DIR"))
    tracing = Tracing(settings.tracing_endpoint) if settings.tracing_endpoint else None
    dispatcher = Dispatcher(
        runtime.store,
        {"data": KeyGate(runtime.directory), "control": ControlGate(runtime.directory)},
        runtime.clock,
        metrics,
        hmac.digest(bytes.fromhex(settings.vault_fingerprint_key), b"idempotency", "sha256"),
        tracing=tracing,
        log_requests=settings.log_requests,
    )
    endpoints, controls = all_endpoints(runtime), control_endpoints(runtime)
    operations = Operations(runtime.store, metrics, endpoints, dispatcher.failure, settings.metrics_token)

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        tune_for_serving()
        background = [
            asyncio.create_task(run_housekeeping(runtime)),
            asyncio.create_task(run_bookkeeping(runtime)),
            asyncio.create_task(operations.keep_gauges_fresh()),
            asyncio.create_task(runtime.resolver.run()),
            asyncio.create_task(run_expiry(runtime.store, runtime.clock, runtime.operations)),
        ]
        try:
            yield
        finally:
            for task in background:
                task.cancel()
            await asyncio.gather(*background, return_exceptions=True)
            await runtime.registry.close()
            # Writes what was accepted; in a thread, as the loop must go on to hand out the answers.
            await asyncio.to_thread(runtime.close)
            if tracing is not None:
                await asyncio.to_thread(tracing.close)

    application = Application(operations.not_found, lifespan)
    add_endpoints(application, [*endpoints, *controls], dispatcher)
    operations.add_routes(application)
    AuthenticationPages(runtime.authentications, dispatcher).add_routes(application)
    HookEndpoint(runtime.hooks, dispatcher).add_routes(application)
    return application
