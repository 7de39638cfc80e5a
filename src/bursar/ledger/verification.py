"""Proves the books of one organisation in one mode: every posting is read once, in the order of time.

L1 each group adds up to zero · L2 so does all of it · L3 what is cached (snapshots, balance transactions) is what
the postings say · L7 a hold is resolved once, and what is left of it is what its row says · L8 a bank operation
has one group; whether the bank knows the same operations, its own journal must tell · L9 what goes from wallet to
wallet within the organisation arrives; what goes to another's, only all books together can tell.

All functions want a connection on which writers that go on meanwhile are not seen: `events.audit.snapshot`.
Memory is bounded by the number of accounts and of open holds, not by that of postings.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, Row, bindparam, func, select

from bursar.kit.clock import MICROSECONDS_PER_SECOND
from bursar.ledger import accounts, balances
from bursar.ledger.balances import Books, Snapshot
from bursar.ledger.schemas import decode_transaction
from bursar.ledger.tables import balance_snapshots, balance_transactions, ledger_holds, ledger_postings

ROWS_FETCHED = 1_000
# Holds of which nothing is left are remembered until there are as many, and for as long as ids of several hosts may
# be out of order: a hold that moves again after that is seen as another, for which there is no row.
HOLDS_REMEMBERED = 10_000
SETTLED_MICROSECONDS = balances.MARGIN_SECONDS * MICROSECONDS_PER_SECOND
# A service fee's own transaction, and the accounts through which the fee gets there.
SERVICE_FEE, SERVICE_FEES = "application_fee", f"{accounts.CLEARING}fees:"
# Both steps through such an account are one commit: it is always at 0.
PASSED_THROUGH = (f"{accounts.CLEARING}transfers:", SERVICE_FEES)

_postings, _transactions = ledger_postings.c, balance_transactions.c
_PAGE_OF_ACCOUNT = (
    select(ledger_postings)
    .where(
        _postings.org_id == bindparam("o"),
        _postings.livemode == bindparam("m"),
        _postings.account == bindparam("a"),
        _postings.transaction_id > bindparam("after"),
    )
    .order_by(_postings.org_id, _postings.livemode, _postings.account, _postings.transaction_id)
    .limit(bindparam("rows"))
)
_PAGE_OF_TRANSACTIONS = (
    select(balance_transactions)
    .where(
        _transactions.org_id == bindparam("o"),
        _transactions.livemode == bindparam("m"),
        _transactions.id > bindparam("after"),
    )
    .order_by(_transactions.org_id, _transactions.livemode, _transactions.id)
    .limit(bindparam("rows"))
)
_PAGE_OF_HOLDS = (
    select(ledger_holds)
    .where(
        ledger_holds.c.org_id == bindparam("o"),
        ledger_holds.c.livemode == bindparam("m"),
        ledger_holds.c.id > bindparam("after"),
    )
    .order_by(ledger_holds.c.org_id, ledger_holds.c.livemode, ledger_holds.c.id)
    .limit(bindparam("rows"))
)
_ALL_SNAPSHOTS = select(balance_snapshots).where(
    balance_snapshots.c.org_id == bindparam("o"), balance_snapshots.c.livemode == bindparam("m")
)
_OPERATIONS_WITH_SEVERAL_GROUPS = (
    select(_postings.operation_id, func.count(_postings.transaction_id.distinct()).label("groups"))
    .where(
        _postings.org_id == bindparam("o"), _postings.livemode == bindparam("m"), _postings.operation_id.is_not(None)
    )
    .group_by(_postings.operation_id)
    .having(func.count(_postings.transaction_id.distinct()) > 1)
)
_BY_OPERATION = (
    select(ledger_postings)
    .where(
        _postings.org_id == bindparam("o"), _postings.livemode == bindparam("m"), _postings.operation_id.is_not(None)
    )
    .order_by(_postings.operation_id, _postings.transaction_id, _postings.account)
    .execution_options(yield_per=ROWS_FETCHED)
)

Posted = Row[Any]


class Finding(NamedTuple):
    """A rule that does not hold: by which the subject breaks it, and how."""

    rule: str
    subject: str
    problem: str


class OperationGroup(NamedTuple):
    """What one bank operation posted, summed by what it means. Refunds count as captured less."""

    operation_id: str
    transaction_id: str
    hold_id: str | None
    currency: str
    held_minor: int
    captured_minor: int
    disputed_minor: int
    fee_minor: int


class MovedHold(NamedTuple):
    left_minor: int
    moved: int


@dataclass(slots=True)
class Progress:
    """What has been looked at, for whoever shows it."""

    postings: int = 0
    groups: int = 0
    transactions: int = 0
    holds: int = 0


@dataclass(slots=True)
class _State:
    of: Books
    progress: Progress
    snapshots: dict[str, Snapshot]
    sums: dict[str, int] = field(default_factory=dict)
    sums_at_snapshot: dict[str, int] = field(default_factory=dict)
    totals: dict[str, int] = field(default_factory=dict)
    moved_holds: dict[str, MovedHold] = field(default_factory=dict)
    moved_holds_max: int = HOLDS_REMEMBERED
    holds_seen: int = 0


def verify_postings(
    connection: Connection, org_id: str, livemode: int, progress: Progress | None = None
) -> Iterator[Finding]:
    of = Books(connection, org_id, livemode)
    known = connection.execute(_ALL_SNAPSHOTS, of.key)
    snapshots = {row.account: Snapshot(row.through_id, row.amount_minor) for row in known}
    state = _State(of, progress or Progress(), snapshots)
    yield from _groups(state)
    for currency, total in sorted(state.totals.items()):
        if total:
            yield Finding("L2", currency, f"all postings add up to {total}, not to 0")
    yield from _snapshots(state)
    yield from _closed_days(state)
    for account, total in sorted(state.sums.items()):
        if total and account.startswith(PASSED_THROUGH):
            yield Finding("L9", account, f"{total} have left one wallet and not come to another")
    yield from _holds(state)
    for row in connection.execute(_OPERATIONS_WITH_SEVERAL_GROUPS, of.key):
        yield Finding("L8", row.operation_id, f"the operation has {row.groups} groups of postings")


def groups_by_operation(connection: Connection, org_id: str, livemode: int) -> Iterator[OperationGroup]:
    """In the order of the operations' ids, to be held against the bank's journal."""
    rows = connection.execute(_BY_OPERATION, {"o": org_id, "m": livemode})
    for (operation_id, transaction_id), members in groupby(rows, lambda row: (row.operation_id, row.transaction_id)):
        sums = dict.fromkeys(("authorised", "receivable", "disputes", "fees"), 0)
        hold_id, currency = None, ""
        for row in members:
            kind = row.account.rpartition(":")[2]
            hold_id, currency = hold_id or row.hold_id, row.currency
            if kind in sums:
                sums[kind] += row.amount_minor
        yield OperationGroup(
            operation_id=operation_id,
            transaction_id=transaction_id,
            hold_id=hold_id,
            currency=currency,
            held_minor=sums["authorised"],
            captured_minor=-sums["receivable"],
            disputed_minor=sums["disputes"],
            fee_minor=sums["fees"],
        )


def _groups(state: _State) -> Iterator[Finding]:
    """Walks the groups and the balance transactions side by side: both are in the order of their ids."""
    transactions = _transactions_in_order(state)
    transaction = next(transactions, None)
    for transaction_id, members in groupby(_postings_in_order(state.of), lambda row: row.transaction_id):
        while transaction is not None and transaction.id < transaction_id:
            yield Finding("L3", transaction.id, "the balance transaction has no postings")
            transaction = next(transactions, None)
        group = list(members)
        own = None
        if transaction is not None and transaction.id == transaction_id:
            own, transaction = transaction, next(transactions, None)
        state.progress.groups += 1
        state.progress.postings += len(group)
        yield from _check_group(transaction_id, group)
        yield from _check_transaction(transaction_id, group, own)
        _add_up(state, group)
    while transaction is not None:
        yield Finding("L3", transaction.id, "the balance transaction has no postings")
        transaction = next(transactions, None)


def _check_group(transaction_id: str, group: list[Posted]) -> Iterator[Finding]:
    sums: dict[str, int] = {}
    for row in group:
        if type(row.amount_minor) is not int or row.amount_minor == 0:
            yield Finding("L1", transaction_id, f"{row.account} has a posting of {row.amount_minor!r}")
        if accounts.currency_of(row.account) != row.currency:
            yield Finding("L1", transaction_id, f"{row.account!r} is no account in {row.currency!r}")
        sums[row.currency] = sums.get(row.currency, 0) + _amount(row)
    for currency, total in sums.items():
        if total:
            yield Finding("L1", transaction_id, f"debits and credits in {currency} differ by {total}")
    if len({row.operation_id for row in group}) > 1:
        yield Finding("L8", transaction_id, "its postings belong to different operations")


def _check_transaction(transaction_id: str, group: list[Posted], transaction: Posted | None) -> Iterator[Finding]:
    """The balance transaction says what the postings did, and its document says the same."""
    of_acquirer = [row for row in group if row.account.startswith("acquirer:") and not row.account.endswith(":holds")]
    of_wallets = [row for row in group if accounts.holds_money(row.account)]
    net = sum(map(_amount, of_wallets))
    if transaction is None:
        if of_acquirer or net:
            yield Finding("L3", transaction_id, "money moved without a balance transaction")
        return
    if {accounts.owner_of(row.account) for row in of_wallets} - {transaction.wallet or accounts.MAIN_WALLET}:
        yield Finding("L3", transaction_id, f"told of {transaction.wallet or 'main'}, posted to another wallet")
    fee = sum(_amount(row) for row in of_acquirer if row.account.endswith(":fees"))
    if transaction.transaction_type != SERVICE_FEE:  # there the clearing account is where it comes from
        fee += sum(_amount(row) for row in group if row.account.startswith(SERVICE_FEES))
    if (transaction.net_minor, transaction.fee_minor) != (net, fee):
        told = f"net {transaction.net_minor} and fee {transaction.fee_minor}"
        yield Finding(
            "L3", transaction_id, f"the balance transaction tells {told}, its postings net {net} and fee {fee}"
        )
    if transaction.amount_minor - transaction.fee_minor != transaction.net_minor:
        yield Finding("L3", transaction_id, "amount less fee is not net")
    try:
        document = decode_transaction(transaction.document)
    except (msgspec.DecodeError, UnicodeError):
        yield Finding("L3", transaction_id, "its document cannot be read")
        return
    columns = (transaction.amount_minor, transaction.fee_minor, transaction.net_minor, transaction.currency)
    if (document.amount, document.fee, document.net, document.currency) != columns:
        yield Finding("L3", transaction_id, "its document tells other amounts than its row")


def _add_up(state: _State, group: list[Posted]) -> None:
    for row in group:
        account, amount = row.account, _amount(row)
        state.totals[row.currency] = state.totals.get(row.currency, 0) + amount
        state.sums[account] = state.sums.get(account, 0) + amount
        snapshot = state.snapshots.get(account)
        if snapshot is not None and row.transaction_id <= snapshot.through_id:
            state.sums_at_snapshot[account] = state.sums_at_snapshot.get(account, 0) + amount
        if row.hold_id is not None and account.endswith(":authorised"):
            _move_hold(state, row.hold_id, amount, row.created)


def _move_hold(state: _State, hold_id: str, amount_minor: int, created: int) -> None:
    known = state.moved_holds.get(hold_id)
    state.holds_seen += known is None
    state.moved_holds[hold_id] = MovedHold((known.left_minor if known else 0) + amount_minor, created)
    if len(state.moved_holds) > state.moved_holds_max:
        settled = created - SETTLED_MICROSECONDS
        state.moved_holds = {
            name: hold for name, hold in state.moved_holds.items() if hold.left_minor or hold.moved > settled
        }
        state.moved_holds_max = HOLDS_REMEMBERED + 2 * len(state.moved_holds)


def _snapshots(state: _State) -> Iterator[Finding]:
    for account, snapshot in sorted(state.snapshots.items()):
        replayed = state.sums_at_snapshot.get(account, 0)
        if snapshot.amount_minor != replayed:
            said = f"its snapshot says {snapshot.amount_minor}, its postings up to then {replayed}"
            yield Finding("L3", account, said)


def _closed_days(state: _State) -> Iterator[Finding]:
    release = balances.find_release(state.of)
    for account, total in sorted(state.sums.items()):
        day = accounts.due_day(account) if accounts.currency_of(account) else None
        if release is not None and day is not None and day < release.open_day and total:
            yield Finding("L3", account, f"{total} wait for a day that is done with")


def _holds(state: _State) -> Iterator[Finding]:
    rows = 0
    for row in _pages(state.of, _PAGE_OF_HOLDS, "id"):
        rows += 1
        moved = state.moved_holds.pop(row.id, None)
        left = moved.left_minor if moved else 0
        if row.resolution is not None and left:
            yield Finding("L7", row.id, f"the hold was {row.resolution}, but its postings leave {left}")
        elif row.resolution is not None and row.amount_minor:
            yield Finding("L7", row.id, f"the hold was {row.resolution}, but its row keeps {row.amount_minor}")
        elif left != row.amount_minor:
            yield Finding("L7", row.id, f"{row.amount_minor} should be held, its postings hold {left}")
        elif row.resolution is None and left <= 0:
            yield Finding("L7", row.id, "the hold is open and nothing is held")
    for hold_id, moved in sorted(state.moved_holds.items()):
        yield Finding("L7", hold_id, f"postings hold {moved.left_minor}, but there is no such hold")
    if rows != state.holds_seen:
        yield Finding("L7", "holds", f"there are {rows} holds, and postings of {state.holds_seen}")
    state.progress.holds += rows


def _postings_in_order(of: Books) -> Iterator[Posted]:
    """All postings by time, merged from the accounts, in each of which they stand by time.

    An account's rows are read only when it is its turn, a page at a time: most belong to days long past.
    """
    streams: dict[str, Iterator[Posted]] = {}
    turns: list[tuple[str, str, Posted]] = []
    for account in balances.all_accounts(of):
        first = of.connection.execute(_PAGE_OF_ACCOUNT, {**of.key, "a": account, "after": "", "rows": 1}).one()
        turns.append((first.transaction_id, account, first))
    heapq.heapify(turns)
    while turns:
        transaction_id, account, row = turns[0]
        yield row
        if account not in streams:
            streams[account] = _pages(of, _PAGE_OF_ACCOUNT, "transaction_id", a=account, after=transaction_id)
        following = next(streams[account], None)
        if following is None:
            del streams[account]
            heapq.heappop(turns)
        else:
            heapq.heapreplace(turns, (following.transaction_id, account, following))


def _transactions_in_order(state: _State) -> Iterator[Posted]:
    for row in _pages(state.of, _PAGE_OF_TRANSACTIONS, "id"):
        state.progress.transactions += 1
        yield row


def _pages(of: Books, query: Any, key: str, *, after: str = "", **names: str) -> Iterator[Posted]:
    while True:
        rows = of.connection.execute(query, {**of.key, **names, "after": after, "rows": ROWS_FETCHED}).all()
        yield from rows
        if len(rows) < ROWS_FETCHED:
            return
        after = getattr(rows[-1], key)


def _amount(row: Posted) -> int:
    """What is no number adds nothing; it has been named already."""
    return row.amount_minor if type(row.amount_minor) is int else 0
