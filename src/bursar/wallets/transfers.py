"""Money from one wallet to another of the same organisation."""

from __future__ import annotations

from sqlalchemy import Connection

from bursar.http.call import Call, Effect
from bursar.http.endpoint import encode
from bursar.http.paging import Page, missing, window
from bursar.http.params import ListParams
from bursar.kit.clock import seconds
from bursar.kit.ids import IdFactory
from bursar.ledger.schemas import WalletMovement
from bursar.ledger.service import LedgerService
from bursar.store.log import Entry
from bursar.store.store import Store
from bursar.store.unit import Unit
from bursar.wallets import repository, rules
from bursar.wallets.schemas import TransferParams, Wallet, WalletTransfer
from bursar.wallets.service import URL as WALLETS_URL
from bursar.wallets.service import WalletService, check_cursors, own

URL = f"{WALLETS_URL}/transfers"


class TransferService:
    def __init__(self, store: Store, ids: IdFactory, ledger: LedgerService, wallets: WalletService) -> None:
        self._store = store
        self._ids = ids
        self._ledger = ledger
        self._wallets = wallets

    async def create(self, call: Call, params: TransferParams) -> Effect:
        """The payer's version is read before its balance: whoever takes of it meanwhile makes this try again."""
        currency = rules.check_currency(params.currency)
        await self._wallets.primary(call.org_id, call.livemode, call.origin())

        def query(connection: Connection) -> tuple[Wallet, Wallet]:
            payer = own(connection, call, params.from_, "from")
            payee = own(connection, call, params.to, "to")
            rules.check_different(payer, payee, "to")
            rules.check_takes(payer, currency, "from")
            rules.check_takes(payee, currency, "to")
            available = self._ledger.spendable(connection, call.org_id, call.livemode, payer.ledger_name, currency)
            rules.check_enough(payer, available, params.amount, currency)
            return payer, payee

        payer, payee = await self._store.read(query)
        transfer_id, now = self._ids.new_with_time(repository.TRANSFER_PREFIX)
        transfer = WalletTransfer(
            id=transfer_id,
            amount=params.amount,
            created=seconds(now),
            currency=currency,
            description=params.description or None,
            from_=payer.code,
            to=payee.code,
            livemode=bool(call.livemode),
        )
        effect = self._ledger.transfer(_movement(payer, transfer), _movement(payee, transfer))
        inserted = repository.insert_transfer(call.org_id, call.livemode, transfer, payer, payee)
        document = encode(transfer)
        entry = Entry(
            call.org_id, call.livemode, "bursar.wallet_transfer.created", transfer_id, document, origin=call.origin()
        )
        return Effect(transfer, Unit([repository.debit(payer), *effect.changes, inserted], [entry]), document)

    async def retrieve(self, call: Call) -> WalletTransfer:
        transfer_id = call.path["transfer"]
        found = await self._store.read(
            lambda connection: repository.find_transfer(connection, call.org_id, call.livemode, transfer_id)
        )
        if found is None:
            raise missing("transfer", transfer_id)
        return found

    async def page(self, call: Call, params: ListParams) -> Page[WalletTransfer]:
        view = window(params)
        place = (call.org_id, call.livemode)

        def query(connection: Connection) -> list[WalletTransfer]:
            check_cursors(params, "transfer", lambda cursor: repository.find_transfer(connection, *place, cursor))
            return repository.page_of_transfers(connection, *place, view)

        data, has_more = view.cut(await self._store.read(query))
        return Page(data=data, has_more=has_more, url=URL)


def _movement(wallet: Wallet, transfer: WalletTransfer) -> WalletMovement:
    return WalletMovement(
        org_id=wallet.org_id,
        livemode=wallet.livemode,
        wallet=wallet.ledger_name,
        source_id=transfer.id,
        amount_minor=transfer.amount,
        currency=transfer.currency,
        description=transfer.description,
    )
