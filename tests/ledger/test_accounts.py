import pytest

from bursar.ledger import accounts


@pytest.mark.parametrize(
    "name",
    [
        accounts.available("main", "usd"),
        accounts.reserved("w_1", "jpy"),
        accounts.authorised("main", "bhd"),
        accounts.pending("main", "usd", 20_000),
        accounts.receivable("piggybank", "usd"),
        accounts.fees("piggybank", "usd"),
        accounts.holds("piggybank", "usd"),
        accounts.disputes("piggybank", "usd"),
        accounts.wallets_due("usd"),
        accounts.transfers_due("usd"),
        accounts.fees_due("bhd"),
        accounts.in_transit("jpy"),
    ],
)
def test_a_name_that_is_made_here_tells_its_currency(name: str) -> None:
    assert accounts.currency_of(name) == name.split(":")[2]


@pytest.mark.parametrize(
    "name",
    [
        "",
        "wallet:main:usd",
        "wallet:main:USD:available",
        "wallet:main:usd:pending",
        "wallet:main:usd:pending:2026-1-1",
        "wallet::usd:available",
        "wallet:main:usd:available ",
        "wallet:main:usd:available\n",
        "acquirer:piggybank:usd:available",
        f"wallet:{'w' * 41}:usd:available",
        "shop:main:usd:available",
        "clearing:others:usd:due",
        "clearing:wallets:usd:available",
        "payouts:main:usd:in_transit",
    ],
)
def test_anything_else_is_no_account(name: str) -> None:
    assert accounts.currency_of(name) is None


def test_pending_accounts_sort_by_their_day_and_tell_it() -> None:
    days = [0, 1, 364, 365, 10_956, 20_470, 20_471, 60_000]
    names = [accounts.pending("main", "usd", day) for day in days]
    assert sorted(names) == names
    assert [accounts.due_day(name) for name in names] == days
    assert accounts.due_day(accounts.available("main", "usd")) is None


def test_promises_are_no_money() -> None:
    assert accounts.holds_money("wallet:main:usd:pending:2026-01-17")
    assert not accounts.holds_money("wallet:main:usd:authorised")
    assert not accounts.holds_money("acquirer:piggybank:usd:fees")


def test_what_is_reserved_is_given_away_already() -> None:
    assert accounts.holds_money("wallet:main:usd:available")
    assert not accounts.holds_money("wallet:main:usd:reserved")
    assert not accounts.holds_money("clearing:wallets:usd:due")
