"""Payment intents: made, changed, confirmed, read."""

from __future__ import annotations

import dataclasses

import msgspec
from msgspec import UNSET
from sqlalchemy import Connection

from bursar.attempts.service import AttemptService
from bursar.customers import repository as customers
from bursar.http.call import Call, Effect, Staged
from bursar.http.documents import check_cursors, clause_condition, read_page, read_search
from bursar.http.endpoint import encode
from bursar.http.paging import Page, SearchPage, missing, read_search_cursor, search_cursor, window
from bursar.http.params import SearchParams, created_bounds
from bursar.http.search import parse_query
from bursar.kit.clock import seconds
from bursar.kit.errors import Conflict, InvalidRequest
from bursar.kit.ids import IdFactory
from bursar.ledger.accounts import MAIN_WALLET
from bursar.methods.schemas import PaymentMethodData
from bursar.methods.service import MethodService, PreparedMethod
from bursar.payments import method_rules, repository, rules
from bursar.payments.confirmation import Confirmation, check_owner, created_entry
from bursar.payments.outcomes import error_of
from bursar.payments.params import (
    DescribedParams,
    IntentConfirmParams,
    IntentListParams,
    IntentParams,
    IntentRetrieveParams,
    IntentUpdateParams,
)
from bursar.payments.repository import StoredIntent
from bursar.payments.schemas import PaymentIntent, decode_intent
from bursar.payments.tables import payment_intents
from bursar.store.search_index import Terms
from bursar.store.store import Store
from bursar.store.unit import Unit

URL = "/v1/payment_intents"
SEARCH_URL = f"{URL}/search"


class PaymentService:
    def __init__(
        self,
        store: Store,
        ids: IdFactory,
        methods: MethodService,
        attempts: AttemptService,
        confirmation: Confirmation,
    ) -> None:
        self._store = store
        self._ids = ids
        self._methods = methods
        self._attempts = attempts
        self._confirmation = confirmation

    async def create(
        self,
        call: Call,
        params: IntentParams,
        *,
        wallet: str = MAIN_WALLET,
        service_fee_minor: int = 0,
        transaction_id: str | None = None,
    ) -> Effect | Staged:
        """For a wallet all its money moves in that wallet's accounts, but for the fee, which the main wallet gets."""
        rules.check_return_url(params.return_url)
        intent_id, now = self._ids.new_with_time(repository.PREFIX)
        intent = rules.new_intent(params, intent_id, self._ids.secret(), seconds(now), livemode=bool(call.livemode))
        if intent.customer is not None:
            await self._require_customer(call, intent.customer)
        assert 0 <= service_fee_minor <= intent.amount, "a fee is part of what is paid"
        attribution = repository.attributed(wallet, service_fee_minor, transaction_id)
        prepared = await self._given_method(call, params, use=params.confirm)
        if params.confirm:
            new = StoredIntent(intent, 0, attribution=attribution)
            return self._confirmation.begin(call, new, _required(prepared, intent), params)
        unit = Unit()
        if prepared is not None:
            check_owner(intent, prepared)
            intent = method_rules.paid_with(intent, prepared.method)
            intent.status = "requires_confirmation"
            unit = Unit(prepared.changes, prepared.entries)
        document = encode(intent)
        unit.changes += repository.insertion(call.org_id, call.livemode, intent, document, None, attribution)
        unit.entries.append(created_entry(call, intent.id, document))
        return Effect(intent, unit, document)

    async def update(self, call: Call, params: IntentUpdateParams) -> Effect:
        stored = await self.find(call)
        before = stored.intent
        if _touches_money(params):
            rules.require_status(before, rules.CHANGEABLE, "be changed in this way")
        require_idle(stored)
        after = rules.updated(before, params)
        if after.customer is not None and after.customer != before.customer:
            await self._require_customer(call, after.customer)
        prepared = await self._given_method(call, params, use=False)
        unit = Unit()
        if prepared is not None:
            check_owner(after, prepared)
            after = method_rules.paid_with(after, prepared.method)
            unit = Unit(prepared.changes, prepared.entries)
        starts_over = _starts_over(before, after)
        if starts_over:
            status = "requires_confirmation" if after.payment_method else "requires_payment_method"
            after = msgspec.structs.replace(after, status=status, next_action=None)
        document = encode(after)
        if after == before:
            return Effect(after, Unit(), document)
        keep = None if starts_over else stored.authentication_id
        if starts_over:
            unit.changes += await self._confirmation.given_up(call, stored)
        unit.changes += repository.update(call.org_id, call.livemode, stored, after, document, authentication_id=keep)
        return Effect(after, unit, document)

    async def confirm(self, call: Call, params: IntentConfirmParams) -> Effect | Staged:
        rules.check_return_url(params.return_url)
        stored = await self.find(call, params.client_secret)
        require_idle(stored)
        rules.require_status(stored.intent, rules.CONFIRMABLE, "be confirmed")
        if call.is_public and stored.intent.confirmation_method == "manual":
            raise InvalidRequest(
                "This payment intent has the confirmation method manual: confirm it from your server, with its "
                "secret key.",
                code="payment_intent_unexpected_state",
            )
        intent = rules.prepared_to_confirm(stored.intent, params)
        prepared = await self._given_method(call, params, use=True)
        if prepared is None and intent.payment_method is not None:
            authenticated = await self._confirmation.after_authentication(call, stored, intent)
            if authenticated is not None:
                return authenticated
            prepared = await self._methods.from_id(call, intent.payment_method)
        changed = dataclasses.replace(stored, intent=intent)
        given_up = await self._confirmation.given_up(call, stored)
        return self._confirmation.begin(call, changed, _required(prepared, intent), params, given_up)

    async def resume(self, call: Call, attempt_id: str) -> Effect | None:
        """What an attempt came to that its own request did not see the end of; None while it is open."""
        attempt = await self._attempts.find(call.org_id, call.livemode, attempt_id)
        assert attempt is not None, "an idempotency key names an attempt that exists"
        if attempt.is_open:
            return None
        stored = await self.find_by_id(call, attempt.subject_id)
        return Effect(stored.intent, Unit(), error=error_of(attempt, stored.intent))

    async def retrieve(self, call: Call, params: IntentRetrieveParams) -> PaymentIntent:
        return (await self.find(call, params.client_secret)).intent

    async def page(self, call: Call, params: IntentListParams) -> Page[PaymentIntent]:
        view = window(params)
        created = created_bounds(params.created)
        conditions = [] if params.customer is None else [payment_intents.c.customer == params.customer]

        def query(connection: Connection) -> list[str]:
            check_cursors(connection, payment_intents, call, params, "payment_intent")
            return read_page(connection, payment_intents, call, view, created, repository.PREFIX, conditions)

        documents, has_more = view.cut(await self._store.read(query))
        return Page(data=[decode_intent(document) for document in documents], has_more=has_more, url=URL)

    async def search(self, call: Call, params: SearchParams) -> SearchPage[PaymentIntent]:
        query = parse_query(params.query, rules.SEARCHABLE)
        after_id = read_search_cursor(params.page)

        def read(connection: Connection) -> list[str]:
            terms = Terms.read(connection, call.org_id, call.livemode, payment_intents)
            return read_search(
                connection,
                payment_intents,
                call,
                query,
                lambda clause: clause_condition(payment_intents, repository.PREFIX, repository.KIND, terms, clause),
                after_id,
                params.limit + 1,
            )

        documents = await self._store.read(read)
        data = [decode_intent(document) for document in documents[: params.limit]]
        has_more = len(documents) > params.limit
        next_page = search_cursor(data[-1].id) if has_more else None
        return SearchPage(data=data, has_more=has_more, next_page=next_page, url=SEARCH_URL)

    async def find(self, call: Call, client_secret: str | None = None) -> StoredIntent:
        """The intent that the address names; a publishable key needs the intent's secret, too."""
        stored = await self.find_by_id(call, call.path["intent"])
        if (call.is_public or client_secret is not None) and client_secret != stored.intent.client_secret:
            if call.is_public and client_secret is None:
                raise InvalidRequest(
                    "A publishable key needs the client_secret of the payment intent.",
                    param="client_secret",
                    code="parameter_missing",
                )
            raise missing("payment_intent", call.path["intent"], "intent")
        return stored

    async def find_by_id(self, call: Call, intent_id: str) -> StoredIntent:
        found = await self._store.read(
            lambda connection: repository.find(connection, call.org_id, call.livemode, intent_id)
        )
        if found is None:
            raise missing("payment_intent", intent_id, "intent")
        return found

    async def _given_method(
        self, call: Call, params: DescribedParams | IntentConfirmParams, *, use: bool
    ) -> PreparedMethod | None:
        data: PaymentMethodData | None = params.payment_method_data
        method_id = params.payment_method
        if data is not None:
            if method_id is not UNSET and method_id:
                raise InvalidRequest(
                    "Send either payment_method or payment_method_data, not both.", param="payment_method"
                )
            return await self._methods.from_data(call, data, use=use)
        if isinstance(method_id, str) and method_id:
            return await self._methods.from_id(call, method_id, use=use)
        return None

    async def _require_customer(self, call: Call, customer_id: str) -> None:
        found = await self._store.read(
            lambda connection: customers.find(connection, call.org_id, call.livemode, customer_id)
        )
        if found is None:
            raise missing("customer", customer_id, "customer")


def _required(prepared: PreparedMethod | None, intent: PaymentIntent) -> PreparedMethod:
    if prepared is None:
        raise InvalidRequest(
            "This payment intent cannot be confirmed because it has no payment method. Send payment_method or "
            "payment_method_data.",
            param="payment_method",
            code="payment_intent_unexpected_state",
            extras={"payment_intent": intent},
        )
    return prepared


def require_idle(stored: StoredIntent) -> None:
    """While the bank is being asked about an intent, its money must not change."""
    if stored.attempt_id is not None:
        raise Conflict(
            "The bank is being asked about this payment intent right now; try again shortly.", code="lock_timeout"
        )


def _touches_money(params: IntentUpdateParams) -> bool:
    """What may still be changed at any time is what only describes the payment."""
    return (
        params.amount is not None
        or params.currency is not None
        or params.customer is not UNSET
        or params.payment_method is not UNSET
        or params.payment_method_data is not None
        or params.payment_method_options is not None
        or params.payment_method_types is not None
        or params.capture_method is not None
        or params.setup_future_usage is not UNSET
    )


def _starts_over(before: PaymentIntent, after: PaymentIntent) -> bool:
    """An authentication is for one amount, one currency, one payment method, and one way to take the money."""
    members = ("amount", "currency", "payment_method", "capture_method", "payment_method_options")
    return any(getattr(before, name) != getattr(after, name) for name in members)
