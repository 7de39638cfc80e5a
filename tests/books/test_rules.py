"""A hold that the bank let run out by itself: postings without an operation, and still right."""

from itertools import count

import msgspec
import pytest

from bursar.books.log_rules import check_log
from bursar.books.rules import check_money, check_operations
from bursar.books.schemas import AttemptRow, Case, ChargeRow, Ending, EventRow, IntentRow, Order, PostingRow, Told
from bursar.ledger.verification import Finding

_numbers = count(1)
CANCELED = Told(
    id="pi_1", status="canceled", amount=900, currency="usd", amount_received=0, amount_capturable=0,
    latest_charge="ch_1", canceled_at=5,
)  # fmt: skip
WAITS = msgspec.structs.replace(CANCELED, status="requires_capture", amount_capturable=900, canceled_at=None)
RELEASED = Told(
    id="ch_1", status="succeeded", amount=900, currency="usd", amount_captured=0, amount_refunded=900,
    captured=False, refunded=True, disputed=False,
)  # fmt: skip
EVENTS = {
    "payment_intent.created": msgspec.structs.replace(WAITS, status="processing"),
    "charge.succeeded": msgspec.structs.replace(RELEASED, amount_refunded=0, refunded=False),
    "payment_intent.amount_capturable_updated": WAITS,
    "charge.expired": RELEASED,
    "payment_intent.canceled": CANCELED,
}


def expired(untold: str = "") -> Case:
    """All that is known of it; one event may not have been told."""
    case = Case("pi_1")
    case.add(IntentRow("pi_1", "canceled", 900, "usd", None, CANCELED))
    case.add(ChargeRow("ch_1", "pi_1", "succeeded", 900, 0, 0, 0, "usd", "auth_1", "att_1", RELEASED))
    order = Order(capture=False)
    case.add(AttemptRow("att_1", "authorize", "pi_1", "succeeded", 900, "usd", order, Ending("succeeded")))
    posted(case, "txn_1", "holds", -900, "att_1")
    posted(case, "txn_2", "holds", 900, None)
    for event_type, told in EVENTS.items():
        if event_type != untold:
            number = next(_numbers)
            case.add(EventRow(f"evt_{number:09}", event_type, str(told.id), number.to_bytes(8, "big"), told))
    return case


def posted(case: Case, transaction_id: str, kind: str, amount: int, operation_id: str | None) -> None:
    account = f"acquirer:piggybank:usd:{kind}"
    case.add(PostingRow(transaction_id, account, amount, "usd", operation_id, "ch_1" if kind == "holds" else None))


def findings(case: Case) -> list[Finding]:
    return [*check_money(case), *check_operations(case), *check_log(case)]


def test_what_the_bank_let_go_by_itself_needs_no_operation() -> None:
    assert findings(expired()) == []


@pytest.mark.parametrize("event_type", EVENTS)
def test_each_of_its_events_is_needed(event_type: str) -> None:
    assert {finding.rule for finding in findings(expired(event_type))} == {"L12"}


def test_what_was_let_go_was_let_go_once() -> None:
    case = expired()
    posted(case, "txn_3", "holds", 900, None)
    assert {finding.rule for finding in findings(case)} == {"L4", "L12"}


def test_money_that_moves_needs_an_operation() -> None:
    case = expired()
    posted(case, "txn_3", "receivable", -900, None)
    assert ("L8", "txn_3") in {(finding.rule, finding.subject) for finding in findings(case)}
