"""Contracts in the store."""

import asyncio
from collections.abc import Iterator

import pytest

from bursar.contracts.service import REMEMBERED_SECONDS, ContractService
from bursar.http.authentication import Principal
from bursar.http.call import Call
from bursar.kit.clock import ManualClock
from bursar.kit.errors import Conflict, NotFound
from bursar.store.engine import MEMORY_URL
from bursar.store.log import Origin
from bursar.store.store import Store
from tests.databases import Database
from tests.vault.harness import opened

ORG, OTHER = "acct_contracts", "acct_other"


@pytest.fixture
def store() -> Iterator[Store]:
    with opened(Database("memory", MEMORY_URL)) as running:
        yield running


def call(contract_id: str = "ctr_piggybank", org_id: str = ORG, livemode: int = 0) -> Call:
    return Call(Principal(org_id, livemode, "usr_1"), "req_1", path={"contract": contract_id})


def end(service: ContractService, store: Store, asked: Call) -> None:
    effect = asyncio.run(service.end(asked))
    store.transact_blocking(lambda _: (None, effect.unit))


def test_an_ended_contract_takes_no_payment_once_it_is_no_longer_remembered(store: Store) -> None:
    clock = ManualClock()
    service = ContractService(store, clock)
    assert asyncio.run(service.active(ORG, 0)) is not None
    end(service, store, call())
    assert asyncio.run(service.active(ORG, 0)) is not None
    clock.advance(REMEMBERED_SECONDS + 1)
    assert asyncio.run(service.active(ORG, 0)) is None
    assert asyncio.run(service.active(ORG, 1)) is not None, "the other mode has a contract of its own"
    assert asyncio.run(service.active(OTHER, 0)) is not None


def test_a_contract_is_made_in_the_commit_of_its_organisation_and_can_be_renewed(store: Store) -> None:
    clock = ManualClock()
    service = ContractService(store, clock)
    made, unit = service.new_contract(Origin(actor="usr_1"), ORG, 0, "piggybank")
    store.transact_blocking(lambda _: (None, unit))
    (listed,) = asyncio.run(service.page(call())).data
    assert listed == made
    end(service, store, call())
    effect = asyncio.run(service.renew(call()))
    store.transact_blocking(lambda _: (None, effect.unit))
    assert asyncio.run(service.page(call())).data == [made]


def test_what_has_ended_cannot_end_again_and_what_is_not_there_is_missing(store: Store) -> None:
    service = ContractService(store, ManualClock())
    end(service, store, call())
    with pytest.raises(Conflict):
        asyncio.run(service.end(call()))
    with pytest.raises(NotFound):
        asyncio.run(service.end(call("ctr_other")))


def test_the_development_organisation_is_given_its_contract_once(store: Store) -> None:
    service = ContractService(store, ManualClock())
    for _ in range(2):
        service.seed_development(ORG)
    (contract,) = asyncio.run(service.page(call())).data
    assert not contract.by_default
