"""Wallets against a model of a few numbers, whatever is done in whatever order; and many at once on real databases."""

import asyncio
import contextlib
import random
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bursar.kit.clock import ManualClock
from bursar.kit.errors import Conflict
from bursar.ledger.accounts import DAY_MICROSECONDS
from bursar.ledger.tasks import release_due, take_snapshots
from bursar.store.engine import MEMORY_URL
from bursar.store.errors import RowsExpected, StoreContention
from bursar.wallets.errors import WalletRefused
from bursar.wallets.schemas import Wallet
from tests.databases import Database, on
from tests.wallets.harness import ACCOUNT, ORG, OTHER_ORG, URL, House, house_on, person

TRANSFERS, WITHDRAW = f"{URL}/transfers", "/api/v1/txn/withdraw"
CANCEL = "/api/v1/txn/withdrawals/{withdrawal}/cancel"
CURRENCIES = ("usd", "jpy")
currencies = st.sampled_from(CURRENCIES)
amounts = st.integers(1, 2_000)
wallet_numbers = st.integers(0, 3)
ADA = person("ada")


@dataclass
class Purse:
    available: int = 0
    reserved: int = 0
    pending: dict[int, int] = field(default_factory=lambda: defaultdict(int))

    def mature(self, today: int) -> None:
        for day in [day for day in self.pending if day <= today]:
            self.available += self.pending.pop(day)


class WalletsMachine(RuleBasedStateMachine):
    """Wallets 0 and 1 are the two organisations' primary ones, 2 and 3 others of the first."""

    @initialize(second_of_day=st.integers(0, 86_399))
    def open(self, second_of_day: int) -> None:
        self.closing = contextlib.ExitStack()
        self.clock = ManualClock(20_000 * DAY_MICROSECONDS + second_of_day * 1_000_000)
        self.house: House = self.closing.enter_context(house_on(Database("memory", MEMORY_URL), self.clock))
        self.wallets = [self.house.primary(), self.house.primary(OTHER_ORG), self.house.wallet(), self.house.wallet()]
        self.purses: dict[tuple[int, str], Purse] = defaultdict(Purse)
        self.withdrawn: list[tuple[str, int, str, int]] = []
        self.paid: list[list[Any]] = []

    def teardown(self) -> None:
        assert self.house.findings() == []
        self.closing.close()

    @property
    def today(self) -> int:
        return self.clock.microseconds // DAY_MICROSECONDS

    def purse(self, number: int, currency: str) -> Purse:
        purse = self.purses[number, currency]
        purse.mature(self.today)
        return purse

    @rule(number=wallet_numbers, currency=currencies, amount=amounts, fee=st.integers(0, 50), at_once=st.booleans())
    def earn(self, number: int, currency: str, amount: int, fee: int, at_once: bool) -> None:
        service_fee = min(fee, amount)
        self.house.earn(
            self.wallets[number], amount, fee_minor=3, service_fee_minor=service_fee, currency=currency, at_once=at_once
        )
        main = 1 if number == 1 else 0
        for owner, part in ((number, amount - 3 - service_fee), (main, service_fee)):
            if at_once:
                self.purse(owner, currency).available += part
            else:
                self.purse(owner, currency).pending[self.today + 2] += part

    @rule(payer=wallet_numbers, payee=wallet_numbers, currency=currencies, amount=amounts)
    def transfer(self, payer: int, payee: int, currency: str, amount: int) -> None:
        if 1 in (payer, payee):
            return
        order = {
            "from": self.wallets[payer].code,
            "to": self.wallets[payee].code,
            "amount": amount,
            "currency": currency,
        }
        purse = self.purse(payer, currency)
        if payer == payee or purse.available < amount:
            with pytest.raises(WalletRefused):
                self.house.asked("POST", TRANSFERS, order)
            return
        self.house.asked("POST", TRANSFERS, order)
        purse.available -= amount
        self.purse(payee, currency).available += amount

    @rule(payer=wallet_numbers, payee=wallet_numbers, currency=currencies, amount=amounts, fee=st.integers(0, 50))
    def pay(self, payer: int, payee: int, currency: str, amount: int, fee: int) -> None:
        fee = min(fee, amount)
        purse = self.purse(payer, currency)
        arguments = (self.wallets[payer], self.wallets[payee], amount)
        if payer == payee or payer > 1 or purse.available < amount:
            with pytest.raises(WalletRefused):
                asyncio.run(self.house.pay(*arguments, currency=currency, service_fee_minor=fee))
            return
        paid = asyncio.run(self.house.pay(*arguments, currency=currency, service_fee_minor=fee))
        purse.available -= amount
        self.purse(payee, currency).available += amount - fee
        self.purse(1 if payee == 1 else 0, currency).available += fee
        assert paid.balance.available == purse.available
        self.paid.append([paid.id, payer, payee, currency, amount])

    @precondition(lambda self: any(left for *_, left in self.paid))
    @rule(data=st.data())
    def give_back(self, data: st.DataObject) -> None:
        payment = data.draw(st.sampled_from([one for one in self.paid if one[-1]]))
        payment_id, payer, payee, currency, left = payment
        amount = data.draw(st.integers(1, left))
        purse = self.purse(payee, currency)
        if purse.available < amount:
            with pytest.raises(WalletRefused):
                asyncio.run(self.house.give_back(self.wallets[payee], payment_id, amount))
            return
        asyncio.run(self.house.give_back(self.wallets[payee], payment_id, amount))
        payment[-1] -= amount
        purse.available -= amount
        self.purse(payer, currency).available += amount

    @rule(number=wallet_numbers, currency=currencies, amount=amounts)
    def refund_card(self, number: int, currency: str, amount: int) -> None:
        self.house.refund_card(self.wallets[number], amount, currency)
        self.purse(number, currency).available -= amount

    @rule(number=wallet_numbers, currency=currencies, amount=amounts)
    def withdraw(self, number: int, currency: str, amount: int) -> None:
        who = person("ada", org_id=self.wallets[number].org_id)
        order = {
            "wallet": self.wallets[number].code,
            "amount": amount,
            "currency": currency,
            "destination": ACCOUNT,
        }
        purse = self.purse(number, currency)
        if purse.available < amount:
            with pytest.raises(WalletRefused):
                self.house.asked("POST", WITHDRAW, order, who=who)
            return
        made = self.house.asked("POST", WITHDRAW, order, who=who)
        purse.available -= amount
        purse.reserved += amount
        self.withdrawn.append((made["id"], number, currency, amount))

    @precondition(lambda self: self.withdrawn)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        withdrawal_id, number, currency, amount = data.draw(st.sampled_from(self.withdrawn))
        who = person("ada", org_id=self.wallets[number].org_id)
        self.house.asked("POST", CANCEL, who=who, withdrawal=withdrawal_id)
        with pytest.raises(Conflict):
            self.house.asked("POST", CANCEL, who=who, withdrawal=withdrawal_id)
        self.withdrawn.remove((withdrawal_id, number, currency, amount))
        purse = self.purse(number, currency)
        purse.reserved -= amount
        purse.available += amount

    @rule(hours=st.integers(1, 80))
    def wait(self, hours: int) -> None:
        self.clock.advance(hours * 3600)

    @rule()
    def run_tasks(self) -> None:
        for org_id in (ORG, OTHER_ORG):
            asyncio.run(release_due(self.house.store, self.house.ids, self.clock, org_id, 0))
            asyncio.run(take_snapshots(self.house.store, self.clock, org_id, 0, postings_min=1))

    @invariant()
    def every_wallet_has_what_the_model_says(self) -> None:
        for (number, currency), purse in self.purses.items():
            purse.mature(self.today)
            expected = (purse.available, sum(purse.pending.values()), purse.reserved)
            assert self.house.balance(self.wallets[number], currency) == expected


WalletsMachine.TestCase.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
TestWallets = WalletsMachine.TestCase


@pytest.mark.parametrize("database", on("sqlite", "postgresql"), indirect=True)
@pytest.mark.parametrize("seed", range(2))
def test_many_at_once_neither_make_nor_lose_money(database: Database, seed: int) -> None:
    """Eight that pay, transfer, withdraw and cancel at random, while the release and the snapshots run beside them."""
    clock = ManualClock(20_000 * DAY_MICROSECONDS)
    with house_on(database, clock, writers=1 if database.kind == "sqlite" else 2) as house:
        wallets = [house.primary(), house.primary(OTHER_ORG), house.wallet()]
        for wallet in wallets:
            house.earn(wallet, 3_000)
            house.earn(wallet, 2_000, at_once=False)
        refunded = asyncio.run(_jostle(house, wallets, clock, seed))
        available = [house.balance(wallet)[0] for wallet in wallets]
        reserved = sum(house.balance(wallet)[2] for wallet in wallets)
        assert all(amount >= -refunded for amount in available)
        assert sum(available) + reserved == 3 * 5_000 - refunded
        assert house.findings() == []


async def _jostle(house: House, wallets: list[Wallet], clock: ManualClock, seed: int) -> int:
    refunded = 0

    async def somebody(number: int) -> None:
        nonlocal refunded
        chance = random.Random(f"{seed} {number}")  # noqa: S311
        for _ in range(12):
            amount = chance.randint(200, 2_500)
            try:
                kind = chance.choice(["pay", "transfer", "withdraw", "refund"])
                if kind == "pay":
                    payer, payee = chance.choice([(0, 1), (1, 0), (1, 2), (0, 2)])
                    await house.pay(wallets[payer], wallets[payee], amount, service_fee_minor=chance.choice([0, 7]))
                elif kind == "transfer":
                    payer, payee = chance.choice([(0, 2), (2, 0)])
                    order = {"from": wallets[payer].code, "to": wallets[payee].code, "amount": amount}
                    await house.ask("POST", TRANSFERS, order | {"currency": "usd"})
                elif kind == "withdraw":
                    order = {"amount": amount, "currency": "usd", "destination": ACCOUNT}
                    made = await house.ask("POST", WITHDRAW, order, who=ADA)
                    await house.ask("POST", CANCEL, who=ADA, withdrawal=made["id"])
                elif number == 0:
                    await asyncio.to_thread(house.refund_card, wallets[2], 50)
                    refunded += 50
            except (WalletRefused, RowsExpected, StoreContention):
                continue

    async def keeper() -> None:
        for _ in range(4):
            clock.advance(86_400)
            for org_id in (ORG, OTHER_ORG):
                await release_due(house.store, house.ids, clock, org_id, 0)
                await take_snapshots(house.store, clock, org_id, 0, postings_min=1)
            await asyncio.sleep(0)

    await asyncio.gather(keeper(), *(somebody(number) for number in range(8)))
    return refunded
