"""The checks themselves, on small cases: each names what is wrong, and nothing where all is right."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.faults import canary, checker
from tests.faults.bank_journal import BankBooks, books_of
from tests.faults.checker import Stored
from tests.faults.pair import Pair

ENTRIES: list[dict[str, Any]] = [
    {"seq": 1, "kind": "opened"},
    {"seq": 2, "kind": "authorization", "id": "auth_2", "authorization": "auth_2", "merchant": "m", "reference": "a1"}
    | {"status": "approved", "amount": 1000, "currency": "usd", "capture": True},
    {"seq": 3, "kind": "authorization", "id": "auth_3", "authorization": "auth_3", "merchant": "m", "reference": "a2"}
    | {"status": "approved", "amount": 1001, "currency": "usd"},
]


def on(authorisation: int, kind: str, seq: int = 4, **members: Any) -> dict[str, Any]:
    entry = {"seq": seq, "kind": kind, "authorization": f"auth_{authorisation}", "status": "approved"}
    return entry | {"reference": f"r{seq}"} | members


def money(*more: dict[str, Any]) -> dict[str, tuple[int, int]]:
    """What is charged and held, by reference."""
    return {one.reference: (one.net, one.held) for one in books_of([*ENTRIES, *more]).authorisations.values()}


@pytest.mark.parametrize(
    ("more", "sale", "hold"),
    [
        ([], (1000, 0), (0, 1001)),
        ([on(2, "refund", amount=400)], (600, 0), (0, 1001)),
        ([on(2, "refund", amount=400, status="declined")], (1000, 0), (0, 1001)),
        ([on(2, "refund", amount=400), on(2, "refund_outcome", 5, status="failed", amount=400)], (1000, 0), (0, 1001)),
        ([on(3, "capture", amount=300, final=True)], (1000, 0), (300, 0)),
        ([on(3, "capture", amount=300)], (1000, 0), (300, 701)),
        ([on(3, "capture", amount=300, final=True), on(3, "reversal", 5, amount=300, undid=4)], (1000, 0), (0, 1001)),
        ([on(3, "void", amount=1001)], (1000, 0), (0, 0)),
        ([on(2, "reversal", amount=1000, undid=2)], (0, 0), (0, 1001)),
        ([on(2, "reversal", amount=1000, undid=2), on(2, "late_approval", 5)], (1000, 0), (0, 1001)),
    ],
)
def test_the_journal_adds_up_to_what_the_card_was_charged(
    more: list[dict[str, Any]], sale: tuple[int, int], hold: tuple[int, int]
) -> None:
    assert money(*more) == {"a1": sale, "a2": hold}


def attempt(name: str, subject: str, kind: str = "authorize", state: str = "succeeded") -> Any:
    return SimpleNamespace(id=name, subject_id=subject, kind=kind, state=state)


def posting(transaction: str, amount: int, account: str = "wallet:main:usd:available", operation: str = "a1") -> Any:
    return SimpleNamespace(
        transaction_id=transaction, amount_minor=amount, account=account, operation_id=operation, currency="usd"
    )


def stored(**members: Any) -> Stored:
    lists: dict[str, list[Any]] = {name: [] for name in Stored.__dataclass_fields__}
    return Stored(**cast(Any, lists | members))


def test_two_charges_for_one_order_are_found_by_their_amount_and_by_their_intent() -> None:
    again = ENTRIES[1] | {"seq": 4, "id": "auth_4", "authorization": "auth_4", "reference": "a4"}
    found = list(
        checker.charged_twice(
            books_of([*ENTRIES, again]),
            stored(attempts=[attempt("a1", "pi_1"), attempt("a2", "pi_2"), attempt("a4", "pi_1")]),
        )
    )
    assert [one for one in found if "charged 2 times" in one] == found
    assert len(found) == 2


def test_a_charge_that_bursar_does_not_know_is_found() -> None:
    found = list(checker.charged_twice(books_of(ENTRIES), stored(attempts=[attempt("a1", "pi_1")])))
    assert found == ["the bank charged 1001 under a2, of which Bursar knows nothing"]


def test_money_of_a_failed_payment_is_found() -> None:
    intents = [{"id": "pi_1", "status": "requires_payment_method", "amount": 1000}]
    found = list(
        checker.false_failures(books_of(ENTRIES[:2]), stored(intents=intents, attempts=[attempt("a1", "pi_1")]))
    )
    assert len(found) == 2
    assert "the bank took 1000" in found[0]


def test_books_that_do_not_balance_are_found() -> None:
    assert list(checker.broken_books(stored(postings=[posting("t1", 5), posting("t1", -5)]))) == []
    found = list(checker.broken_books(stored(postings=[posting("t1", 5), posting("t2", -4)])))
    assert len(found) == 3


def test_operations_without_postings_and_postings_without_operations_are_found() -> None:
    books = BankBooks()
    books.effective.update(["a1", "a2"])
    postings = [posting("t1", 5), posting("t2", 5), posting("t3", 5, operation="a3")]
    found = list(checker.unequal_operations(books, stored(postings=postings)))
    assert found == [
        "a1 has 2 groups of postings",
        "the bank carried a2 out, and nothing was posted",
        "a3 was posted, and the bank did not carry it out",
    ]


@pytest.mark.parametrize(
    ("content", "finds"),
    [
        ("nothing", 0),
        ("…4242424242424242…", 1),
        ('{"cvc": "904"}', 1),
        ("payment_method_data%5Bcard%5D%5Bcvc%5D=904", 1),
        ("amount=904", 0),
    ],
)
def test_a_card_number_or_a_code_in_any_file_is_found(tmp_path: Path, content: str, finds: int) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "log").write_text(content)
    pair = cast(Pair, SimpleNamespace(folder=tmp_path, database_url="sqlite:///x"))
    assert len(canary.found(pair)) == finds
