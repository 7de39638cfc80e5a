"""Customers' wallets: what they pay, what comes back, and that there is never less than nothing in them."""

import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from piggybank import requests, views
from piggybank.requests import Refused
from piggybank_cards import methods
from piggybank_cards.declines import BANK_CODES
from tests.piggybank.harness import MERCHANT, House, asked, served

BALANCE = 2_500
THREADS = 8


@pytest.mark.parametrize("row", methods.table().wallets, ids=lambda row: row.id)
def test_every_wallet_does_as_its_row_says(house: House, row: methods.TestWallet) -> None:
    for currency in ("inr", "usd"):
        paid = house.ask(20_000, wallet=row.id, currency=currency)
        if row.decline is None:
            assert (paid.status, paid.method, paid.captured, paid.fee) == ("approved", "wallet", 20_000, 300)
            assert house.refund(paid.id, 20_000).status == "approved"
        else:
            code = BANK_CODES.get(row.decline, "51")
            assert (paid.status, paid.decline, paid.code, paid.fee) == ("declined", row.decline, code, 0)
    house.pass_time(86_400)
    assert house.told() == [], "it was decided at once"


def test_a_wallet_pays_until_it_is_empty(house: House) -> None:
    wallet = house.open_wallet(BALANCE)
    paid = house.ask(2_000, wallet=wallet)
    assert (paid.status, paid.available_at_once, house.balance(wallet)) == ("approved", False, 500)
    short = house.ask(501, wallet=wallet)
    assert (short.status, short.decline, short.code, house.balance(wallet)) == (
        "declined",
        "insufficient_funds",
        "51",
        500,
    )
    assert house.ask(500, wallet=wallet).status == "approved"
    assert house.balance(wallet) == 0
    assert house.refund(paid.id, 700).status == "approved"
    assert house.balance(wallet) == 700
    house.reverse(paid.reference)
    assert house.balance(wallet) == 2_000
    assert house.ask(1, wallet=wallet, currency="usd").decline == "not_permitted_cardholder"


def test_a_wallet_that_nobody_opened_is_not_known(house: House) -> None:
    assert house.ask(wallet="pw_never_opened").decline == "wallet_unknown"
    for wallet_id in ("pw_never_opened", "pw_unknown", "acct_1"):
        with pytest.raises(Refused) as refused:
            house.bank.customers.wallet(wallet_id)
        assert refused.value.status == 404
    assert house.bank.customers.wallet("pw_success")[0] == {"id": "pw_success", "balance": None, "currency": None}
    account = house.open_account()
    assert house.ask(wallet="pw_" + account["id"].removeprefix("acct_")).decline == "wallet_unknown"


def test_money_that_was_spent_again_does_not_go_back(house: House) -> None:
    wallet = house.open_wallet(1_000)
    paid = house.ask(1_000, wallet=wallet)
    refund = house.refund(paid.id, 1_000)
    assert house.ask(800, wallet=wallet).status == "approved"
    undone = house.reverse(refund.reference)
    assert (undone.status, undone.decline, house.balance(wallet)) == ("declined", "insufficient_funds", 200)
    house.faults.settings = msgspec.structs.replace(house.faults.settings, late_approval=1.0)
    other = house.ask(200, wallet=wallet)
    house.reverse(other.reference)
    assert house.ask(200, wallet=wallet).status == "approved"
    house.pass_time(2)
    assert (house.look(other).reversed, house.balance(wallet)) == (True, 0)
    assert house.told() == []


def test_a_wallet_that_still_has_it_can_be_charged_late(house: House) -> None:
    house.faults.settings = msgspec.structs.replace(house.faults.settings, late_approval=1.0)
    wallet = house.open_wallet(1_000)
    paid = house.ask(900, wallet=wallet)
    house.reverse(paid.reference)
    assert house.balance(wallet) == 1_000
    house.pass_time(2)
    assert (house.look(paid).reversed, house.balance(wallet)) == (False, 100)
    assert [event["type"] for event in house.told()] == ["authorization.approved"]
    house.again()
    assert house.balance(wallet) == 100


def test_payments_from_a_wallet_are_not_disputed(house: House) -> None:
    paid = house.ask(wallet=house.open_wallet(BALANCE))
    with pytest.raises(Refused) as refused:
        house.disputes.open_by_hand(requests.NewDispute(merchant=MERCHANT, authorization=paid.id))
    assert (refused.value.status, refused.value.code) == (409, "not_disputable")


class Wallets(RuleBasedStateMachine):
    """Two wallets against a plain model, with restarts, late approvals and reversals of anything in between."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.house = House(Path(self.folder.name) / "bank", late_approval=0.3)
        self.payments: list[tuple[str, views.Operation]] = []
        self.refunds: list[views.Operation] = []

    @initialize()
    def open(self) -> None:
        self.wallets = [self.house.open_wallet(BALANCE), self.house.open_wallet(0)]

    @rule(which=st.integers(0, 1), amount=st.integers(1, 2_000))
    def pay(self, which: int, amount: int) -> None:
        wallet = self.wallets[which]
        before = self.house.balance(wallet)
        paid = self.house.ask(amount, wallet=wallet)
        assert (paid.status == "approved") == (amount <= before)
        self.payments.append((wallet, paid))

    @rule(which=st.integers(0, 50), amount=st.integers(1, 2_000))
    def refund(self, which: int, amount: int) -> None:
        if self.payments:
            paid = self.payments[which % len(self.payments)][1]
            self.refunds.append(self.house.refund(paid.id, amount))

    @rule(which=st.integers(0, 50))
    def reverse_a_payment(self, which: int) -> None:
        if self.payments:
            self.house.reverse(self.payments[which % len(self.payments)][1].reference)

    @rule(which=st.integers(0, 50))
    def reverse_a_refund(self, which: int) -> None:
        if self.refunds:
            self.house.reverse(self.refunds[which % len(self.refunds)].reference)

    @rule(seconds=st.sampled_from([0.5, 2, 8 * 86_400]))
    def let_time_pass(self, seconds: float) -> None:
        self.house.pass_time(seconds)

    @rule()
    def restart(self) -> None:
        self.house.again()

    @invariant()
    def what_is_gone_was_paid(self) -> None:
        if not hasattr(self, "wallets"):
            return
        for wallet, opened in zip(self.wallets, (BALANCE, 0), strict=True):
            kept = 0
            for of, paid in self.payments:
                now = self.house.look(paid)
                kept += now.captured - now.refunded if of == wallet and not now.reversed else 0
            assert 0 <= self.house.balance(wallet) == opened - kept

    def teardown(self) -> None:
        self.house.close()
        self.folder.cleanup()


Wallets.TestCase.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
TestWallets = Wallets.TestCase


def at_once(work: Callable[[int], None]) -> None:
    threads = [threading.Thread(target=work, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_many_at_once_spend_no_more_than_there_is(tmp_path: Path) -> None:
    with served(tmp_path) as bank:
        wallet = bank.post("/v1/wallets", {"balance": 1_000, "currency": "inr"})
        assert list(wallet) == ["id", "balance", "currency"]
        paid: list[str] = []

        def spend(number: int) -> None:
            for turn in range(20):
                answer = bank.post("/v1/authorizations", asked(f"{number}-{turn}", 30, wallet=wallet["id"]))
                if answer["status"] == "approved":
                    paid.append(answer["id"])

        at_once(spend)
        assert len(paid) == 33
        assert bank.call("GET", f"/v1/wallets/{wallet['id']}")[1] == wallet | {"balance": 10}
        bank.kill()
        bank.start()
        assert bank.call("GET", f"/v1/wallets/{wallet['id']}")[1] == wallet | {"balance": 10}
        body = {"reference": "back", "merchant": MERCHANT, "amount": 30}
        assert bank.post(f"/v1/authorizations/{paid[0]}/refunds", body)["status"] == "approved"
        assert bank.call("GET", f"/v1/wallets/{wallet['id']}")[1]["balance"] == 40
