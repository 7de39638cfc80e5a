"""Balances: the last snapshot of an account plus what followed it.

A snapshot takes in only what is older than a margin. Ids carry the time at which they were made, and that is
before their commit: a unit waits in a queue, a commit for the disk, and the clocks of several hosts differ a
little. A posting that is committed with an id behind which a snapshot has already been taken would be missing
from the balance for ever; so a snapshot stays far behind the newest ids, where nothing comes to be any more.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, func, select

from bursar.events.audit import snapshot as consistent
from bursar.kit.ids import lowest_id_at
from bursar.ledger import accounts
from bursar.ledger.accounts import PAST_COLON
from bursar.ledger.repository import PREFIX
from bursar.ledger.rules import WalletBalance
from bursar.ledger.tables import balance_snapshots, ledger_postings, ledger_releases
from bursar.store.errors import StoreContention
from bursar.store.unit import Change

MARGIN_SECONDS = 15 * 60
# What one step of a snapshot adds up: a fraction of a second on every database.
STEP_POSTINGS_MAX = 200_000
# Releases that may come between the reads of one balance.
RELEASES_MET_MAX = 5
# Days that stay open after the last one that was released: a posting may be committed late, but not as late.
GRACE_DAYS = 1

_postings, _snapshots, _releases = ledger_postings.c, balance_snapshots.c, ledger_releases.c
_SAME_ACCOUNT = (
    _postings.org_id == bindparam("o"),
    _postings.livemode == bindparam("m"),
    _postings.account == bindparam("a"),
)
# All columns of the key are named, so that every planner sees that the index has this order already.
_NEXT_ACCOUNT = (
    select(_postings.account)
    .where(_postings.org_id == bindparam("o"), _postings.livemode == bindparam("m"), _postings.account > bindparam("a"))
    .order_by(_postings.org_id, _postings.livemode, _postings.account)
    .limit(1)
)
_SNAPSHOT = select(_snapshots.through_id, _snapshots.amount_minor).where(
    _snapshots.org_id == bindparam("o"), _snapshots.livemode == bindparam("m"), _snapshots.account == bindparam("a")
)
_SINCE = select(func.sum(_postings.amount_minor)).where(*_SAME_ACCOUNT, _postings.transaction_id > bindparam("after"))
_step = (
    select(_postings.transaction_id, _postings.amount_minor)
    .where(
        *_SAME_ACCOUNT, _postings.transaction_id > bindparam("after"), _postings.transaction_id < bindparam("before")
    )
    .order_by(_postings.org_id, _postings.livemode, _postings.account, _postings.transaction_id)
    .limit(STEP_POSTINGS_MAX)
    .subquery()
)
_STEP = select(func.count(), func.sum(_step.c.amount_minor), func.max(_step.c.transaction_id)).select_from(_step)
_RELEASE = select(_releases.version, _releases.open_day).where(
    _releases.org_id == bindparam("o"), _releases.livemode == bindparam("m")
)
_NEWEST_SNAPSHOT = select(func.max(_snapshots.through_id))

INSERT_SNAPSHOT = balance_snapshots.insert()
MOVE_SNAPSHOT = (
    balance_snapshots.update()
    .where(
        _snapshots.org_id == bindparam("o"),
        _snapshots.livemode == bindparam("m"),
        _snapshots.account == bindparam("a"),
        _snapshots.through_id == bindparam("expected_through"),
    )
    .values(through_id=bindparam("new_through"), amount_minor=bindparam("new_amount"))
)
FORGET_SNAPSHOTS = balance_snapshots.delete().where(
    _snapshots.org_id == bindparam("o"), _snapshots.livemode == bindparam("m")
)
INSERT_RELEASE = ledger_releases.insert()
MOVE_RELEASE = (
    ledger_releases.update()
    .where(
        _releases.org_id == bindparam("o"),
        _releases.livemode == bindparam("m"),
        _releases.version == bindparam("expected_version"),
    )
    .values(version=bindparam("new_version"), open_day=bindparam("new_open_day"))
)


class Books(NamedTuple):
    """One organisation's books in one mode, as a connection sees them."""

    connection: Connection
    org_id: str
    livemode: int

    @property
    def key(self) -> dict[str, str | int]:
        return {"o": self.org_id, "m": self.livemode}


class Snapshot(NamedTuple):
    through_id: str
    amount_minor: int


class Step(NamedTuple):
    """A snapshot that may be moved on, and whether there is more to add up."""

    account: str
    before: Snapshot | None
    after: Snapshot
    is_last: bool


class Release(NamedTuple):
    version: int = 0
    open_day: int = 0


class Pending(NamedTuple):
    wallet: str
    currency: str
    day: int
    amount_minor: int


def books(connection: Connection, org_id: str, livemode: int) -> Books:
    """For reading several accounts as they were at one moment. Call before the connection's first statement."""
    return Books(consistent(connection), org_id, livemode)


def balance_of(of: Books, account: str) -> int:
    known = find_snapshot(of, account)
    after = known.through_id if known else ""
    since = of.connection.execute(_SINCE, {**of.key, "a": account, "after": after}).scalar()
    return (known.amount_minor if known else 0) + int(since or 0)


def wallet_balances(of: Books, today: int) -> list[WalletBalance]:
    """Every wallet in every currency that it has had. Right whether or not the release has run."""
    first_day = _first_day(find_release(of), today)
    return [_wallet_balance(of, wallet, currency, first_day, today) for wallet, currency in wallets(of)]


def balances_of(of: Books, wallet: str, today: int) -> list[WalletBalance]:
    """One wallet in every currency that it has had."""
    first_day = _first_day(find_release(of), today)
    return [_wallet_balance(of, wallet, currency, first_day, today) for currency in currencies_of(of, wallet)]


def spendable(of: Books, wallet: str, currency: str, today: int) -> int:
    """What is available, never more than there is, on a connection that sees what others commit meanwhile.

    The release moves money from one account to another: read one before and one after, it would be there twice.
    So what was read counts only if the release stood still; it moves once a day, so that this ends.
    """
    for _ in range(RELEASES_MET_MAX):
        release = find_release(of)
        due = sum(part.amount_minor for part in _pending(of, wallet, currency, _first_day(release, today), today))
        found = due + balance_of(of, accounts.available(wallet, currency))
        if find_release(of) == release:
            return found
    raise StoreContention("the release of due money did not stand still")


def currencies_of(of: Books, wallet: str) -> Iterator[str]:
    prefix = f"{accounts.WALLETS}{wallet}:"
    account = _next_account(of, prefix)
    while account is not None and account.startswith(prefix):
        currency = account.split(":")[2]
        yield currency
        account = _next_account(of, f"{prefix}{currency}{PAST_COLON}")


def wallets(of: Books) -> Iterator[tuple[str, str]]:
    """Wallets and currencies, from the names alone: one look for each, however many postings there are."""
    account = _next_account(of, accounts.WALLETS)
    while account is not None and account.startswith(accounts.WALLETS):
        wallet, currency = account.split(":")[1:3]
        yield wallet, currency
        account = _next_account(of, f"{accounts.WALLETS}{wallet}:{currency}{PAST_COLON}")


def all_accounts(of: Books) -> Iterator[str]:
    account = _next_account(of, "")
    while account is not None:
        yield account
        account = _next_account(of, account)


def accounts_from(of: Books, prefix: str) -> Iterator[str]:
    """Those whose names begin with it, which ends in a colon."""
    account = _next_account(of, prefix)
    while account is not None and account.startswith(prefix):
        yield account
        account = _next_account(of, account)


def open_accounts(of: Books, today: int) -> Iterator[str]:
    """All accounts without the days that are done with, which are more with each day."""
    first_day = _first_day(find_release(of), today)
    account = _next_account(of, "")
    while account is not None:
        day = accounts.due_day(account)
        if day is not None and day < first_day:
            account = _next_account(of, _before_day(account.split(":")[1], account.split(":")[2], first_day))
            continue
        yield account
        account = _next_account(of, account)


def pending_accounts(of: Books, today: int, *, until_day: int | None = None) -> Iterator[Pending]:
    """What is pending, by wallet, currency and day; with `until_day` no later days."""
    release = find_release(of)
    for wallet, currency in wallets(of):
        yield from _pending(of, wallet, currency, _first_day(release, today), until_day)


def find_snapshot(of: Books, account: str) -> Snapshot | None:
    row = of.connection.execute(_SNAPSHOT, {**of.key, "a": account}).first()
    return Snapshot(row.through_id, row.amount_minor) if row else None


def find_release(of: Books) -> Release | None:
    row = of.connection.execute(_RELEASE, of.key).first()
    return Release(row.version, row.open_day) if row else None


def newest_snapshot(connection: Connection) -> str | None:
    """Of the whole installation."""
    newest: str | None = connection.execute(_NEWEST_SNAPSHOT).scalar()
    return newest


def next_step(of: Books, account: str, now_seconds: int, postings_min: int) -> Step | None:
    """How the account's snapshot can move on; None where fewer postings than that came since."""
    before = find_snapshot(of, account)
    bounds = {
        "after": before.through_id if before else "",
        "before": lowest_id_at(PREFIX, now_seconds - MARGIN_SECONDS),
    }
    count, total, last_id = of.connection.execute(_STEP, {**of.key, "a": account, **bounds}).one()
    if count < max(postings_min, 1):
        return None
    after = Snapshot(last_id, (before.amount_minor if before else 0) + int(total))
    return Step(account, before, after, is_last=count < STEP_POSTINGS_MAX)


def snapshot_change(org_id: str, livemode: int, step: Step) -> Change:
    """Moves on only from where the sum began: who comes second adds nothing twice."""
    through_id, amount_minor = step.after
    if step.before is None:
        row = {"org_id": org_id, "livemode": livemode, "account": step.account}
        return Change(INSERT_SNAPSHOT, row | {"through_id": through_id, "amount_minor": amount_minor})
    row = {
        "o": org_id,
        "m": livemode,
        "a": step.account,
        "expected_through": step.before.through_id,
        "new_through": through_id,
        "new_amount": amount_minor,
    }
    return Change(MOVE_SNAPSHOT, row, rows_expected=1)


def release_change(org_id: str, livemode: int, before: Release | None, open_day: int) -> Change:
    """The fence of the release: of several processes that read the same state, one gets past it."""
    if before is None:
        return Change(INSERT_RELEASE, {"org_id": org_id, "livemode": livemode, "version": 1, "open_day": open_day})
    row = {
        "o": org_id,
        "m": livemode,
        "expected_version": before.version,
        "new_version": before.version + 1,
        "new_open_day": open_day,
    }
    return Change(MOVE_RELEASE, row, rows_expected=1)


def forget_snapshots(org_id: str, livemode: int) -> Change:
    """They are made anew from the postings, which alone are the truth."""
    return Change(FORGET_SNAPSHOTS, {"o": org_id, "m": livemode})


def _wallet_balance(of: Books, wallet: str, currency: str, first_day: int, today: int) -> WalletBalance:
    waiting, due = 0, 0
    for part in _pending(of, wallet, currency, first_day, None):
        if part.day > today:
            waiting += part.amount_minor
        else:
            due += part.amount_minor
    return WalletBalance(
        wallet=wallet,
        currency=currency,
        pending_minor=waiting,
        available_minor=balance_of(of, accounts.available(wallet, currency)) + due,
        reserved_minor=balance_of(of, accounts.reserved(wallet, currency)),
        authorised_minor=balance_of(of, accounts.authorised(wallet, currency)),
    )


def _pending(of: Books, wallet: str, currency: str, first_day: int, until_day: int | None) -> Iterator[Pending]:
    prefix = f"{accounts.WALLETS}{wallet}:{currency}:pending:"
    account = _next_account(of, _before_day(wallet, currency, first_day))
    while account is not None and account.startswith(prefix):
        day = accounts.day_from_text(account.removeprefix(prefix))
        if until_day is not None and day > until_day:
            return
        yield Pending(wallet, currency, day, balance_of(of, account))
        account = _next_account(of, account)


def _first_day(release: Release | None, today: int) -> int:
    """Never later than the present, whatever a clock that was wrong for a while has released."""
    return min(release.open_day, today - GRACE_DAYS) if release else 0


def _before_day(wallet: str, currency: str, day: int) -> str:
    """Sorts directly before the accounts of the day."""
    return accounts.pending(wallet, currency, day - 1) if day > 0 else f"{accounts.WALLETS}{wallet}:{currency}:pending:"


def _next_account(of: Books, after: str) -> str | None:
    name: str | None = of.connection.execute(_NEXT_ACCOUNT, {**of.key, "a": after}).scalar()
    return name
