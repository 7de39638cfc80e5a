"""Refunds: made, described, read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection

from bursar.attempts.schemas import Attempt, BankOrder
from bursar.attempts.service import AttemptService
from bursar.connectors.contract import Outcome
from bursar.connectors.registry import NoAcquirer
from bursar.http.call import Call, Effect, Staged
from bursar.http.documents import Bounds, check_cursors, read_page
from bursar.http.endpoint import encode
from bursar.http.limits import PAGE_SIZE_DEFAULT
from bursar.http.paging import Page, missing, window
from bursar.http.params import ListParams, Params, created_bounds
from bursar.kit import crash
from bursar.kit.clock import seconds
from bursar.kit.errors import InvalidRequest
from bursar.kit.ids import IdFactory
from bursar.payments import charge_repository
from bursar.payments import repository as intents
from bursar.payments.charge_repository import StoredCharge
from bursar.payments.confirmation import AccountOf
from bursar.payments.service import require_idle
from bursar.refunds import repository, rules
from bursar.refunds.repository import KIND, PREFIX, StoredRefund
from bursar.refunds.schemas import Refund, RefundListParams, RefundParams, RefundUpdateParams, decode_refund
from bursar.refunds.settlement import RefundSettlement
from bursar.refunds.tables import refunds
from bursar.store.errors import RowsExpected
from bursar.store.log import Entry, differences
from bursar.store.store import Store
from bursar.store.unit import Unit

URL = "/v1/refunds"
URL_OF_CHARGE = "/v1/charges/{charge}/refunds"
# Refunds of one charge that end at once go one after the other; each has lost against another at most as often.
CONCLUDE_REPEATS_MAX = 50


class RefundService:
    def __init__(
        self,
        store: Store,
        ids: IdFactory,
        attempts: AttemptService,
        settlement: RefundSettlement,
        account_of: AccountOf,
    ) -> None:
        self._store = store
        self._ids = ids
        self._attempts = attempts
        self._settlement = settlement
        self._account_of = account_of

    async def create(self, call: Call, params: RefundParams) -> Staged:
        rules.check_target(params)
        stored = await self._store.read(lambda connection: _find_charge(connection, call, params))
        charge = stored.charge
        rules.check_refundable(charge, stored.disputed_minor)
        amount = rules.amount_to_refund(charge, stored.left_minor, params.amount)
        refund_id, now = self._ids.new_with_time(PREFIX)
        refund = rules.new_refund(params, charge, amount, refund_id, seconds(now))
        order = BankOrder(
            connector=stored.connector, merchant=self._merchant(call), bank_reference=stored.bank_reference
        )
        attempt, insertion = self._attempts.prepare(call, "refund", refund_id, order, amount, charge.currency)
        document = encode(refund)
        unit = Unit(
            [
                insertion,
                charge_repository.refund_reservation(call.org_id, call.livemode, charge.id, amount),
                repository.insertion(call.org_id, call.livemode, refund, document, attempt.id),
            ],
            [Entry(call.org_id, call.livemode, "refund.created", refund_id, document, origin=call.origin())],
        )

        async def finish() -> Effect:
            outcome = await self._attempts.carry_out(attempt)
            if outcome.kind == "not_sent":
                # Nobody waits at a till for it: it is sent as soon as the bank can be reached again.
                outcome = Outcome(kind="unknown", raw=outcome.raw)
            crash.reach("before_second_commit")
            after = await self.conclude(attempt, outcome)
            # All is durable but the answer; whoever asks again before that is gets it from `resume`.
            return Effect(after, Unit(), encode(after))

        return Staged(unit, attempt.id, finish)

    async def conclude(self, attempt: Attempt, outcome: Outcome) -> Refund:
        """The second commit. It reads and decides within the transaction, as refunds of one charge come together."""

        def work(connection: Connection) -> tuple[Refund, Unit]:
            refund, unit = self._settlement.apply(connection, attempt, outcome)
            unit.changes.append(self._attempts.conclude(attempt, outcome))
            return refund, unit

        for repeats_left in reversed(range(CONCLUDE_REPEATS_MAX)):
            try:
                refund: Refund = await self._store.transact(work)
            except RowsExpected:  # the charge changed meanwhile, or the attempt is another's
                if not repeats_left or not await self._is_still_held(attempt):
                    raise
            else:
                return refund
        raise AssertionError("the loop above returns or raises")

    async def resume(self, call: Call, attempt_id: str) -> Effect | None:
        """What became of a refund whose own request did not see the end of it."""
        attempt = await self._attempts.find(call.org_id, call.livemode, attempt_id)
        assert attempt is not None, "an idempotency key names an attempt that exists"
        if attempt.state == "prepared":
            return None
        return Effect((await self.find(call, attempt.subject_id)).refund, Unit())

    async def retrieve(self, call: Call) -> Refund:
        return (await self.find(call, call.path["refund"])).refund

    async def update(self, call: Call, params: RefundUpdateParams) -> Effect:
        stored = await self.find(call, call.path["refund"])
        before, after = stored.refund, rules.described(stored.refund, params)
        document = encode(after)
        if after == before:
            return Effect(after, Unit(), document)
        change = repository.update(call.org_id, call.livemode, stored, after, document)
        previous = differences(encode(before), document)
        entry = Entry(call.org_id, call.livemode, "refund.updated", after.id, document, previous, call.origin())
        return Effect(after, Unit([change], [entry]), document)

    async def cancel(self, call: Call, _params: Params) -> Refund:
        """Only what waits for the customer could be canceled, and no refund to a card does."""
        refund = await self.retrieve(call)
        rules.require_cancelable(refund)
        return refund

    async def retrieve_of_charge(self, call: Call) -> Refund:
        refund = await self.retrieve(call)
        if refund.charge != call.path["charge"]:
            raise missing(KIND, refund.id)
        return refund

    async def page_of_charge(self, call: Call, params: ListParams) -> Page[Refund]:
        charge_id = call.path["charge"]
        known = await self._store.read(
            lambda connection: charge_repository.find(connection, call.org_id, call.livemode, charge_id)
        )
        if known is None:
            raise missing("charge", charge_id)
        url = URL_OF_CHARGE.format(charge=charge_id)
        return await self._page(call, params, (None, None), {refunds.c.charge: charge_id}, url)

    async def page(self, call: Call, params: RefundListParams) -> Page[Refund]:
        equal = {refunds.c.charge: params.charge, refunds.c.payment_intent: params.payment_intent}
        return await self._page(call, params, created_bounds(params.created), equal, URL)

    async def _page(
        self, call: Call, params: ListParams, created: Bounds, equal: Mapping[Any, str | None], url: str
    ) -> Page[Refund]:
        view = window(params)
        conditions = [column == value for column, value in equal.items() if value is not None]

        def query(connection: Connection) -> list[str]:
            check_cursors(connection, refunds, call, params, KIND)
            return read_page(connection, refunds, call, view, created, PREFIX, conditions)

        documents, has_more = view.cut(await self._store.read(query))
        return Page(data=[decode_refund(document) for document in documents], has_more=has_more, url=url)

    async def load_of_charges(self, call: Call, charge_ids: Sequence[str]) -> Mapping[str, Any]:
        """For whoever expands the `refunds` of a charge: a list for each."""

        def query(connection: Connection) -> dict[str, list[str]]:
            return repository.newest_of_charges(
                connection, call.org_id, call.livemode, charge_ids, PAGE_SIZE_DEFAULT + 1
            )

        found = await self._store.read(query)
        return {charge_id: _list_of(charge_id, documents) for charge_id, documents in found.items()}

    async def find(self, call: Call, refund_id: str) -> StoredRefund:
        found = await self._store.read(
            lambda connection: repository.find(connection, call.org_id, call.livemode, refund_id)
        )
        if found is None:
            raise missing(KIND, refund_id)
        return found

    def _merchant(self, call: Call) -> str:
        try:
            return self._account_of(call.org_id, bool(call.livemode))[1]
        except NoAcquirer as problem:
            raise InvalidRequest(str(problem), code="charge_not_refundable") from problem

    async def _is_still_held(self, attempt: Attempt) -> bool:
        now = await self._attempts.find(attempt.org_id, attempt.livemode, attempt.id)
        return now is not None and now.fence == attempt.fence and now.is_open


def _find_charge(connection: Connection, call: Call, params: RefundParams) -> StoredCharge:
    """The charge that is meant, of an intent that the bank is not being asked about."""
    place = (call.org_id, call.livemode)
    charge_id, intent_id = params.charge, params.payment_intent
    if charge_id is not None:
        found = charge_repository.find(connection, *place, charge_id)
        if found is None:
            raise missing("charge", charge_id, "charge")
        intent_id = found.charge.payment_intent
    assert intent_id is not None, "a charge has its intent"
    stored = intents.find(connection, *place, intent_id)
    if stored is None:
        raise missing("payment_intent", intent_id, "payment_intent")
    if charge_id is None:
        latest = stored.intent.latest_charge
        found = charge_repository.find(connection, *place, latest) if latest is not None else None
    if found is None or (charge_id is None and found.charge.status != "succeeded"):
        raise InvalidRequest(
            f"The payment intent {intent_id} has the status {stored.intent.status} and no successful charge to refund.",
            param="payment_intent",
            code="charge_not_refundable",
        )
    require_idle(stored)
    return found


def _list_of(charge_id: str, documents: Sequence[str]) -> dict[str, Any]:
    return {
        "object": "list",
        "data": [msgspec.json.decode(document) for document in documents[:PAGE_SIZE_DEFAULT]],
        "has_more": len(documents) > PAGE_SIZE_DEFAULT,
        "url": URL_OF_CHARGE.format(charge=charge_id),
    }
