"""Whatever is changed behind the server's back is found, and named by the rule that it breaks."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection

from bursar.attempts.tables import attempts
from bursar.disputes.tables import disputes
from bursar.events.tables import events
from bursar.ledger.tables import balance_transactions, ledger_holds, ledger_postings
from bursar.payments.tables import charges, payment_intents
from bursar.refunds.tables import refunds
from bursar.setup_intents.tables import setup_intents
from tests.books.plants import (
    attempt_of,
    change,
    copied,
    copy_group,
    delete,
    double,
    event,
    event_of,
    group_of,
    members,
    replace,
    rows,
    the,
)
from tests.books.world import Corruption, World

Plant = Callable[[World], Corruption]


def written(act: Callable[[Connection, World], Any]) -> Plant:
    """For what needs to look around first."""

    def plant(world: World) -> Corruption:
        def corrupt(connection: Connection) -> None:
            act(connection, world)

        return corrupt

    return plant


def no_group(connection: Connection, world: World) -> None:
    for row in group_of(connection, attempt_of(connection, world, "sale").id):
        connection.execute(ledger_postings.delete().where(ledger_postings.c.transaction_id == row.transaction_id))
        connection.execute(balance_transactions.delete().where(balance_transactions.c.id == row.transaction_id))


def scaled(connection: Connection, world: World) -> None:
    """All of a sale's postings by half again, and the balance transaction with them."""
    for row in group_of(connection, attempt_of(connection, world, "sale").id):
        replace(connection, ledger_postings, row, amount_minor=row.amount_minor * 3 // 2)
        transaction = row.transaction_id
    (row,) = rows(connection, balance_transactions, id=transaction)
    told = {"amount_minor": 3_000, "fee_minor": 45, "net_minor": 2_955}
    document = members(amount=3_000, fee=45, net=2_955)(row.document)
    replace(connection, balance_transactions, row, **told, document=document)


def twice(connection: Connection, world: World) -> None:
    copy_group(connection, attempt_of(connection, world, "sale").id)


def unordered(connection: Connection, world: World) -> None:
    for row in group_of(connection, attempt_of(connection, world, "sale").id):
        replace(connection, ledger_postings, row, operation_id=None)


def strange_operation(connection: Connection, world: World) -> None:
    for row in group_of(connection, attempt_of(connection, world, "sale").id):
        replace(connection, ledger_postings, row, operation_id="att_nobody")


def swapped_operations(connection: Connection, world: World) -> None:
    one, other = (attempt_of(connection, world, name).id for name in ("sale", "refunded"))
    group_of_other = group_of(connection, other)
    for row in group_of(connection, one):
        replace(connection, ledger_postings, row, operation_id=other)
    for row in group_of_other:
        replace(connection, ledger_postings, row, operation_id=one)


def posted_though_declined(connection: Connection, world: World) -> None:
    declined = attempt_of(connection, world, "declined")
    transaction = copy_group(connection, attempt_of(connection, world, "sale").id, operation_id=declined.id)
    (row,) = rows(connection, balance_transactions, id=transaction)
    replace(connection, balance_transactions, row, source_id=world.ids["charge of declined"])


def no_operation(connection: Connection, world: World) -> None:
    connection.execute(attempts.delete().where(attempts.c.id == attempt_of(connection, world, "sale").id))


def failed_operation(connection: Connection, world: World) -> None:
    replace(connection, attempts, attempt_of(connection, world, "sale"), state="failed")


def open_again(connection: Connection, world: World) -> None:
    replace(connection, attempts, attempt_of(connection, world, "sale"), state="unknown", next_look=1)


def succeeded_without_posting(connection: Connection, world: World) -> None:
    """A declined one is told to have succeeded, in the attempt only."""
    sale = attempt_of(connection, world, "sale")
    row = attempt_of(connection, world, "declined")
    replace(connection, attempts, row, state="succeeded", outcome_document=sale.outcome_document)


def raised_order(connection: Connection, world: World) -> None:
    replace(connection, attempts, attempt_of(connection, world, "sale"), amount_minor=2_100)


def unreadable_end(connection: Connection, world: World) -> None:
    replace(connection, attempts, attempt_of(connection, world, "sale"), outcome_document="{")


def refund_of_too_much(connection: Connection, world: World) -> None:
    """Consistently, through all tables: only what it is a refund of cannot bear it."""
    (row,) = rows(connection, refunds, id=world.ids["refund of refunded"])
    replace(connection, refunds, row, amount_minor=2_500, document=members(amount=2_500)(row.document))
    (charge,) = rows(connection, charges, id=row.charge)
    told = members(amount_refunded=2_500, refunded=True)(charge.document)
    replace(connection, charges, charge, refunded_minor=2_500, document=told)
    attempt = attempt_of(connection, world, "refund of refunded", "refund")
    replace(connection, attempts, attempt, amount_minor=2_500)
    for posting in group_of(connection, attempt.id):
        replace(connection, ledger_postings, posting, amount_minor=posting.amount_minor * 5)
        transaction = posting.transaction_id
    (moved,) = rows(connection, balance_transactions, id=transaction)
    document = members(amount=-2_500, net=-2_500)(moved.document)
    replace(connection, balance_transactions, moved, amount_minor=-2_500, net_minor=-2_500, document=document)
    for object_id, event_type, changes in (
        (row.id, "refund.updated", {"amount": 2_500}),
        (row.charge, "charge.refunded", {"amount_refunded": 2_500, "refunded": True}),
    ):
        told_last = event_of(connection, object_id, event_type)
        replace(connection, events, told_last, data=members(**changes)(told_last.data))


def held_without_charge(connection: Connection, world: World) -> None:
    hold = world.ids["charge of hold"]
    for row in rows(connection, ledger_postings, hold_id=hold):
        replace(connection, ledger_postings, row, hold_id="ch_nobody")
    (row,) = rows(connection, ledger_holds, id=hold)
    replace(connection, ledger_holds, row, id="ch_nobody")


def another_charge(connection: Connection, world: World) -> None:
    """The balance transactions of two payments tell of each other's charges."""
    one, other = (
        rows(connection, balance_transactions, source_id=world.ids[f"charge of {name}"])[0]
        for name in ("sale", "disputed")
    )
    replace(connection, balance_transactions, one, source_id=other.source_id)
    replace(connection, balance_transactions, other, source_id=one.source_id)


# Which rules must speak, and of what one of them must.
PLANTED: dict[str, tuple[set[str], str, Plant]] = {
    "a posting was deleted": (
        {"L1", "L2", "L3", "L8"},
        "",
        written(
            lambda connection, world: connection.execute(
                ledger_postings.delete().where(
                    ledger_postings.c.operation_id == attempt_of(connection, world, "sale").id,
                    ledger_postings.c.account.like("%:fees"),
                )
            )
        ),
    ),
    "a sale's whole group was deleted": ({"L5", "L8"}, "charge of sale", written(no_group)),
    "a sale's group was raised in itself": ({"L5", "L8"}, "charge of sale", written(scaled)),
    "a sale was posted twice": ({"L5", "L8"}, "charge of sale", written(twice)),
    "a sale was posted by no operation": ({"L8"}, "", written(unordered)),
    "a sale was posted by an operation that is not there": ({"L8"}, "", written(strange_operation)),
    "two sales' postings changed operations": ({"L8"}, "", written(swapped_operations)),
    "two charges changed balance transactions": ({"L5", "L8"}, "charge of sale", written(another_charge)),
    "a declined payment was posted": ({"L5", "L10"}, "", written(posted_though_declined)),
    "an operation was deleted": ({"L8"}, "charge of sale", written(no_operation)),
    "an operation was called failed": ({"L10", "L12"}, "charge of sale", written(failed_operation)),
    "a declined operation was called good": ({"L8", "L12"}, "charge of declined", written(succeeded_without_posting)),
    "an operation that is open has postings": ({"L8", "L10", "L12"}, "charge of sale", written(open_again)),
    "an operation was of another amount": ({"L8"}, "", written(raised_order)),
    "an operation's end was made unreadable": ({"L8", "L10", "L12"}, "", written(unreadable_end)),
    "a charge captured less": (
        {"L5", "L6"},
        "charge of sale",
        change(charges, the("charge of sale"), captured_minor=1_900),
    ),
    "a charge captured more than was authorised": (
        {"L4", "L5", "L6", "L12"},
        "charge of sale",
        change(charges, the("charge of sale"), captured_minor=2_100, document=members(amount_captured=2_100)),
    ),
    "a failed charge captured something": (
        {"L4", "L5", "L6", "L10", "L12"},
        "charge of declined",
        change(
            charges,
            the("charge of declined"),
            captured_minor=2_000,
            amount_minor=1_000,
            document=members(amount_captured=2_000, amount=1_000),
        ),
    ),
    "a failed charge was called good": (
        {"L10", "L12"},
        "charge of declined",
        change(charges, the("charge of declined"), status="succeeded", document=members(status="succeeded")),
    ),
    "a charge names a balance transaction that is none": (
        {"L5", "L12"},
        "charge of sale",
        change(charges, the("charge of sale"), document=members(balance_transaction="txn_nobody")),
    ),
    "a charge's document tells of more refunds": (
        {"L6", "L12"},
        "charge of refunded",
        change(charges, the("charge of refunded"), document=members(amount_refunded=600)),
    ),
    "less is kept of a charge than its refunds": (
        {"L4"},
        "charge of refunded",
        change(charges, the("charge of refunded"), refunded_minor=0),
    ),
    "less is kept of a charge than its dispute": (
        {"L4"},
        "charge of disputed",
        change(charges, the("charge of disputed"), disputed_minor=0),
    ),
    "a refund was of more than there was": ({"L4", "L6"}, "charge of refunded", written(refund_of_too_much)),
    "a refund of less was posted": (
        {"L6", "L4", "L12"},
        "refund of refunded",
        change(refunds, the("refund of refunded"), amount_minor=600, document=members(amount=600)),
    ),
    "a refund was deleted": (
        {"L4", "L6", "L10", "L12"},
        "refund of refunded",
        delete(refunds, the("refund of refunded")),
    ),
    "a refund that failed was called good": (
        {"L4", "L6", "L10", "L12"},
        "refund of not refunded",
        change(refunds, the("refund of not refunded"), status="succeeded", document=members(status="succeeded")),
    ),
    "a dispute took less": (
        {"L4", "L6"},
        "dispute of disputed",
        change(disputes, the("dispute of disputed"), withdrawn_minor=1_999),
    ),
    "a dispute cost less": ({"L6"}, "dispute of disputed", change(disputes, the("dispute of disputed"), fee_minor=1)),
    "a dispute was called lost": (
        {"L12"},
        "dispute of disputed",
        change(disputes, the("dispute of disputed"), status="lost", document=members(status="lost")),
    ),
    "a hold was lowered in its row": (
        {"L7"},
        "charge of hold",
        change(ledger_holds, the("charge of hold"), amount_minor=1),
    ),
    "more can be captured than is held": (
        {"L4", "L12"},
        "charge of hold",
        change(payment_intents, the("hold"), document=members(amount_capturable=1_200)),
    ),
    "a hold is of no charge": ({"L4"}, "charge of hold", written(held_without_charge)),
    "an intent received more": (
        {"L5", "L12"},
        "sale",
        change(payment_intents, the("sale"), document=members(amount_received=2_001)),
    ),
    "an intent succeeded without a charge": (
        {"L5", "L12"},
        "declined",
        change(payment_intents, the("declined"), status="succeeded", document=members(status="succeeded")),
    ),
    "an intent was called canceled": (
        {"L12"},
        "sale",
        change(payment_intents, the("sale"), status="canceled", document=members(status="canceled")),
    ),
    "an intent was called canceled in its row": (
        {"L12"},
        "sale",
        change(payment_intents, the("sale"), status="canceled"),
    ),
    "an intent was deleted": ({"L12"}, "sale", delete(payment_intents, the("sale"))),
    "an intent's amount was raised": (
        {"L12"},
        "sale",
        change(payment_intents, the("sale"), amount_minor=3_000, document=members(amount=3_000)),
    ),
    "an intent's document was made unreadable": ({"L12"}, "sale", change(payment_intents, the("sale"), document="{")),
    "a charge was deleted": ({"L5", "L8", "L12"}, "sale", delete(charges, the("charge of sale"))),
    "a charge was made twice": (
        {"L5", "L12"},
        "sale",
        double(charges, the("charge of sale")),
    ),
    "a setup was called canceled": (
        {"L12"},
        "setup",
        change(setup_intents, the("setup"), status="canceled", document=members(status="canceled")),
    ),
    "the success was not told": ({"L12"}, "sale", delete(events, event("sale", "payment_intent.succeeded"))),
    "the beginning was not told": ({"L12"}, "sale", delete(events, event("sale", "payment_intent.created"))),
    "a decline was not told": ({"L12"}, "declined", delete(events, event("declined", "payment_intent.payment_failed"))),
    "a charge was not told": ({"L12"}, "charge of sale", delete(events, event("charge of sale", "charge.succeeded"))),
    "a change of a charge was not told": (
        {"L12"},
        "charge of sale",
        delete(events, event("charge of sale", "charge.updated")),
    ),
    "a capture was not told": (
        {"L12"},
        "charge of captured in part",
        delete(events, event("charge of captured in part", "charge.captured")),
    ),
    "a refund was not told": (
        {"L12"},
        "charge of refunded",
        delete(events, event("charge of refunded", "charge.refunded")),
    ),
    "the failing of a refund was not told": (
        {"L12"},
        "refund of not refunded",
        delete(events, event("refund of not refunded", "refund.failed")),
    ),
    "a dispute was not told": (
        {"L12"},
        "dispute of won",
        delete(events, event("dispute of won", "charge.dispute.funds_reinstated")),
    ),
    "the success was told twice": ({"L12"}, "sale", double(events, event("sale", "payment_intent.succeeded"))),
    "a change was told twice": ({"L12"}, "charge of sale", double(events, event("charge of sale", "charge.updated"))),
    "an authorisation was told twice": (
        {"L12"},
        "hold",
        double(events, event("hold", "payment_intent.amount_capturable_updated")),
    ),
    "an event tells another amount": (
        {"L12"},
        "sale",
        change(events, event("sale", "payment_intent.succeeded"), data=members(amount_received=1)),
    ),
    "an event tells of another object": (
        {"L12"},
        "",
        change(events, event("sale", "payment_intent.succeeded"), data=members(id="pi_nobody")),
    ),
    "an event was made unreadable": ({"L12"}, "", change(events, event("sale", "payment_intent.created"), data="{")),
    "an event tells of what is not there": (
        {"L12"},
        "",
        double(events, event("sale", "payment_intent.created"), object_id="pi_nobody"),
    ),
}


@pytest.mark.parametrize("name", PLANTED)
def test_what_was_changed_by_hand_is_found(name: str, world: World) -> None:
    rules, subject, plant = PLANTED[name]
    report = world.verified(plant(world))
    found = {(finding.rule, finding.subject) for finding in report.findings}
    assert {rule for rule, _ in found} == rules, "\n".join(map(str, report.findings))
    if subject:
        assert world.ids[subject] in {named for _, named in found}, report.findings


@pytest.mark.parametrize("world", ["sqlite"], indirect=True)
def test_a_value_of_another_kind_is_found(world: World) -> None:
    """SQLite lets anything be in any column."""
    report = world.verified(change(charges, the("charge of sale"), amount_minor="2000 or so")(world))
    assert {finding.rule for finding in report.findings} >= {"L12"}
    assert any("not as it was written" in finding.problem for finding in report.findings)


def test_an_operation_that_is_open_is_told_and_no_finding(world: World) -> None:
    def act(connection: Connection, world: World) -> None:
        row = attempt_of(connection, world, "waits")
        again = row._asdict() | {"id": copied(row.id), "state": "prepared", "next_look": 1, "outcome_document": None}
        connection.execute(attempts.insert().values(again))

    report = world.verified(written(act)(world), world.journal())
    assert report.findings == []
    assert [(found.rule, found.problem) for found in report.open] == [
        ("open", f"authorize of 2000 usd for {world.ids['waits']} is prepared")
    ]
