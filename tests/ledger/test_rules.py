"""Bookings, as data: what each operation posts, and that nothing unbalanced is ever written."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursar.kit.money import AMOUNT_MAX_OF_SMALL_UNITS, CURRENCIES
from bursar.ledger import repository, rules
from bursar.ledger.rules import Booking, LedgerDefect, Posting, Stamp
from bursar.ledger.schemas import Movement
from tests.ledger.harness import movement

NOON = 1_768_478_400  # 15 January 2026, 12:00 UTC
STAMP = Stamp("txn_0", NOON * 1_000_000)
CHARGE = movement(1_000, "ch_1", operation_id="att_1")

amounts = st.integers(1, AMOUNT_MAX_OF_SMALL_UNITS)
fees = st.integers(0, AMOUNT_MAX_OF_SMALL_UNITS)
movements = st.builds(
    lambda amount, currency: movement(amount, "ch_1", currency), amounts, st.sampled_from(sorted(CURRENCIES))
)
BOOKINGS: dict[str, Callable[[Movement, int], Booking]] = {
    "hold": lambda order, _: rules.hold(order),
    "increment": lambda order, other: rules.increment(order, other + 1),
    "release": lambda order, _: rules.release(order, "voided"),
    "sale": lambda order, fee: rules.capture(order, STAMP, fee, available_at_once=False, held_minor=None, final=True),
    "partial capture": lambda order, fee: rules.capture(
        order, STAMP, fee, available_at_once=True, held_minor=order.amount_minor + fee, final=False
    ),
    "last capture": lambda order, fee: rules.capture(
        order, STAMP, fee, available_at_once=False, held_minor=order.amount_minor + fee, final=True
    ),
    "refund": lambda order, _: rules.refund(order, STAMP),
    "failed refund": lambda order, _: rules.refund_failed(order, STAMP),
    "reversal": lambda order, fee: rules.reverse(order, STAMP, fee),
    "dispute": lambda order, fee: rules.withdraw_for_dispute(order, STAMP, fee),
    "reinstatement": lambda order, fee: rules.reinstate_after_dispute(order, STAMP, fee),
}


@pytest.mark.parametrize("name", BOOKINGS)
@given(order=movements, other=fees)
def test_every_booking_balances_in_its_currency(name: str, order: Movement, other: int) -> None:
    booking = BOOKINGS[name](order, other)
    rules.check_postings(booking.postings, order.currency)
    assert sum(posting.amount_minor for posting in booking.postings) == 0
    transaction = booking.transaction
    if transaction is not None:
        assert transaction.net == transaction.amount - transaction.fee
        wallet = sum(
            posting.amount_minor
            for posting in booking.postings
            if posting.account.startswith("wallet:") and posting.hold_id is None
        )
        assert wallet == transaction.net
        assert transaction.fee == sum(detail.amount for detail in transaction.fee_details)


@given(held=amounts, part=st.data(), final=st.booleans())
def test_a_capture_takes_from_the_hold_what_it_captures_and_the_last_one_all(
    held: int, part: st.DataObject, final: bool
) -> None:
    amount = part.draw(st.integers(1, held))
    order = movement(amount, "ch_1")
    booking = rules.capture(order, STAMP, 0, available_at_once=False, held_minor=held, final=final)
    assert booking.hold is not None
    left = 0 if final else held - amount
    assert booking.hold[1:3] == (held, left)
    assert booking.hold.resolution == (None if left else "captured")
    assert Posting("wallet:main:usd:authorised", left - held, "ch_1") in booking.postings


def test_a_sale_is_one_transaction_and_three_postings() -> None:
    booking = rules.capture(CHARGE, STAMP, 15, available_at_once=False, held_minor=None, final=True)
    assert booking.postings == [
        Posting("acquirer:piggybank:usd:receivable", -1_000),
        Posting("acquirer:piggybank:usd:fees", 15),
        Posting("wallet:main:usd:pending:2026-01-17", 985),
    ]
    assert booking.hold is None
    changes = repository.changes_of("org", 0, "att_1", "usd", STAMP, booking)
    assert [change.statement for change in changes] == [
        *[repository.INSERT_POSTING] * 3,
        repository.INSERT_TRANSACTION,
    ]
    assert {change.row["operation_id"] for change in changes[:3]} == {"att_1"}


def test_money_is_available_on_the_second_day_or_at_once() -> None:
    later = rules.capture(CHARGE, STAMP, 0, available_at_once=False, held_minor=None, final=True).transaction
    at_once = rules.capture(CHARGE, STAMP, 0, available_at_once=True, held_minor=None, final=True)
    assert later is not None
    assert later.available_on == NOON + 36 * 3600
    assert later.status == "pending"
    due = later.available_on * 1_000_000
    assert rules.as_of(later, due - 1).status == "pending"
    assert rules.as_of(later, due).status == "available"
    assert at_once.transaction is not None
    assert (at_once.transaction.available_on, at_once.transaction.status) == (NOON, "available")
    assert at_once.postings[-1].account == "wallet:main:usd:available"


def test_a_won_dispute_gives_back_what_was_taken_with_its_fee() -> None:
    taken = rules.withdraw_for_dispute(CHARGE, STAMP, 1_500)
    back = rules.reinstate_after_dispute(CHARGE, STAMP, 1_500)
    assert taken.transaction is not None
    assert back.transaction is not None
    assert (taken.transaction.net, back.transaction.net) == (-2_500, 2_500)
    assert sorted(taken.postings) == sorted(Posting(name, -amount) for name, amount, _ in back.postings)


@pytest.mark.parametrize(
    ("postings", "why"),
    [
        ([], "0 postings"),
        ([Posting("wallet:main:usd:available", 1)], "1 postings"),
        ([Posting(f"wallet:w{n}:usd:available", 3 if n else -18) for n in range(7)], "7 postings"),
        ([Posting("wallet:main:usd:available", 2), Posting("acquirer:a:usd:fees", -1)], "differ"),
        ([Posting("wallet:main:usd:available", 0), Posting("acquirer:a:usd:fees", 0)], "posting of 0"),
        ([Posting("wallet:main:usd:available", True), Posting("acquirer:a:usd:fees", -1)], "posting of True"),
        ([Posting("wallet:main:usd:available", 2**63), Posting("acquirer:a:usd:fees", -(2**63))], "posting of 9"),
        ([Posting("wallet:main:usd:available", 1), Posting("wallet:main:usd:available", -1)], "same account"),
        ([Posting("wallet:main:usd:available", 1), Posting("acquirer:a:eur:fees", -1)], "no account in 'usd'"),
        ([Posting("wallet:main:usd:available", 1), Posting("somewhere", -1)], "no account in 'usd'"),
    ],
)
def test_postings_that_cannot_be_right_are_never_written(postings: list[Posting], why: str) -> None:
    with pytest.raises(LedgerDefect, match=why):
        repository.changes_of("org", 0, "att_1", "usd", STAMP, Booking(postings))


@pytest.mark.parametrize("amount", [0, -1, True, 1.5])
@pytest.mark.parametrize("name", sorted(BOOKINGS))
def test_an_amount_that_is_no_positive_number_is_refused(name: str, amount: int) -> None:
    with pytest.raises(LedgerDefect, match="an amount of"):
        BOOKINGS[name](movement(amount, "ch_1"), 100)


def test_more_than_is_held_cannot_be_captured() -> None:
    with pytest.raises(LedgerDefect, match="1000, where 999 is held"):
        rules.capture(CHARGE, STAMP, 0, available_at_once=False, held_minor=999, final=True)
