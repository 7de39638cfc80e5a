"""Refunds on `/v1`."""

from __future__ import annotations

from collections.abc import Mapping

from bursar.http.call import Call, Effect, Staged
from bursar.http.endpoint import Endpoint
from bursar.http.expand import Expansion
from bursar.http.paging import Page
from bursar.http.params import ListParams, Params
from bursar.refunds.schemas import Refund, RefundListParams, RefundParams, RefundUpdateParams
from bursar.refunds.service import URL, URL_OF_CHARGE, RefundService

READ, WRITE = "refunds.read", "refunds.write"
ONE_URL = f"{URL}/{{refund}}"


def endpoints(service: RefundService, expandable: Mapping[str, Expansion]) -> list[Endpoint]:
    async def create_refund(call: Call, params: RefundParams) -> Staged:
        return await service.create(call, params)

    async def retrieve_refund(call: Call, _params: Params) -> Refund:
        return await service.retrieve(call)

    async def update_refund(call: Call, params: RefundUpdateParams) -> Effect:
        return await service.update(call, params)

    async def cancel_refund(call: Call, params: Params) -> Refund:
        return await service.cancel(call, params)

    async def list_refunds(call: Call, params: RefundListParams) -> Page[Refund]:
        return await service.page(call, params)

    async def list_charge_refunds(call: Call, params: ListParams) -> Page[Refund]:
        return await service.page_of_charge(call, params)

    async def retrieve_charge_refund(call: Call, _params: Params) -> Refund:
        return await service.retrieve_of_charge(call)

    page, update = Page[Refund], RefundUpdateParams
    return [
        Endpoint(
            "POST",
            URL,
            create_refund,
            "Create a refund",
            WRITE,
            Refund,
            RefundParams,
            expandable,
            resume=service.resume,
        ),
        Endpoint("GET", URL, list_refunds, "List refunds", READ, page, RefundListParams, expandable),
        Endpoint("GET", ONE_URL, retrieve_refund, "Retrieve a refund", READ, Refund, Params, expandable),
        Endpoint("POST", ONE_URL, update_refund, "Update a refund", WRITE, Refund, update, expandable),
        Endpoint(
            "GET", URL_OF_CHARGE, list_charge_refunds, "List a charge's refunds", READ, page, ListParams, expandable
        ),
        Endpoint(
            "GET",
            f"{URL_OF_CHARGE}/{{refund}}",
            retrieve_charge_refund,
            "Retrieve a charge's refund",
            READ,
            Refund,
            Params,
            expandable,
        ),
        Endpoint("POST", f"{ONE_URL}/cancel", cancel_refund, "Cancel a refund", WRITE, Refund, Params, expandable),
    ]
