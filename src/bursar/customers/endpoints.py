"""Customers on `/v1`."""

from __future__ import annotations

from typing import Any

from bursar.customers.schemas import Customer, CustomerListParams, CustomerParams, DeletedCustomer
from bursar.customers.service import SEARCH_URL, URL, CustomerService
from bursar.http.call import Call, Effect
from bursar.http.endpoint import Endpoint
from bursar.http.expand import Expansion
from bursar.http.paging import Page, SearchPage
from bursar.http.params import Params, SearchParams

READ, WRITE = "customers.read", "customers.write"
ONE_URL = f"{URL}/{{customer}}"


def _empty_list(member: str) -> Expansion:
    """A list of what this installation does not keep for customers: always there to be asked for, and empty."""

    def include(customer: dict[str, Any]) -> dict[str, Any]:
        return {"object": "list", "data": [], "has_more": False, "url": f"{URL}/{customer['id']}/{member}"}

    return Expansion(include=include)


# Members that hold an id, or nothing yet: asking for them is no mistake.
EXPANDABLE = {
    "default_source": Expansion(),
    "invoice_settings.default_payment_method": Expansion(),
    "test_clock": Expansion(),
    "sources": _empty_list("sources"),
    "subscriptions": _empty_list("subscriptions"),
    "tax_ids": _empty_list("tax_ids"),
}


def endpoints(service: CustomerService) -> list[Endpoint]:
    async def create_customer(call: Call, params: CustomerParams) -> Effect:
        return await service.create(call, params)

    async def update_customer(call: Call, params: CustomerParams) -> Effect:
        return await service.update(call, params)

    async def retrieve_customer(call: Call, _params: Params) -> Customer | DeletedCustomer:
        return await service.retrieve(call)

    async def delete_customer(call: Call, _params: Params) -> Effect:
        return await service.delete(call)

    async def list_customers(call: Call, params: CustomerListParams) -> Page[Customer]:
        return await service.page(call, params)

    async def search_customers(call: Call, params: SearchParams) -> SearchPage[Customer]:
        return await service.search(call, params)

    customer = Customer | DeletedCustomer
    return [
        Endpoint("POST", URL, create_customer, "Create a customer", WRITE, Customer, CustomerParams, EXPANDABLE),
        Endpoint("GET", URL, list_customers, "List customers", READ, Page[Customer], CustomerListParams, EXPANDABLE),
        Endpoint(
            "GET",
            SEARCH_URL,
            search_customers,
            "Search customers",
            READ,
            SearchPage[Customer],
            SearchParams,
            EXPANDABLE,
        ),
        Endpoint("POST", ONE_URL, update_customer, "Update a customer", WRITE, Customer, CustomerParams, EXPANDABLE),
        Endpoint("GET", ONE_URL, retrieve_customer, "Retrieve a customer", READ, customer, Params, EXPANDABLE),
        Endpoint("DELETE", ONE_URL, delete_customer, "Delete a customer", WRITE, DeletedCustomer),
    ]
