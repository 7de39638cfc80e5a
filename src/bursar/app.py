"""The HTTP server: wiring only."""

from __future__ import annotations

import asyncio
import hmac
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from bursar import expansions
from bursar import settings as settings_module
from bursar.accounts.endpoints import endpoints as account_endpoints
from bursar.accounts.gate import ActiveGate
from bursar.accounts.service import COMMAND_LINE, DEVELOPMENT_ORG_ID
from bursar.accounts.tasks import run_key_uses
from bursar.audit.endpoints import endpoints as audit_endpoints
from bursar.audit.export import ENDPOINT as AUDIT_EXPORT
from bursar.audit.export import AuditExportRoute
from bursar.checkout.pages import CheckoutPages
from bursar.contracts.endpoints import endpoints as contract_endpoints
from bursar.customers.endpoints import endpoints as customer_endpoints
from bursar.disputes.endpoints import endpoints as dispute_endpoints
from bursar.events.endpoints import endpoints as event_endpoints
from bursar.federation.endpoints import endpoints as federation_endpoints
from bursar.hooks.endpoints import HookEndpoint
from bursar.hooks.endpoints import control_endpoints as hook_endpoints
from bursar.http.asgi import Application
from bursar.http.dispatch import Dispatcher
from bursar.http.endpoint import Endpoint
from bursar.http.gates import KeyGate
from bursar.http.metrics import Metrics
from bursar.http.operations import Operations
from bursar.http.routing import add_endpoints
from bursar.http.tracing import Tracing
from bursar.kit import logs
from bursar.kit.permissions import OWNER
from bursar.ledger.endpoints import endpoints as ledger_endpoints
from bursar.memberships.endpoints import endpoints as member_endpoints
from bursar.methods.endpoints import endpoints as method_endpoints
from bursar.notifications.endpoints import endpoints as notification_endpoints
from bursar.payment_sessions.endpoints import endpoints as session_endpoints
from bursar.payments.endpoints import charge_endpoints, intent_endpoints
from bursar.people.endpoints import endpoints as people_endpoints
from bursar.people.key_set import KeySetPages
from bursar.plain_payments.endpoints import endpoints as plain_payment_endpoints
from bursar.processes.endpoints import endpoints as process_endpoints
from bursar.processes.service import ProcessService
from bursar.refunds.endpoints import endpoints as refund_endpoints
from bursar.registration.endpoints import endpoints as registration_endpoints
from bursar.returns.pages import ReturnPages
from bursar.runtime import Runtime
from bursar.second_factors.endpoints import endpoints as second_factor_endpoints
from bursar.settings import Settings
from bursar.setup_intents.endpoints import endpoints as setup_endpoints
from bursar.streams.endpoints import endpoints as stream_endpoints
from bursar.three_d_secure.pages import AuthenticationPages
from bursar.transactions.endpoints import endpoints as transaction_endpoints
from bursar.upi_pages.pages import UpiPages
from bursar.wallets.endpoints import endpoints as wallet_endpoints
from bursar.webhooks.endpoints import control_endpoints as webhook_control_endpoints
from bursar.webhooks.endpoints import endpoints as webhook_endpoints
from bursar.withdrawals.endpoints import endpoints as withdrawal_endpoints
from bursar.workers import registry
from bursar.workers.background import report_to, working
from bursar.workers.turns import Job


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
        *webhook_endpoints(runtime.webhooks.endpoints),
    ]


def control_endpoints(runtime: Runtime) -> list[Endpoint]:
    """What /api/v1 has. Each is declared with `surface="control"`."""
    return [
        *account_endpoints(runtime, lambda: [*all_endpoints(runtime), *control_endpoints(runtime)]),
        *audit_endpoints(runtime.audit),
        AUDIT_EXPORT,
        *contract_endpoints(runtime.contracts),
        *federation_endpoints(runtime.federation.service),
        *hook_endpoints(runtime.hooks.inbox),
        *member_endpoints(runtime.memberships, runtime.invitations),
        *second_factor_endpoints(runtime.second_factors),
        *registration_endpoints(runtime.registration, runtime.verification),
        *notification_endpoints(runtime.notifications.service),
        *people_endpoints(runtime.identity.sign_in, runtime.identity.sessions, runtime.identity.profile),
        *plain_payment_endpoints(runtime.plain_payments),
        *process_endpoints(ProcessService(runtime.store, runtime.clock, tuple(registry.ROLES))),
        *session_endpoints(runtime.payment_sessions, runtime.accepting, runtime.refunding, runtime.payers),
        *stream_endpoints(runtime.streams.service),
        *transaction_endpoints(runtime.transactions),
        *wallet_endpoints(runtime.wallets, runtime.transfers, runtime.statements),
        *webhook_control_endpoints(runtime.webhooks.endpoints, runtime.webhooks.deliveries),
        *withdrawal_endpoints(runtime.withdrawals),
    ]


def build(settings: Settings) -> Application:
    registry.chosen(settings.worker_roles)  # refused before anything is opened
    return assemble(Runtime(settings))


def assemble(runtime: Runtime) -> Application:
    settings = runtime.settings
    roles = registry.chosen(settings.worker_roles)
    if settings.development:
        runtime.accounts.seed_development()
        runtime.contracts.seed_development(DEVELOPMENT_ORG_ID)
        owner_id = runtime.identity.seed_development(DEVELOPMENT_ORG_ID)
        runtime.memberships.add_blocking(DEVELOPMENT_ORG_ID, owner_id, OWNER, COMMAND_LINE)
        runtime.wallets.seed_development(DEVELOPMENT_ORG_ID)
    metrics = Metrics(shared_folder=os.environ.get("PROMETHEUS_MULTIPROC_DIR"))
    tracing = Tracing(settings.tracing_endpoint) if settings.tracing_endpoint else None
    dispatcher = Dispatcher(
        runtime.store,
        {
            "data": KeyGate(runtime.directory),
            "control": ActiveGate(runtime.identity.gate(runtime.directory), runtime.organisations),
        },
        runtime.clock,
        metrics,
        hmac.digest(bytes.fromhex(settings.vault_fingerprint_key), b"idempotency", "sha256"),
        tracing=tracing,
        limiter=runtime.limits,
        recorder=runtime.recorder,
        log_requests=settings.log_requests,
    )
    report_to(runtime, metrics)
    endpoints, controls = all_endpoints(runtime), control_endpoints(runtime)
    operations = Operations(runtime.store, metrics, endpoints, dispatcher.failure, settings.metrics_token, controls)

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        key_uses = partial(run_key_uses, runtime.directory.uses)
        own_jobs: list[Job] = [key_uses, runtime.recorder.run, operations.keep_gauges_fresh]
        try:
            async with working(runtime, "dev" if settings.development else "serve", roles, own_jobs):
                yield
        finally:
            if tracing is not None:
                await asyncio.to_thread(tracing.close)

    application = Application(operations.not_found, lifespan)
    add_endpoints(application, [*endpoints, *controls], dispatcher)
    operations.add_routes(application)
    AuthenticationPages(runtime.authentications, dispatcher).add_routes(application)
    HookEndpoint(runtime.hooks.service, dispatcher).add_routes(application)
    AuditExportRoute(runtime.audit, dispatcher).add_routes(application)
    ReturnPages(runtime.customer_returns, dispatcher).add_routes(application)
    UpiPages(runtime.upi_pages, dispatcher).add_routes(application)
    CheckoutPages(runtime.checkout, runtime.clock, dispatcher).add_routes(application)
    KeySetPages(runtime.identity.keys, dispatcher).add_routes(application)
    runtime.federation.pages(dispatcher).add_routes(application)
    return application
