"""Contracts on `/api/v1`."""

from __future__ import annotations

from bursar.contracts.schemas import Contract
from bursar.contracts.service import URL, ContractService
from bursar.http.call import Call, Effect
from bursar.http.endpoint import Endpoint
from bursar.http.paging import Page
from bursar.http.params import Params

READ, WRITE = "contracts.read", "contracts.write"
ONE_URL = f"{URL}/{{contract}}"


def endpoints(service: ContractService) -> list[Endpoint]:
    async def list_contracts(call: Call, _params: Params) -> Page[Contract]:
        return await service.page(call)

    async def end_contract(call: Call, _params: Params) -> Effect:
        return await service.end(call)

    async def renew_contract(call: Call, _params: Params) -> Effect:
        return await service.renew(call)

    return [
        Endpoint(
            "GET",
            URL,
            list_contracts,
            "List the contracts with acquirers",
            READ,
            Page[Contract],
            surface="control",
        ),
        Endpoint(
            "POST",
            f"{ONE_URL}/end",
            end_contract,
            "End a contract",
            WRITE,
            Contract,
            surface="control",
            needs_proof=True,
        ),
        Endpoint(
            "POST",
            f"{ONE_URL}/renew",
            renew_contract,
            "Take a contract up again",
            WRITE,
            Contract,
            surface="control",
            needs_proof=True,
        ),
    ]
