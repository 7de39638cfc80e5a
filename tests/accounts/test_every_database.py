"""Organisations, keys, roles and terms on every kind of database."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from sqlalchemy import select

from bursar.accounts import repository
from bursar.accounts.directory import StoredKeys
from bursar.accounts.keys import KeyChangeParams, KeyParams, ManagedKeys, NewKey
from bursar.accounts.organisations import (
    OrganisationListParams,
    OrganisationParams,
    OrganisationService,
    SuspensionParams,
)
from bursar.accounts.roles import RoleChangeParams, RoleParams, RolesService
from bursar.accounts.service import AccountService
from bursar.accounts.tables import api_keys
from bursar.accounts.terms import TermsParams, TermsService
from bursar.http.authentication import USER, Principal
from bursar.http.call import Call, Effect
from bursar.kit.clock import ManualClock
from bursar.kit.errors import PermissionMissing
from bursar.kit.ids import IdFactory
from bursar.kit.permissions import ROLES
from bursar.store.log import Origin
from bursar.store.store import Store
from tests.databases import Database
from tests.store.harness import opened

SECRET = "a secret of the test's own, long enough"


def effect_of(store: Store, handled: Awaitable[Effect]) -> Any:
    """What a request's handler answers with, once it is durable."""

    async def carried_out() -> msgspec.Struct:
        effect = await handled
        await store.commit(effect.unit)
        return effect.result

    return asyncio.run(carried_out())


def test_accounts_live_through_a_year_of_an_organisation(database: Database) -> None:
    clock = ManualClock()
    with opened(database, readers=2) as store:
        ids = IdFactory(clock)
        accounts = AccountService(store, ids, clock, SECRET)
        organisation, unit = accounts.new_organisation(
            Origin(), name="Größe 100%", category="retail", country="de", currency="EUR"
        )
        asyncio.run(store.commit(unit))
        who = Principal(organisation.id, 0, "usr_1", USER, ROLES["owner"], "owner", proved_at=2**62)

        def call(**path: str) -> Call:
            return Call(who, "req_1", "198.51.100.7", path=path)

        _look_after_the_organisation(store, OrganisationService(store, clock), call)
        _look_after_keys(store, ManagedKeys(store, clock, accounts), call, clock)
        roles = RolesService(store, ids)
        role = effect_of(store, roles.create(call(), RoleParams(name="Kasse", permissions=["wallets.read"])))
        changed = effect_of(store, roles.change(call(role=role.id), RoleChangeParams(description="An der Tür")))
        assert asyncio.run(roles.retrieve(call(role=role.id))) == changed
        effect_of(store, roles.delete(call(role=role.id)))
        assert asyncio.run(roles.permissions(organisation.id, role.id)) is None
        terms = TermsService(store, clock)
        for seconds in (900, 1_200):
            asyncio.run(terms.change(call(), TermsParams(session_seconds=seconds)))
            assert asyncio.run(terms.of(organisation.id)).session_seconds == seconds
            clock.advance(10)


def _look_after_the_organisation(store: Store, organisations: OrganisationService, call: Callable[..., Call]) -> None:
    org_id = call().org_id
    changed = effect_of(store, organisations.change(call(), OrganisationParams(name="Größe 42")))
    found = asyncio.run(organisations.page(OrganisationListParams(query="GRÖSSE 4")))
    assert found.data == [changed]
    assert asyncio.run(organisations.page(OrganisationListParams(query="%"))).data == []
    assert asyncio.run(organisations.page(OrganisationListParams(query=changed.code[:8]))).data == [changed]
    by_code = asyncio.run(organisations.by_code(changed.code))
    assert by_code is not None and by_code.id == org_id
    effect_of(store, organisations.suspend(call(organisation=org_id), SuspensionParams(reason="späte Zahlung")))
    try:
        asyncio.run(organisations.require_active(org_id))
    except PermissionMissing as refusal:
        assert refusal.code == "organisation_suspended"
    else:
        raise AssertionError("a suspended organisation was active")
    effect_of(store, organisations.resume(call(organisation=org_id), SuspensionParams()))


def _look_after_keys(store: Store, keys: ManagedKeys, call: Callable[..., Call], clock: ManualClock) -> None:
    made: NewKey = effect_of(store, keys.create(call(), KeyParams(kind="secret", addresses=["10.0.0.0/8"])))
    directory = StoredKeys(store, clock, SECRET, None, development=False)
    principal = asyncio.run(directory.find(made.key))
    assert principal is not None
    for address in ("10.0.0.1", "10.0.0.2"):
        clock.advance(1)
        directory.used(principal, address)
        asyncio.run(directory.uses.write())
    shown = asyncio.run(keys.retrieve(call(api_key=made.id)))
    assert (shown.last_used_address, shown.addresses) == ("10.0.0.2", ["10.0.0.0/8"])
    effect_of(store, keys.change(call(api_key=made.id), KeyChangeParams(name="Kasse", addresses=[])))
    effect_of(store, keys.revoke(call(api_key=made.id)))
    assert asyncio.run(StoredKeys(store, clock, SECRET, None, development=False).find(made.key)) is None
    kept = select(api_keys.c.version).where(api_keys.c.id == made.id)
    assert store.read_blocking(lambda connection: connection.execute(kept).scalar()) == 3
    page = store.read_blocking(lambda connection: repository.list_keys(connection, call().org_id))
    assert [key.name for key in page] == ["Kasse"]
