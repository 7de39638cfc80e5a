"""Setup intents: made, changed, confirmed, canceled, read."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import Connection

from bursar.attempts.service import AttemptService
from bursar.customers import repository as customers
from bursar.http.call import Call, Effect, Staged
from bursar.http.documents import check_cursors, read_page
from bursar.http.endpoint import encode
from bursar.http.paging import Page, missing, window
from bursar.http.params import created_bounds
from bursar.kit.clock import seconds
from bursar.kit.errors import Conflict, InvalidRequest
from bursar.kit.ids import IdFactory
from bursar.kit.scrub import scrub_text
from bursar.methods.schemas import PaymentMethodData
from bursar.methods.service import MethodService, PreparedMethod
from bursar.payments.rules import check_return_url
from bursar.setup_intents import repository, rules
from bursar.setup_intents.confirmation import SetupConfirmation, created_entry
from bursar.setup_intents.outcomes import card_error
from bursar.setup_intents.params import (
    SetupCancelParams,
    SetupConfirmParams,
    SetupListParams,
    SetupParams,
    SetupRetrieveParams,
    SetupUpdateParams,
)
from bursar.setup_intents.repository import StoredSetup
from bursar.setup_intents.schemas import SetupIntent, decode_setup
from bursar.setup_intents.tables import setup_intents
from bursar.store.log import Entry
from bursar.store.store import Store
from bursar.store.unit import Unit

URL = "/v1/setup_intents"


class SetupService:
    def __init__(
        self,
        store: Store,
        ids: IdFactory,
        methods: MethodService,
        attempts: AttemptService,
        confirmation: SetupConfirmation,
    ) -> None:
        self._store = store
        self._ids = ids
        self._methods = methods
        self._attempts = attempts
        self._confirmation = confirmation

    async def create(self, call: Call, params: SetupParams) -> Effect | Staged:
        check_return_url(params.return_url)
        setup_id, now = self._ids.new_with_time(repository.PREFIX)
        setup = rules.new_setup(params, setup_id, self._ids.secret(), seconds(now), livemode=bool(call.livemode))
        if setup.customer is not None:
            await self._require_customer(call, setup.customer)
        prepared = await self._given_method(call, params.payment_method, params.payment_method_data, use=params.confirm)
        if params.confirm:
            prepared = _required(prepared, None)
            return self._confirmation.begin(call, StoredSetup(setup, 0), prepared, params.return_url)
        unit = Unit()
        if prepared is not None:
            setup, unit = _with_method(setup, prepared)
        document = encode(setup)
        unit.changes.append(repository.insertion(call.org_id, call.livemode, setup, document))
        unit.entries.append(created_entry(call, setup.id, document))
        return Effect(setup, unit, document)

    async def update(self, call: Call, params: SetupUpdateParams) -> Effect:
        stored = await self._find(call)
        before = stored.setup
        _require_idle(stored)
        if rules.changes_the_card(params):
            rules.require_status(before, rules.CHANGEABLE, "be changed in this way")
        after = rules.updated(before, params)
        if after.customer is not None and after.customer != before.customer:
            await self._require_customer(call, after.customer)
        unit = Unit()
        prepared = await self._given_method(call, params.payment_method, params.payment_method_data, use=False)
        if prepared is not None:
            after, unit = _with_method(after, prepared)
        elif after.customer != before.customer and after.payment_method is not None:
            rules.check_owner(after, (await self._methods.find(call, after.payment_method)).method)
        after = rules.restarted(before, after)
        document = encode(after)
        if after == before:
            return Effect(after, Unit(), document)
        waits_for = stored.authentication_id if after.next_action is not None else None
        unit.changes.append(
            repository.update(call.org_id, call.livemode, stored, after, document, authentication_id=waits_for)
        )
        return Effect(after, unit, document)

    async def confirm(self, call: Call, params: SetupConfirmParams) -> Staged:
        check_return_url(params.return_url)
        stored = await self._find(call, params.client_secret)
        _require_idle(stored)
        rules.require_status(stored.setup, rules.CONFIRMABLE, "be confirmed")
        options = rules.options(stored.setup.payment_method_options, params.payment_method_options)
        setup = msgspec.structs.replace(stored.setup, payment_method_options=options)
        prepared = await self._given_method(call, params.payment_method, params.payment_method_data, use=True)
        if prepared is None and setup.payment_method is not None:
            prepared = await self._methods.from_id(call, setup.payment_method)
        changed = StoredSetup(setup, stored.version, None, stored.authentication_id)
        return self._confirmation.begin(call, changed, _required(prepared, setup), params.return_url)

    async def cancel(self, call: Call, params: SetupCancelParams) -> Effect:
        """Nothing is held at the bank, so it need not be asked."""
        stored = await self._find(call)
        _require_idle(stored)
        rules.require_status(stored.setup, rules.CANCELABLE, "be canceled")
        after = msgspec.structs.replace(
            stored.setup, status="canceled", cancellation_reason=params.cancellation_reason, next_action=None
        )
        document = encode(after)
        change = repository.update(call.org_id, call.livemode, stored, after, document)
        entry = Entry(call.org_id, call.livemode, "setup_intent.canceled", after.id, document, origin=call.origin())
        return Effect(after, Unit([change], [entry]), document)

    async def resume(self, call: Call, attempt_id: str) -> Effect | None:
        """What an attempt came to that its own request did not see the end of; None while it is open."""
        attempt = await self._attempts.find(call.org_id, call.livemode, attempt_id)
        assert attempt is not None, "an idempotency key names an attempt that exists"
        if attempt.is_open:
            return None
        stored = await self._find_by_id(call, attempt.subject_id)
        effect = Effect(stored.setup, Unit())
        if attempt.state in ("declined", "failed", "reversed") and stored.setup.last_setup_error is not None:
            effect.error = card_error(stored.setup)
        return effect

    async def retrieve(self, call: Call, params: SetupRetrieveParams) -> SetupIntent:
        return (await self._find(call, params.client_secret)).setup

    async def page(self, call: Call, params: SetupListParams) -> Page[SetupIntent]:
        view = window(params)
        created = created_bounds(params.created)
        conditions = []
        if params.customer is not None:
            conditions.append(setup_intents.c.customer == params.customer)
        if params.payment_method is not None:
            conditions.append(setup_intents.c.payment_method == params.payment_method)

        def query(connection: Connection) -> list[str]:
            check_cursors(connection, setup_intents, call, params, "setup_intent")
            return read_page(connection, setup_intents, call, view, created, repository.PREFIX, conditions)

        documents, has_more = view.cut(await self._store.read(query))
        return Page(data=[decode_setup(document) for document in documents], has_more=has_more, url=URL)

    async def _find(self, call: Call, client_secret: str | None = None) -> StoredSetup:
        """The setup that the address names; a publishable key needs the setup's secret, too."""
        stored = await self._find_by_id(call, call.path["intent"])
        if (call.is_public or client_secret is not None) and client_secret != stored.setup.client_secret:
            if client_secret is None:
                raise InvalidRequest(
                    "A publishable key needs the client_secret of the setup intent.",
                    param="client_secret",
                    code="parameter_missing",
                )
            raise missing("setup_intent", call.path["intent"], "intent")
        return stored

    async def _find_by_id(self, call: Call, setup_id: str) -> StoredSetup:
        found = await self._store.read(
            lambda connection: repository.find(connection, call.org_id, call.livemode, setup_id)
        )
        if found is None:
            raise missing("setup_intent", setup_id, "intent")
        return found

    async def _given_method(
        self, call: Call, method_id: str | UnsetType, data: PaymentMethodData | None, *, use: bool
    ) -> PreparedMethod | None:
        if data is not None:
            if method_id is not UNSET and method_id:
                raise InvalidRequest(
                    "Send either payment_method or payment_method_data, not both.", param="payment_method"
                )
            rules.check_kind(data.type, "payment_method_data[type]")
            return await self._methods.from_data(call, data, use=use)
        if isinstance(method_id, str) and method_id:
            prepared = await self._methods.from_id(call, method_id, use=use)
            rules.check_kind(prepared.method.type, "payment_method")
            return prepared
        return None

    async def _require_customer(self, call: Call, customer_id: str) -> None:
        found = await self._store.read(
            lambda connection: customers.find(connection, call.org_id, call.livemode, customer_id)
        )
        if found is None:
            raise missing("customer", scrub_text(customer_id), "customer")


def _with_method(setup: SetupIntent, prepared: PreparedMethod) -> tuple[SetupIntent, Unit]:
    """The setup with the method that it shall be confirmed with, and what makes the method durable."""
    rules.check_owner(setup, prepared.method)
    after = msgspec.structs.replace(setup, payment_method=prepared.method.id, status="requires_confirmation")
    return after, Unit(prepared.changes, prepared.entries)


def _required(prepared: PreparedMethod | None, setup: SetupIntent | None) -> PreparedMethod:
    if prepared is None:
        raise InvalidRequest(
            "This setup intent cannot be confirmed because it has no payment method. Send payment_method or "
            "payment_method_data.",
            param="payment_method",
            code="setup_intent_unexpected_state",
            extras={} if setup is None else {"setup_intent": setup},
        )
    return prepared


def _require_idle(stored: StoredSetup) -> None:
    """While the bank is being asked about a setup, it must not change."""
    if stored.attempt_id is not None:
        raise Conflict(
            "The bank is being asked about this setup intent right now; try again shortly.", code="lock_timeout"
        )
