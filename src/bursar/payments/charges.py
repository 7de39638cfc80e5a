"""Charges: read, described, and captured by the older way."""

from __future__ import annotations

import dataclasses
from typing import Any

import msgspec
from msgspec import UNSET
from sqlalchemy import Connection

from bursar.http.call import Call, Effect, Staged
from bursar.http.documents import check_cursors, clause_condition, read_page, read_search
from bursar.http.endpoint import encode
from bursar.http.paging import Page, SearchPage, missing, read_search_cursor, search_cursor, window
from bursar.http.params import SearchParams, changed_metadata, created_bounds
from bursar.http.search import FieldKind, parse_query
from bursar.kit.errors import InvalidRequest
from bursar.payments import charge_repository, rules
from bursar.payments.charge_repository import KIND, PREFIX, StoredCharge
from bursar.payments.charge_schemas import Charge, FraudDetails, decode_charge
from bursar.payments.operations import OperationService
from bursar.payments.params import (
    ChargeCaptureParams,
    ChargeListParams,
    ChargeUpdateParams,
    IntentCaptureParams,
)
from bursar.payments.tables import charges
from bursar.store.log import Entry, differences
from bursar.store.search_index import Terms
from bursar.store.store import Store
from bursar.store.unit import Unit

URL = "/v1/charges"
SEARCH_URL = f"{URL}/search"
SEARCHABLE = {
    "amount": FieldKind.NUMBER,
    "created": FieldKind.NUMBER,
    "currency": FieldKind.TOKEN,
    "customer": FieldKind.TOKEN,
    "metadata": FieldKind.MAP,
    "payment_intent": FieldKind.TOKEN,
    "status": FieldKind.TOKEN,
}


class ChargeService:
    def __init__(self, store: Store, operations: OperationService) -> None:
        self._store = store
        self._operations = operations

    async def retrieve(self, call: Call) -> Charge:
        return (await self.find(call, call.path["charge"])).charge

    async def update(self, call: Call, params: ChargeUpdateParams) -> Effect:
        stored = await self.find(call, call.path["charge"])
        before = stored.charge
        after = msgspec.structs.replace(before, **_described(before, params))
        document = encode(after)
        if after == before:
            return Effect(after, Unit(), document)
        changed = dataclasses.replace(stored, charge=after)
        changes = charge_repository.update(call.org_id, call.livemode, stored, changed, document)
        previous = differences(encode(before), document)
        entry = Entry(call.org_id, call.livemode, "charge.updated", after.id, document, previous, call.origin())
        return Effect(after, Unit(changes, [entry]), document)

    async def capture(self, call: Call, params: ChargeCaptureParams) -> Staged:
        charge = (await self.find(call, call.path["charge"])).charge
        if charge.captured or charge.payment_intent is None:
            raise InvalidRequest(f"The charge {charge.id} has been captured already.", code="charge_already_captured")
        asked = IntentCaptureParams(
            amount_to_capture=params.amount,
            statement_descriptor=params.statement_descriptor,
            statement_descriptor_suffix=params.statement_descriptor_suffix,
        )
        call.path["intent"] = charge.payment_intent
        staged = await self._operations.capture(call, asked)

        async def finish() -> Effect:
            """The answer is the charge, as the same commit leaves it."""
            return self._as_charge(await staged.finish(), charge)

        return Staged(staged.unit, staged.attempt_id, finish)

    def _as_charge(self, effect: Effect, before: Charge) -> Effect:
        told = [entry.document for entry in effect.unit.entries if entry.object_id == before.id]
        effect.document = told[-1] if told else encode(before)
        effect.result = decode_charge(effect.document.decode())
        return effect

    async def resume(self, call: Call, attempt_id: str) -> Effect | None:
        """As for the intent; the answer is the charge."""
        effect = await self._operations.resume(call, attempt_id)
        if effect is None or effect.error is not None:
            return effect
        charge = (await self.find(call, call.path["charge"])).charge
        return Effect(charge, effect.unit)

    async def page(self, call: Call, params: ChargeListParams) -> Page[Charge]:
        view = window(params)
        created = created_bounds(params.created)
        conditions = []
        if params.customer is not None:
            conditions.append(charges.c.customer == params.customer)
        if params.payment_intent is not None:
            conditions.append(charges.c.payment_intent == params.payment_intent)

        def query(connection: Connection) -> list[str]:
            check_cursors(connection, charges, call, params, KIND)
            return read_page(connection, charges, call, view, created, PREFIX, conditions)

        documents, has_more = view.cut(await self._store.read(query))
        return Page(data=[decode_charge(document) for document in documents], has_more=has_more, url=URL)

    async def search(self, call: Call, params: SearchParams) -> SearchPage[Charge]:
        query = parse_query(params.query, SEARCHABLE)
        after_id = read_search_cursor(params.page)

        def read(connection: Connection) -> list[str]:
            terms = Terms.read(connection, call.org_id, call.livemode, charges)
            return read_search(
                connection,
                charges,
                call,
                query,
                lambda clause: clause_condition(charges, PREFIX, KIND, terms, clause),
                after_id,
                params.limit + 1,
            )

        documents = await self._store.read(read)
        data = [decode_charge(document) for document in documents[: params.limit]]
        has_more = len(documents) > params.limit
        next_page = search_cursor(data[-1].id) if has_more else None
        return SearchPage(data=data, has_more=has_more, next_page=next_page, url=SEARCH_URL)

    async def find(self, call: Call, charge_id: str, param: str = "charge") -> StoredCharge:
        found = await self._store.read(
            lambda connection: charge_repository.find(connection, call.org_id, call.livemode, charge_id)
        )
        if found is None:
            raise missing("charge", charge_id, param)
        return found


def _described(charge: Charge, params: ChargeUpdateParams) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    for name in ("description", "receipt_email", "transfer_group"):
        if (value := getattr(params, name)) is not UNSET:
            changes[name] = value or None
    if params.customer is not None and params.customer != charge.customer:
        if charge.customer is not None:
            raise InvalidRequest("A charge that has a customer keeps it.", param="customer")
        changes["customer"] = params.customer
    if params.shipping is not UNSET:
        changes["shipping"] = rules.shipping(params.shipping)
    if params.fraud_details is not None:
        changes["fraud_details"] = FraudDetails(user_report=params.fraud_details.user_report or None)
    if params.metadata is not UNSET:
        changes["metadata"] = changed_metadata(charge.metadata, params.metadata)
    return changes
