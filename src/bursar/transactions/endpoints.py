"""Transactions on `/api/v1/txn`."""

from __future__ import annotations

from bursar.http.call import Call
from bursar.http.endpoint import Endpoint
from bursar.http.params import Params
from bursar.transactions.schemas import TransactionDetail, TransactionList, TransactionListParams, TransactionQuery
from bursar.transactions.service import KIND, URL, TransactionService

READ = "transactions.read"


def endpoints(service: TransactionService) -> list[Endpoint]:
    async def list_transactions(call: Call, params: TransactionListParams) -> TransactionList:
        return await service.page(call, params)

    async def query_transactions(call: Call, params: TransactionQuery) -> TransactionList:
        return await service.page(call, params)

    async def retrieve_transaction(call: Call, _params: Params) -> TransactionDetail:
        return await service.retrieve(call)

    return [
        Endpoint(
            "GET",
            URL,
            list_transactions,
            "List transactions",
            READ,
            TransactionList,
            TransactionListParams,
            surface="control",
        ),
        Endpoint(
            "POST",
            f"{URL}/transaction",
            query_transactions,
            "List transactions, with the filters in the body",
            READ,
            TransactionList,
            TransactionQuery,
            surface="control",
            only_asks=True,
        ),
        Endpoint(
            "GET",
            f"{URL}/{{{KIND}}}",
            retrieve_transaction,
            "Retrieve a transaction with all that happened to it",
            READ,
            TransactionDetail,
            surface="control",
        ),
    ]
