"""The balance and its transactions on `/v1`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bursar.http.call import Call
from bursar.http.endpoint import Endpoint
from bursar.http.expand import Expansion, Loader
from bursar.http.paging import Page
from bursar.http.params import Params
from bursar.ledger.schemas import Balance, BalanceTransaction, BalanceTransactionListParams
from bursar.ledger.service import BALANCE_URL, URL, LedgerService

READ = "balance.read"


def endpoints(service: LedgerService, sources: Mapping[str, Loader]) -> list[Endpoint]:
    """`sources` loads what a transaction comes from, by the prefix of its id."""

    async def retrieve_balance(call: Call, _params: Params) -> Balance:
        return await service.balance(call)

    async def list_balance_transactions(call: Call, params: BalanceTransactionListParams) -> Page[BalanceTransaction]:
        return await service.page(call, params)

    async def retrieve_balance_transaction(call: Call, _params: Params) -> BalanceTransaction:
        return await service.retrieve(call)

    expandable = {"source": Expansion(load=by_prefix(sources))}
    return [
        Endpoint("GET", BALANCE_URL, retrieve_balance, "Retrieve the balance", READ, Balance),
        Endpoint(
            "GET",
            URL,
            list_balance_transactions,
            "List balance transactions",
            READ,
            Page[BalanceTransaction],
            BalanceTransactionListParams,
            expandable,
        ),
        Endpoint(
            "GET",
            f"{URL}/{{balance_transaction}}",
            retrieve_balance_transaction,
            "Retrieve a balance transaction",
            READ,
            BalanceTransaction,
            Params,
            expandable,
        ),
    ]


def by_prefix(loaders: Mapping[str, Loader]) -> Loader:
    """One loader for ids of several kinds; those that nobody knows stay ids."""

    async def load(call: Call, ids: Sequence[str]) -> Mapping[str, Any]:
        groups: dict[str, list[str]] = {}
        for object_id in ids:
            groups.setdefault(object_id.partition("_")[0], []).append(object_id)
        found: dict[str, Any] = {}
        for prefix, members in groups.items():
            if prefix in loaders:
                found.update(await loaders[prefix](call, members))
        return found

    return load
