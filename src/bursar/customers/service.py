"""What can be done with customers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from sqlalchemy import Connection

from bursar.customers import repository
from bursar.customers.rules import SEARCHABLE, changed, check_email
from bursar.customers.schemas import Customer, CustomerListParams, CustomerParams, DeletedCustomer
from bursar.http.call import Call, Effect
from bursar.http.endpoint import encode
from bursar.http.paging import Page, SearchPage, missing, read_search_cursor, search_cursor, window
from bursar.http.params import SearchParams, created_bounds
from bursar.http.search import parse_query
from bursar.kit.clock import seconds
from bursar.kit.ids import IdFactory
from bursar.store.log import Entry, differences
from bursar.store.store import Store
from bursar.store.unit import Change, Unit

URL = "/v1/customers"
SEARCH_URL = "/v1/customers/search"


# What else must go with a customer, by whoever keeps it.
Detachments = Callable[[Call, str], Awaitable[tuple[list[Change], list[Entry]]]]


class CustomerService:
    def __init__(self, store: Store, ids: IdFactory, detachments: Detachments) -> None:
        self._store = store
        self._ids = ids
        self._detachments = detachments

    async def create(self, call: Call, params: CustomerParams) -> Effect:
        customer_id, now = self._ids.new_with_time(repository.PREFIX)
        blank = Customer(id=customer_id, created=seconds(now), livemode=bool(call.livemode))
        customer = changed(blank, params)
        document = encode(customer)
        unit = Unit(
            repository.insertion(call.org_id, call.livemode, customer, document),
            [self._entry(call, "customer.created", customer_id, document)],
        )
        return Effect(customer, unit, document)

    async def update(self, call: Call, params: CustomerParams) -> Effect:
        before, version = await self._find(call)
        after = changed(before, params)
        document = encode(after)
        if after == before:
            return Effect(after, Unit(), document)
        entry = self._entry(call, "customer.updated", after.id, document)
        entry.previous_attributes = differences(encode(before), document)
        changes = repository.update(call.org_id, call.livemode, before, after, version, document)
        return Effect(after, Unit(changes, [entry]), document)

    async def delete(self, call: Call) -> Effect:
        customer, version = await self._find(call)
        changes = repository.deletion(call.org_id, call.livemode, customer, version)
        entry = self._entry(call, "customer.deleted", customer.id, encode(customer))
        detaching, told = await self._detachments(call, customer.id)
        return Effect(DeletedCustomer(id=customer.id), Unit([*changes, *detaching], [entry, *told]))

    async def retrieve(self, call: Call) -> Customer | DeletedCustomer:
        customer_id = call.path["customer"]

        def query(connection: Connection) -> Customer | DeletedCustomer:
            found = repository.find(connection, call.org_id, call.livemode, customer_id)
            if found is not None:
                return found[0]
            if repository.is_deleted(connection, call.org_id, call.livemode, customer_id):
                return DeletedCustomer(id=customer_id)
            raise missing("customer", customer_id)

        return await self._store.read(query)

    async def page(self, call: Call, params: CustomerListParams) -> Page[Customer]:
        view = window(params)
        created = created_bounds(params.created)
        if params.email is not None:
            check_email(params.email)

        def query(connection: Connection) -> list[Customer]:
            _check_cursors(connection, call, params)
            return repository.page(connection, call.org_id, call.livemode, view, created=created, email=params.email)

        data, has_more = view.cut(await self._store.read(query))
        return Page(data=data, has_more=has_more, url=URL)

    async def search(self, call: Call, params: SearchParams) -> SearchPage[Customer]:
        query = parse_query(params.query, SEARCHABLE)
        after_id = read_search_cursor(params.page)
        rows = await self._store.read(
            lambda connection: repository.search(
                connection, call.org_id, call.livemode, query, after_id, params.limit + 1
            )
        )
        data, has_more = rows[: params.limit], len(rows) > params.limit
        next_page = search_cursor(data[-1].id) if has_more else None
        return SearchPage(data=data, has_more=has_more, next_page=next_page, url=SEARCH_URL)

    async def _find(self, call: Call) -> tuple[Customer, int]:
        customer_id = call.path["customer"]
        found = await self._store.read(
            lambda connection: repository.find(connection, call.org_id, call.livemode, customer_id)
        )
        if found is None:
            raise missing("customer", customer_id)
        return found

    def _entry(self, call: Call, event_type: str, customer_id: str, document: bytes) -> Entry:
        return Entry(call.org_id, call.livemode, event_type, customer_id, document, origin=call.origin())


def _check_cursors(connection: Connection, call: Call, params: CustomerListParams) -> None:
    """A cursor must be a customer of this organisation, or have been one."""
    for param in ("starting_after", "ending_before"):
        cursor = getattr(params, param)
        if cursor is None:
            continue
        known = repository.find(connection, call.org_id, call.livemode, cursor) is not None
        if not known and not repository.is_deleted(connection, call.org_id, call.livemode, cursor):
            raise missing("customer", cursor, param)
