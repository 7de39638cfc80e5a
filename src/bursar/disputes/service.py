"""Disputes: answered, given up, read."""

from __future__ import annotations

import dataclasses

from sqlalchemy import Connection

from bursar.connectors.contract import AcceptDispute, Account, BankDispute, DisputeOrder, SubmitEvidence
from bursar.connectors.registry import NoAcquirer, Registry, UnknownConnector
from bursar.disputes import repository, rules
from bursar.disputes.repository import KIND, PREFIX, StoredDispute
from bursar.disputes.schemas import Dispute, DisputeListParams, DisputeUpdateParams, decode_dispute
from bursar.disputes.settlement import DisputeSettlement
from bursar.disputes.tables import disputes
from bursar.http.call import Call, Effect, Staged
from bursar.http.documents import check_cursors, read_page
from bursar.http.endpoint import encode
from bursar.http.paging import Page, missing, window
from bursar.http.params import Params, created_bounds
from bursar.kit.clock import Clock, seconds
from bursar.kit.errors import InvalidRequest, Unavailable
from bursar.payments import charge_repository
from bursar.store.errors import RowsExpected
from bursar.store.log import Entry, differences
from bursar.store.store import Store
from bursar.store.unit import Unit

URL = "/v1/disputes"
APPLY_REPEATS_MAX = 20


class DisputeService:
    def __init__(self, store: Store, clock: Clock, registry: Registry, settlement: DisputeSettlement) -> None:
        self._store = store
        self._clock = clock
        self._registry = registry
        self._settlement = settlement

    async def retrieve(self, call: Call) -> Dispute:
        return self._shown((await self.find(call, call.path["dispute"])).dispute)

    async def page(self, call: Call, params: DisputeListParams) -> Page[Dispute]:
        view = window(params)
        created = created_bounds(params.created)
        equal = {disputes.c.charge: params.charge, disputes.c.payment_intent: params.payment_intent}
        conditions = [column == value for column, value in equal.items() if value is not None]

        def query(connection: Connection) -> list[str]:
            check_cursors(connection, disputes, call, params, KIND)
            return read_page(connection, disputes, call, view, created, PREFIX, conditions)

        documents, has_more = view.cut(await self._store.read(query))
        data = [self._shown(decode_dispute(document)) for document in documents]
        return Page(data=data, has_more=has_more, url=URL)

    async def update(self, call: Call, params: DisputeUpdateParams) -> Effect | Staged:
        stored = await self.find(call, call.path["dispute"])
        before, after = stored.dispute, rules.described(stored.dispute, params)
        rules.check_evidence(before, after, params)
        unit, document = Unit(), encode(after)
        if after != before:
            changed = dataclasses.replace(stored, dispute=after)
            unit.changes.append(repository.storing(call.org_id, call.livemode, stored, changed, document))
            previous, origin = differences(encode(before), document), call.origin()
            place = (call.org_id, call.livemode)
            unit.entries.append(Entry(*place, "charge.dispute.updated", after.id, document, previous, origin))
        if not rules.is_submitted(params):
            return Effect(self._shown(after), unit)

        async def finish() -> Effect:
            return await self._submit(call, after.id)

        # The evidence is durable before it is sent. Sending it is repeatable, so no attempt has to be kept of that.
        return Staged(unit, after.id, finish)

    async def resume_update(self, call: Call, dispute_id: str) -> Effect | None:
        dispute = (await self.find(call, dispute_id)).dispute
        if dispute.status not in rules.ANSWERABLE:
            return Effect(self._shown(dispute), Unit())
        try:
            return await self._submit(call, dispute_id)
        except Unavailable:
            return None

    async def close(self, call: Call, _params: Params) -> Staged:
        dispute = (await self.find(call, call.path["dispute"])).dispute
        rules.require_open(dispute)

        async def finish() -> Effect:
            return await self._accept(call, dispute.id)

        return Staged(Unit(), dispute.id, finish)

    async def resume_close(self, call: Call, dispute_id: str) -> Effect | None:
        dispute = (await self.find(call, dispute_id)).dispute
        if dispute.status in rules.ENDS:
            return Effect(self._shown(dispute), Unit())
        try:
            return await self._accept(call, dispute_id)
        except Unavailable:
            return None

    async def find(self, call: Call, dispute_id: str) -> StoredDispute:
        found = await self._store.read(
            lambda connection: repository.find(connection, call.org_id, call.livemode, dispute_id)
        )
        if found is None:
            raise missing(KIND, dispute_id)
        return found

    async def _submit(self, call: Call, dispute_id: str) -> Effect:
        stored = await self.find(call, dispute_id)
        evidence, name = stored.dispute.evidence.texts(), stored.bank_reference
        return await self._ask(
            call, stored, SubmitEvidence(account=self._account(call), dispute_id=name, evidence=evidence)
        )

    async def _accept(self, call: Call, dispute_id: str) -> Effect:
        stored = await self.find(call, dispute_id)
        order = AcceptDispute(account=self._account(call), dispute_id=stored.bank_reference)
        return await self._ask(call, stored, order)

    async def _ask(self, call: Call, stored: StoredDispute, order: DisputeOrder) -> Effect:
        try:
            answer = await self._registry.connector(stored.connector).dispute(order)
        except UnknownConnector as problem:
            raise Unavailable(str(problem)) from problem
        if answer.kind == "refused":
            error = InvalidRequest(f"The bank refused this: {answer.code}. Retrieve the dispute to see how it stands.")
            return Effect(stored.dispute, Unit(), error=error)
        if answer.dispute is None:
            raise Unavailable(
                "The bank cannot be reached, so the dispute is as it was. What was sent is kept; try again."
            )
        dispute = self._shown(await self._apply(call, stored, answer.dispute))
        return Effect(dispute, Unit(), encode(dispute))

    async def _apply(self, call: Call, stored: StoredDispute, told: BankDispute) -> Dispute:
        """The bank's own message of it may have come first."""
        place = (call.org_id, call.livemode)

        def work(connection: Connection) -> tuple[Dispute, Unit]:
            current = repository.find(connection, *place, stored.dispute.id)
            charge = charge_repository.find(connection, *place, stored.dispute.charge)
            assert current is not None and charge is not None, "a dispute and its charge are never deleted"
            is_news = rules.compare(current.dispute, told) == "new"
            if not is_news or not rules.fits(told, current.withdrawn_minor, charge.left_minor):
                return current.dispute, Unit()
            return self._settlement.apply(place, charge, current, told, call.origin())

        for repeats_left in reversed(range(APPLY_REPEATS_MAX)):
            try:
                dispute: Dispute = await self._store.transact(work)
            except RowsExpected:
                if not repeats_left:
                    raise
            else:
                return dispute
        raise AssertionError("the loop above returns or raises")

    def _account(self, call: Call) -> Account:
        try:
            return self._registry.account_for(call.org_id, bool(call.livemode))
        except NoAcquirer as problem:
            raise Unavailable(str(problem)) from problem

    def _shown(self, dispute: Dispute) -> Dispute:
        return rules.as_of(dispute, seconds(self._clock.now_microseconds()))
