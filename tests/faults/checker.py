"""What must be true of payments after any fault, however it went.

Bursar's database and the bank's journal are read each by themselves, and held against each other and against what
the clients were told. Each check is a function that returns what is wrong, in sentences.
"""

import json
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import NullPool, Row, Table, create_engine, func, select

from bursar import runtime  # noqa: F401 - its imports make the tables known
from bursar.attempts.schemas import OPEN_STATES
from bursar.attempts.tables import attempts
from bursar.books import journal
from bursar.books import service as books
from bursar.events import audit
from bursar.events.tables import events
from bursar.kit.clock import MICROSECONDS_PER_SECOND, SystemClock
from bursar.ledger.tables import ledger_holds, ledger_postings
from bursar.payments.tables import charges, payment_intents
from bursar.refunds.tables import refunds
from bursar.store.engine import Engines
from tests.faults.bank_journal import Authorisation, BankBooks, books_of, read_journal
from tests.faults.pair import Pair
from tests.faults.payment_load import Ending, Json, Load
from tests.wire.harness import HOST

RESOLVED_SECONDS_MAX = 60.0
YOUNG_SECONDS = 120  # twice what the books call young
FAILED = ("requires_payment_method", "requires_confirmation", "requires_action", "canceled")
KEPT_MEMBERS = ("status", "amount", "amount_received", "amount_capturable", "currency", "latest_charge")


@dataclass
class Stored:
    """What Bursar has, read from its database by plain SQL."""

    intents: list[Json]
    charges: list[Row[Any]]
    attempts: list[Row[Any]]
    postings: list[Row[Any]]
    holds: list[Row[Any]]
    refunds: list[Row[Any]]


def violations(pair: Pair, load: Load) -> list[str]:
    """All checks; the processes must run, and nothing be under way."""
    stored = read_stored(pair.database_url)
    bank = books_of(read_journal(pair))
    return [
        *load.complaints,
        *server_errors(load),
        *lost_or_changed(load.endings, stored),
        *not_once(load.endings, stored),
        *charged_twice(bank, stored),
        *unequal_money(bank, stored),
        *false_failures(bank, stored),
        *broken_books(stored),
        *unequal_operations(bank, stored),
        *broken_log(pair.database_url),
        *unproven_books(pair),
        *untold_changes(pair.database_url, stored),
        *pair.slow_starts(),
    ]


def read_stored(database_url: str) -> Stored:
    engine = create_engine(database_url, poolclass=NullPool)

    def rows(table: Table) -> list[Row[Any]]:
        with engine.connect() as connection:
            return list(connection.execute(select(table)))

    return Stored(
        [json.loads(row.document) for row in rows(payment_intents)],
        rows(charges),
        rows(attempts),
        rows(ledger_postings),
        rows(ledger_holds),
        rows(refunds),
    )


def open_attempts(database_url: str) -> Counter[str]:
    """By state, those of which the end is not known."""
    engine = create_engine(database_url, poolclass=NullPool)
    query = select(attempts.c.state, func.count()).where(attempts.c.state.in_(OPEN_STATES)).group_by(attempts.c.state)
    with engine.connect() as connection:
        return Counter({name: number for name, number in connection.execute(query)})  # noqa: C416 - rows, no pairs


def await_resolution(pair: Pair, since: float, seconds_max: float = RESOLVED_SECONDS_MAX) -> float:
    """After how many seconds from `since` on nothing was open any more."""
    while True:
        left = open_attempts(pair.database_url)
        seconds = time.monotonic() - since
        if not left:
            return seconds
        assert seconds < seconds_max, f"{dict(left)} are open {seconds:.0f} s after the bank is back"
        time.sleep(0.2)


def server_errors(load: Load) -> Iterator[str]:
    for what, number in load.answers.items():
        if what.startswith("5") and not what.startswith("503"):
            yield f"{number} requests were answered {what}"


def lost_or_changed(endings: Sequence[Ending], stored: Stored) -> Iterator[str]:
    """Everything that a client was told is there as it was told."""
    known = {intent["id"]: intent for intent in stored.intents}
    for ending in endings:
        told, now = ending.intent, known.get(ending.intent["id"])
        if now is None:
            yield f"{ending.order}: {told['id']} was told of, and is not there"
            continue
        for member in KEPT_MEMBERS:
            if told[member] != now[member]:
                yield f"{ending.order}: {told['id']} had {member} {told[member]!r}, and now {now[member]!r}"
        if now["amount"] != ending.amount:
            yield f"{ending.order}: {ending.amount} were ordered, {told['id']} is of {now['amount']}"
        if ending.declined is not None and now["status"] == "requires_payment_method":
            error = now["last_payment_error"]
            if error is None or (error["decline_code"] or error["code"]) != ending.declined:
                yield f"{ending.order}: {told['id']} was declined with {ending.declined}; now it says {error}"
        yield from _refunds_lost(ending, stored)


def _refunds_lost(ending: Ending, stored: Stored) -> Iterator[str]:
    of_intent = {row.id: row for row in stored.refunds if row.payment_intent == ending.intent["id"]}
    for told in ending.refunds:
        now = of_intent.pop(told["id"], None)
        if now is None or (now.status, now.amount_minor) != (told["status"], told["amount"]):
            yield f"{ending.order}: {told['id']} was {told['status']} of {told['amount']}, and now is {now}"
    for refund_id in of_intent:
        yield f"{ending.order}: nobody was told of {refund_id}"


def not_once(endings: Sequence[Ending], stored: Stored) -> Iterator[str]:
    made = Counter(intent["metadata"].get("order") for intent in stored.intents)
    wanted = {ending.order for ending in endings}
    for order in wanted:
        if made[order] != 1:
            yield f"{order} has {made[order]} payment intents"
    for order, number in made.items():
        if order not in wanted:
            yield f"{order} has {number} payment intents, and no client was answered"


def charged_twice(bank: BankBooks, stored: Stored) -> Iterator[str]:
    for reference, number in bank.effective.items():
        if number > 1:
            yield f"the bank carried {reference} out {number} times"
    subject_of = {row.id: row.subject_id for row in stored.attempts}
    by_amount: dict[int, list[Authorisation]] = defaultdict(list)
    by_subject: dict[str, list[Authorisation]] = defaultdict(list)
    for one in bank.authorisations.values():
        if not one.is_charged:
            continue
        by_amount[one.amount].append(one)
        subject = subject_of.get(one.reference)
        if subject is None:
            yield f"the bank charged {one.amount} under {one.reference}, of which Bursar knows nothing"
        else:
            by_subject[subject].append(one)
    for amount, charged in by_amount.items():
        if len(charged) > 1:
            yield f"the order of {amount} was charged {len(charged)} times: {[one.reference for one in charged]}"
    for subject, charged in by_subject.items():
        if len(charged) > 1:
            yield f"{subject} was charged {len(charged)} times: {[one.reference for one in charged]}"


def unequal_money(bank: BankBooks, stored: Stored) -> Iterator[str]:
    """Charge by charge, and in sum."""
    taken: Counter[str] = Counter()
    for one in bank.authorisations.values():
        taken[one.currency] += one.net
    received: Counter[str] = Counter()
    held: Counter[str] = Counter()
    for row in stored.charges:
        received[row.currency] += row.captured_minor - row.refunded_minor
        about = bank.authorisations.get(row.bank_reference or "")
        if row.status != "succeeded":
            continue
        if about is None:
            yield f"the bank knows nothing of {row.bank_reference}, on which {row.id} stands"
        elif (about.captured, about.refunded) != (row.captured_minor, row.refunded_minor) or about.reversed:
            bank_says = f"{about.captured} captured and {about.refunded} refunded" + ", reversed" * about.reversed
            yield f"{row.id} has {row.captured_minor} captured and {row.refunded_minor} refunded; the bank {bank_says}"
    for hold in stored.holds:
        held[hold.currency] += hold.amount_minor
    yield from _unequal("the payments' money", received, "the bank's", taken)
    held_there: Counter[str] = Counter()
    for one in bank.authorisations.values():
        held_there[one.currency] += one.held
    yield from _unequal("the holds in the books", held, "those at the bank", held_there)


def false_failures(bank: BankBooks, stored: Stored) -> Iterator[str]:
    """No payment that Bursar calls failed or cancelled has money at the bank."""
    reference_of = bank.by_reference()
    status_of = {intent["id"]: intent["status"] for intent in stored.intents}
    amounts_of_failed = {intent["amount"]: intent for intent in stored.intents if intent["status"] in FAILED}
    for row in stored.attempts:
        about = reference_of.get(row.id)
        if about is None or not (about.net or about.held):
            continue
        if status_of[row.subject_id] in FAILED:
            yield f"{row.subject_id} is {status_of[row.subject_id]}; the bank took {about.net}, holds {about.held}"
        elif row.kind == "authorize" and row.state in ("declined", "failed", "reversed"):
            yield f"{row.id} is {row.state}; the bank took {about.net}, holds {about.held}"
    for one in bank.authorisations.values():
        intent = amounts_of_failed.get(one.amount)
        if intent is not None and (one.net or one.held):
            yield f"{intent['id']} is {intent['status']}; the bank has {one.net} and holds {one.held} of its amount"


def broken_books(stored: Stored) -> Iterator[str]:
    """Each group of postings adds up to zero, all of them too, and what was captured is what was posted."""
    groups: Counter[tuple[str, str]] = Counter()
    totals: Counter[str] = Counter()
    receivable: Counter[str] = Counter()
    for row in stored.postings:
        groups[row.transaction_id, row.currency] += row.amount_minor
        totals[row.currency] += row.amount_minor
        if row.account.startswith("acquirer:") and row.account.endswith(":receivable"):
            receivable[row.currency] -= row.amount_minor
    for (transaction, currency), total in groups.items():
        if total:
            yield f"the postings of {transaction} add up to {total} {currency}"
    for currency, total in totals.items():
        if total:
            yield f"all postings add up to {total} {currency}"
    captured: Counter[str] = Counter()
    for row in stored.charges:
        captured[row.currency] += row.captured_minor - row.refunded_minor
    yield from _unequal("what was captured", captured, "its postings", receivable)


def unequal_operations(bank: BankBooks, stored: Stored) -> Iterator[str]:
    """Each successful operation of the bank has exactly one group of postings, and each group its operation."""
    groups: dict[str, set[str]] = defaultdict(set)
    for row in stored.postings:
        if row.operation_id is not None:
            groups[row.operation_id].add(row.transaction_id)
    for operation, transactions in groups.items():
        if len(transactions) > 1:
            yield f"{operation} has {len(transactions)} groups of postings"
    done = {reference for reference, number in bank.effective.items() if number}
    for reference in done - groups.keys():
        yield f"the bank carried {reference} out, and nothing was posted"
    for operation in groups.keys() - done:
        yield f"{operation} was posted, and the bank did not carry it out"


def broken_log(database_url: str) -> list[str]:
    """As `bursar audit verify` looks at it."""
    engines = Engines(database_url, readers=1, writers=1)
    try:
        with engines.reading.connect() as connection:
            return list(audit.verify(audit.snapshot(connection)).problems)
    finally:
        engines.close()


def unproven_books(pair: Pair) -> list[str]:
    """What `bursar books verify` finds beside the bank's journal, as of a while later, so that nothing is young."""
    later = SystemClock().now_microseconds() + YOUNG_SECONDS * MICROSECONDS_PER_SECOND
    bank = journal.of_bank(f"http://{HOST}:{pair.bank.port}", pair.bank_key)
    engines = Engines(pair.database_url, readers=1, writers=1)
    try:
        with engines.reading.connect() as connection:
            report = books.verify(audit.snapshot(connection), later, journal=bank)
    finally:
        engines.close()
    return [f"books: {finding}" for finding in report.findings]


def untold_changes(database_url: str, stored: Stored) -> Iterator[str]:
    """Each payment that succeeded was told of once."""
    engine = create_engine(database_url, poolclass=NullPool)
    query = (
        select(events.c.object_id, func.count())
        .where(events.c.event_type == "payment_intent.succeeded")
        .group_by(events.c.object_id)
    )
    with engine.connect() as connection:
        told = Counter({name: number for name, number in connection.execute(query)})  # noqa: C416 - rows, no pairs
    for intent in stored.intents:
        wanted = 1 if intent["status"] == "succeeded" else 0
        times = told[intent["id"]]
        if times != wanted:
            yield f"{intent['id']} is {intent['status']}, and was told to have succeeded {times} times"


def _unequal(one: str, left: Counter[str], other: str, right: Counter[str]) -> Iterator[str]:
    for currency in sorted({*left, *right}):
        if left[currency] != right[currency]:
            yield f"{one} in {currency} is {left[currency]}, {other} {right[currency]}"
