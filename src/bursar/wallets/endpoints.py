"""Wallets on `/api/v1`."""

from __future__ import annotations

from functools import partial

from bursar.http.call import Call, Effect
from bursar.http.endpoint import Endpoint
from bursar.http.paging import Page
from bursar.http.params import ListParams, Params
from bursar.wallets.schemas import (
    PinChange,
    Statement,
    StatementParams,
    TransferParams,
    WalletChange,
    WalletCreation,
    WalletTransfer,
    WalletView,
    WalletWithBalances,
)
from bursar.wallets.service import URL, WalletService
from bursar.wallets.statements import StatementService
from bursar.wallets.transfers import URL as TRANSFERS_URL
from bursar.wallets.transfers import TransferService

READ, WRITE, TRANSFER = "wallets.read", "wallets.write", "transfers.write"
ONE_URL = f"{URL}/{{code}}"

_control = partial(Endpoint, surface="control")


def endpoints(service: WalletService, transfers: TransferService, statements: StatementService) -> list[Endpoint]:
    return [*_of_wallets(service, statements), *_of_transfers(transfers)]


def _of_wallets(service: WalletService, statements: StatementService) -> list[Endpoint]:
    async def create_wallet(call: Call, params: WalletCreation) -> Effect:
        return await service.create(call, params)

    async def list_wallets(call: Call, params: ListParams) -> Page[WalletWithBalances]:
        return await service.page(call, params)

    async def retrieve_wallet(call: Call, _params: Params) -> WalletWithBalances:
        return await service.retrieve(call)

    async def change_wallet(call: Call, params: WalletChange) -> Effect:
        return await service.change(call, params)

    async def set_wallet_pin(call: Call, params: PinChange) -> Effect:
        return await service.set_pin(call, params)

    async def retrieve_wallet_statement(call: Call, params: StatementParams) -> Statement:
        return await statements.statement(call, params)

    return [
        _control("POST", URL, create_wallet, "Create a wallet", WRITE, WalletWithBalances, WalletCreation),
        _control("GET", URL, list_wallets, "List wallets", READ, Page[WalletWithBalances], ListParams),
        _control("GET", ONE_URL, retrieve_wallet, "Retrieve a wallet with its balances", READ, WalletWithBalances),
        _control("PUT", ONE_URL, change_wallet, "Rename, close or open a wallet", WRITE, WalletView, WalletChange),
        _control(
            "PUT",
            f"{ONE_URL}/pin",
            set_wallet_pin,
            "Set a wallet's PIN",
            WRITE,
            WalletView,
            PinChange,
            needs_proof=True,
        ),
        _control(
            "GET",
            f"{ONE_URL}/statement",
            retrieve_wallet_statement,
            "Retrieve a wallet's statement",
            READ,
            Statement,
            StatementParams,
        ),
    ]


def _of_transfers(transfers: TransferService) -> list[Endpoint]:
    async def create_wallet_transfer(call: Call, params: TransferParams) -> Effect:
        return await transfers.create(call, params)

    async def list_wallet_transfers(call: Call, params: ListParams) -> Page[WalletTransfer]:
        return await transfers.page(call, params)

    async def retrieve_wallet_transfer(call: Call, _params: Params) -> WalletTransfer:
        return await transfers.retrieve(call)

    return [
        _control(
            "POST",
            TRANSFERS_URL,
            create_wallet_transfer,
            "Transfer money between wallets",
            TRANSFER,
            WalletTransfer,
            TransferParams,
        ),
        _control("GET", TRANSFERS_URL, list_wallet_transfers, "List transfers", READ, Page[WalletTransfer], ListParams),
        _control(
            "GET",
            f"{TRANSFERS_URL}/{{transfer}}",
            retrieve_wallet_transfer,
            "Retrieve a transfer",
            READ,
            WalletTransfer,
        ),
    ]
