"""A statement is the ledger, line by line, whatever happened and whichever part of it is asked for."""

import random

import pytest

from bursar.kit.clock import ManualClock, seconds
from bursar.kit.errors import InvalidRequest, NotFound
from bursar.wallets.schemas import Wallet
from tests.wallets.harness import ACCOUNT, House, Json

STATEMENT = "/api/v1/wallets/{code}/statement"
TRANSFERS = "/api/v1/wallets/transfers"


def statement(house: House, wallet: Wallet, query: str = "currency=usd") -> Json:
    answer: Json = house.asked("GET", STATEMENT, query=query, code=wallet.code)
    return answer


def test_each_movement_is_a_line_with_what_was_there_after_it(house: House, clock: ManualClock) -> None:
    main, till = house.primary(), house.wallet()
    charge = house.earn(till, 1_030, fee_minor=20, service_fee_minor=30)
    transfer = {"from": till.code, "to": main.code, "amount": 100, "currency": "usd"}
    moved = house.asked("POST", TRANSFERS, transfer)
    asked = {"wallet": till.code, "amount": 500, "currency": "usd", "destination": ACCOUNT}
    withdrawal = house.asked("POST", "/api/v1/txn/withdraw", asked)
    house.refund_card(till, 50)
    found = statement(house, till)
    lines = [(line["type"], line["amount"], line["fee"], line["net"], line["balance"]) for line in found["data"]]
    assert lines == [
        ("refund", -50, 0, -50, 330),
        ("payout", -500, 0, -500, 380),
        ("transfer", -100, 0, -100, 880),
        ("charge", 1_030, 50, 980, 980),
    ]
    sources = [line["source"] for line in found["data"]]
    assert sources[1:] == [withdrawal["id"], moved["id"], charge]
    assert (found["opening_balance"], found["closing_balance"]) == (0, 330)
    of_main = [(line["type"], line["net"], line["source"]) for line in statement(house, main)["data"]]
    assert of_main == [("transfer", 100, moved["id"]), ("application_fee", 30, charge)]


@pytest.mark.parametrize("seed", range(4))
def test_every_part_of_a_random_history_adds_up(house: House, clock: ManualClock, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311
    wallets = [house.primary(), house.wallet(), house.wallet()]
    times = [seconds(clock.microseconds)]
    for _ in range(40):
        happen(house, chance, wallets)
        clock.advance(chance.choice([0, 1, 60, 86_400]))
        times.append(seconds(clock.microseconds))
    for wallet in wallets:
        whole = every_line(house, wallet, f"&to={times[-1] + 1}")
        available, pending, _ = house.balance(wallet)
        assert statement(house, wallet)["closing_balance"] == available + pending == sum(line["net"] for line in whole)
        running = 0
        for line in reversed(whole):
            running += line["net"]
            assert line["balance"] == running
        low, high = sorted(chance.sample(times, 2))
        part = statement(house, wallet, f"currency=usd&from={low}&to={high}&limit=100")
        inside = [line for line in whole if low <= line["created"] < high]
        assert part["data"] == inside
        assert part["opening_balance"] == sum(line["net"] for line in whole if line["created"] < low)
        assert part["closing_balance"] == sum(line["net"] for line in whole if line["created"] < high)
    assert house.findings() == []


def happen(house: House, chance: random.Random, wallets: list[Wallet]) -> None:
    wallet, other = chance.sample(wallets, 2)
    amount = chance.randint(50, 5_000)
    kind = chance.choice(["earn", "earn", "earn", "transfer", "refund", "withdraw"])
    if kind == "earn":
        house.earn(wallet, amount, fee_minor=7, service_fee_minor=chance.choice([0, 11]), at_once=chance.random() < 0.5)
    elif kind == "refund":
        house.refund_card(wallet, amount // 4)
    elif house.balance(wallet)[0] >= amount:
        if kind == "transfer":
            order = {"from": wallet.code, "to": other.code, "amount": amount, "currency": "usd"}
            house.asked("POST", TRANSFERS, order)
        else:
            asked = {"wallet": wallet.code, "amount": amount, "currency": "usd", "destination": ACCOUNT}
            made = house.asked("POST", "/api/v1/txn/withdraw", asked)
            if chance.random() < 0.5:
                house.asked("POST", "/api/v1/txn/withdrawals/{withdrawal}/cancel", withdrawal=made["id"])


def every_line(house: House, wallet: Wallet, query: str) -> list[dict[str, int]]:
    """Page by page, forwards; and then backwards, which must be the same."""
    found: list[dict[str, int]] = []
    cursor = ""
    while True:
        page = statement(house, wallet, f"currency=usd&limit=7{query}{cursor}")
        found += page["data"]
        if not page["has_more"]:
            break
        cursor = f"&starting_after={found[-1]['id']}"
    if len(found) > 7:
        before = statement(house, wallet, f"currency=usd&limit=7{query}&ending_before={found[7]['id']}")
        assert before["data"] == found[:7]
    return found


def test_a_wallet_of_one_currency_need_not_name_it(house: House) -> None:
    assert statement(house, house.wallet(currency="eur"), "")["currency"] == "eur"


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("", "currency"),
        ("currency=abc", "currency"),
        ("currency=usd&from=20&to=10", "from"),
        ("currency=usd&from=-1", "from"),
        ("currency=usd&from=x", "from"),
        ("currency=usd&org_id=acct_other", "org_id"),
        ("currency=usd&from_=5", "from_"),
    ],
)
def test_a_statement_that_cannot_be_is_refused(house: House, query: str, param: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        statement(house, house.primary(), query)
    assert refusal.value.param == param


def test_another_wallets_line_is_no_cursor(house: House) -> None:
    main, till = house.primary(), house.wallet()
    house.earn(till, 100)
    [line] = statement(house, till)["data"]
    with pytest.raises(NotFound):
        statement(house, main, f"currency=usd&starting_after={line['id']}")
