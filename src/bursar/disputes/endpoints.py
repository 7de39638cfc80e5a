"""Disputes on `/v1`."""

from __future__ import annotations

from collections.abc import Mapping

from bursar.disputes.schemas import Dispute, DisputeListParams, DisputeUpdateParams
from bursar.disputes.service import URL, DisputeService
from bursar.http.call import Call, Effect, Staged
from bursar.http.endpoint import Endpoint
from bursar.http.expand import Expansion
from bursar.http.paging import Page
from bursar.http.params import Params

READ, WRITE = "disputes.read", "disputes.write"
ONE_URL = f"{URL}/{{dispute}}"


def endpoints(service: DisputeService, expandable: Mapping[str, Expansion]) -> list[Endpoint]:
    async def retrieve_dispute(call: Call, _params: Params) -> Dispute:
        return await service.retrieve(call)

    async def update_dispute(call: Call, params: DisputeUpdateParams) -> Effect | Staged:
        return await service.update(call, params)

    async def close_dispute(call: Call, params: Params) -> Staged:
        return await service.close(call, params)

    async def list_disputes(call: Call, params: DisputeListParams) -> Page[Dispute]:
        return await service.page(call, params)

    return [
        Endpoint("GET", URL, list_disputes, "List disputes", READ, Page[Dispute], DisputeListParams, expandable),
        Endpoint("GET", ONE_URL, retrieve_dispute, "Retrieve a dispute", READ, Dispute, Params, expandable),
        Endpoint(
            "POST",
            ONE_URL,
            update_dispute,
            "Answer a dispute",
            WRITE,
            Dispute,
            DisputeUpdateParams,
            expandable,
            resume=service.resume_update,
        ),
        Endpoint(
            "POST",
            f"{ONE_URL}/close",
            close_dispute,
            "Close a dispute",
            WRITE,
            Dispute,
            Params,
            expandable,
            resume=service.resume_close,
        ),
    ]
