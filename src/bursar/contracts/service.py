"""Contracts: made, ended, and remembered for a few seconds, so that no payment pays for a read."""

from __future__ import annotations

from collections import OrderedDict

from sqlalchemy import Connection

from bursar.contracts import repository, rules
from bursar.contracts.schemas import Contract
from bursar.http.call import Call, Effect
from bursar.http.endpoint import encode
from bursar.http.paging import Page, missing
from bursar.kit.clock import MICROSECONDS_PER_SECOND, Clock
from bursar.kit.errors import Conflict
from bursar.store.log import Entry, Origin, differences
from bursar.store.store import Store
from bursar.store.unit import Unit

URL = "/api/v1/contracts"
REMEMBERED_SECONDS = 5  # a contract that has ended takes payments this much longer at most, in every process
ORGANISATIONS_REMEMBERED_MAX = 20_000


class ContractService:
    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._remembered: OrderedDict[tuple[str, int], tuple[Contract | None, int]] = OrderedDict()

    def new_contract(self, origin: Origin, org_id: str, livemode: int, acquirer: str) -> tuple[Contract, Unit]:
        """For whoever makes an organisation: the unit belongs into the same commit."""
        rules.require_acquirer(acquirer, "acquiring_bank")
        contract = rules.new(acquirer, self._clock.now_microseconds(), livemode=bool(livemode))
        entry = Entry(org_id, livemode, "bursar.contract.created", contract.id, encode(contract), origin=origin)
        return contract, Unit([repository.insertion(org_id, contract)], [entry])

    async def active(self, org_id: str, livemode: int) -> Contract | None:
        """The contract that the organisation's payments go by; None when there is none any more."""
        place, now = (org_id, livemode), self._clock.now_microseconds()
        remembered = self._remembered.get(place)
        if remembered is not None and now < remembered[1]:
            return remembered[0]
        found = rules.active(await self._known(org_id, livemode))
        self._remembered[place] = (found, now + REMEMBERED_SECONDS * MICROSECONDS_PER_SECOND)
        self._remembered.move_to_end(place)
        while len(self._remembered) > ORGANISATIONS_REMEMBERED_MAX:
            self._remembered.popitem(last=False)
        return found

    async def page(self, call: Call) -> Page[Contract]:
        return Page(data=await self._known(call.org_id, call.livemode), has_more=False, url=URL)

    async def end(self, call: Call) -> Effect:
        """From now on no payment is taken by it. What was taken can still be refunded."""
        return await self._change(call, "active")

    async def renew(self, call: Call) -> Effect:
        return await self._change(call, "ended")

    def seed_development(self, org_id: str) -> None:
        """Dev mode's organisation, once."""

        def work(connection: Connection) -> tuple[None, Unit]:
            if repository.of_organisation(connection, org_id, 0):
                return None, Unit()
            return None, self.new_contract(Origin(actor="command_line"), org_id, 0, rules.PIGGYBANK)[1]

        self._store.transact_blocking(work)

    async def _known(self, org_id: str, livemode: int) -> list[Contract]:
        return rules.known(await self._stored(org_id, livemode), livemode=bool(livemode))

    async def _stored(self, org_id: str, livemode: int) -> list[Contract]:
        return await self._store.read(lambda connection: repository.of_organisation(connection, org_id, livemode))

    async def _change(self, call: Call, expected: str) -> Effect:
        contract_id = call.path["contract"]
        stored = await self._stored(call.org_id, call.livemode)
        known = rules.known(stored, livemode=bool(call.livemode))
        before = next((contract for contract in known if contract.id == contract_id), None)
        if before is None:
            raise missing("contract", contract_id, "contract")
        if before.status != expected:
            raise Conflict(
                f"The contract {before.id} has the status {before.status} already.",
                param="contract",
                code="contract_unexpected_state",
            )
        after = rules.renewed(before) if expected == "ended" else rules.ended(before, self._clock.now_microseconds())
        document = encode(after)
        event = "bursar.contract.ended" if after.status == "ended" else "bursar.contract.renewed"
        previous = differences(encode(before), document)
        entry = Entry(call.org_id, call.livemode, event, after.id, document, previous, call.origin())
        change = repository.update(call.org_id, before, after) if stored else repository.insertion(call.org_id, after)
        return Effect(after, Unit([change], [entry]), document)
