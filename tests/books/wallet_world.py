"""Two organisations in one store: payments into wallets, with fees, and all that can happen between wallets."""

import asyncio
import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, select

from bursar.books import service
from bursar.books.service import Report
from bursar.events.audit import snapshot
from bursar.http.call import Call
from bursar.kit.clock import ManualClock
from bursar.payments.tables import payment_intents
from bursar.store.store import Store
from bursar.wallets.schemas import Wallet
from tests.databases import Database
from tests.payments.bank import ScriptedBank
from tests.payments.harness import Shop
from tests.store.harness import opened
from tests.wallets.harness import ACCOUNT, ORG, OTHER_ORG, URL, House, person

DAY_SECONDS = 86_400
WITHDRAW, CANCEL = "/api/v1/txn/withdraw", "/api/v1/txn/withdrawals/{withdrawal}/cancel"
Corruption = Callable[[Connection], None]


@dataclass
class WalletWorld:
    store: Store
    clock: ManualClock
    ids: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.house = House(self.store, self.clock)
        bank = ScriptedBank()
        self.shops = {org_id: Shop(self.store, self.clock, bank, org_id) for org_id in (ORG, OTHER_ORG)}
        self.main, self.other = self.house.primary(ORG), self.house.primary(OTHER_ORG)
        self.till = self.house.wallet()

    def verified(self, corrupt: Corruption | None = None, org_id: str | None = None) -> Report:
        """What is found after a change that nobody else ever sees."""
        with self.store.engines.reading.connect() as fresh:
            connection = snapshot(fresh)
            with connection.begin() as transaction:
                if corrupt is not None:
                    corrupt(connection)
                report = service.verify(connection, self.clock.now_microseconds(), org_id=org_id)
                transaction.rollback()
        return report

    def live(self) -> None:
        asyncio.run(self._take_payments())
        self.clock.advance(3 * DAY_SECONDS)
        asyncio.run(self._move())

    async def _take_payments(self) -> None:
        await self.charged("sale into the till", 1_030, self.till, 30)
        await self.charged("sale into the main wallet", 2_050, self.main, 50)
        await self.charged("plain sale", 5_000, self.main, 0)
        await self.charged("sale of the other", 5_000, self.other, 0)
        parts = await self.charged("captured in part", 1_001, self.till, 101, capture_method="manual")
        reply = await self.shops[ORG].post(f"/v1/payment_intents/{parts}/capture", {"amount_to_capture": 333})
        assert reply.json["status"] == "succeeded"

    async def _move(self) -> None:
        house = self.house
        transfer = {"from": self.main.code, "to": self.till.code, "amount": 100, "currency": "usd"}
        self.ids["transfer"] = (await house.ask("POST", f"{URL}/transfers", transfer))["id"]
        self.ids["withdrawal"] = await self.withdrawn(200)
        self.ids["canceled withdrawal"] = await self.withdrawn(50)
        await house.ask("POST", CANCEL, who=person("ada"), withdrawal=self.ids["canceled withdrawal"])
        paid = await house.pay(self.other, self.till, 310, service_fee_minor=10)
        self.ids["payment"] = paid.id
        await house.give_back(self.till, paid.id, 100)
        self.ids["payment without a fee"] = (await house.pay(self.main, self.other, 400)).id
        self.ids["payment within"] = (await house.pay(self.main, self.till, 70, service_fee_minor=7)).id

    async def withdrawn(self, amount: int) -> str:
        asked = {"amount": amount, "currency": "usd", "destination": ACCOUNT}
        withdrawal_id: str = (await self.house.ask("POST", WITHDRAW, asked, who=person("ada")))["id"]
        return withdrawal_id

    async def charged(self, name: str, amount: int, wallet: Wallet, service_fee_minor: int, **more: str) -> str:
        """Through the same services as a payment session."""
        shop = self.shops[wallet.org_id]
        endpoint = shop.endpoints[("POST", "/v1/payment_intents")]

        async def create(call: Call, params: Any) -> Any:
            return await shop.payments.create(
                call, params, wallet=wallet.ledger_name, service_fee_minor=service_fee_minor
            )

        form = {"amount": amount, "currency": "usd", "confirm": "true", "payment_method": "pm_card_visa", **more}
        encoded = "&".join(f"{key}={value}" for key, value in form.items())
        params = endpoint.parser.from_form(encoded.encode())
        own = dataclasses.replace(endpoint, handler=create)
        await shop.execution.once(own, shop.call(), params, endpoint.path)
        intent_id: str = max(shop.read(_intents), key=str)
        self.ids[name], self.ids[f"charge of {name}"] = intent_id, shop.intent(intent_id)["latest_charge"]
        return intent_id


def _intents(connection: Connection) -> list[str]:
    return list(connection.execute(select(payment_intents.c.id)).scalars())


@contextmanager
def wallet_world_on(database: Database) -> Iterator[WalletWorld]:
    with opened(database) as store:
        world = WalletWorld(store, ManualClock())
        try:
            world.live()
            yield world
        finally:
            world.house.slow_hash.close()
