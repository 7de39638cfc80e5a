"""Goes through all books, and gathers what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from bursar.books import repository
from bursar.books.bank_rules import Open, Times, check_bank, check_open
from bursar.books.journal import BankBooks, Source
from bursar.books.log_rules import check_log
from bursar.books.repository import Place, Reader
from bursar.books.rules import check_money, check_operations
from bursar.books.schemas import FACTS, Case, decode_fact
from bursar.books.scratch import Scratch
from bursar.books.wallet_rules import WalletTotals, check_wallets
from bursar.ledger.verification import Finding, Progress, verify_postings
from bursar.store.columns import INSTALLATION
from bursar.store.errors import translate

FINDINGS_NAMED_MAX = 100  # enough to see what happened; books that were rewritten would name every payment
RULES = ("L1", "L2", "L3", "L4", "L5", "L6", "L7", "L8", "L9", "L10", "L12")


@dataclass(slots=True)
class Sums:
    """What one organisation's books come to in one mode and currency."""

    org_id: str
    livemode: int
    currency: str
    payments: int = 0
    captured_minor: int = 0
    refunded_minor: int = 0
    disputed_minor: int = 0
    fees_minor: int = 0
    held_minor: int = 0


class Located(msgspec.Struct, frozen=True):
    """A finding, or what is open, and in whose books."""

    org_id: str
    livemode: int
    rule: str
    subject: str
    problem: str


@dataclass(slots=True)
class Report:
    journal: str | None = None
    payments: int = 0
    sums: list[Sums] = field(default_factory=list)
    findings: list[Located] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    open: list[Located] = field(default_factory=list)
    open_count: int = 0

    @property
    def finding_count(self) -> int:
        return sum(self.counts.values())

    @property
    def is_clean(self) -> bool:
        return not self.counts

    def add(self, place: Place, found: Finding | Open) -> None:
        if isinstance(found, Open):
            self.open_count += 1
            if len(self.open) < FINDINGS_NAMED_MAX:
                self.open.append(Located(*place, "open", *found))
            return
        self.counts[found.rule] = self.counts.get(found.rule, 0) + 1
        if len(self.findings) < FINDINGS_NAMED_MAX:
            self.findings.append(Located(*place, *found))


@dataclass(slots=True)
class Position:
    """How far it is, for whoever shows it. The postings count themselves."""

    stage: str = ""
    rows_total: int | None = None
    rows: int = 0
    postings: Progress | None = None

    @property
    def rows_done(self) -> int:
        return self.postings.postings if self.postings is not None else self.rows

    def begin(self, stage: str, rows_total: int | None, postings: Progress | None = None) -> None:
        self.stage, self.rows_total, self.rows, self.postings = stage, rows_total, 0, postings

    def advance(self, rows: int) -> None:
        self.rows += rows


def verify(
    connection: Connection,
    now: int,
    *,
    org_id: str | None = None,
    journal: Source | None = None,
    position: Position | None = None,
) -> Report:
    """Wants a connection on which writers that go on meanwhile are not seen: `events.audit.snapshot`.

    All is read as it was at one moment, at which `now` was the time; the journal is read after it, so that it has all
    that is known here.
    """
    try:
        with Scratch() as scratch:
            return _Verification(connection, now, scratch, position or Position()).run(org_id, journal)
    except SQLAlchemyError as problem:
        raise translate(problem) from problem


class _Verification:
    def __init__(self, connection: Connection, now: int, scratch: Scratch, position: Position) -> None:
        self._connection = connection
        self._times = Times(now)
        self._scratch = scratch
        self._position = position
        self._bank: BankBooks | None = None
        self._report = Report()
        # Between wallets, by mode and currency.
        self._on_its_way: dict[tuple[int, str], int] = {}

    def run(self, org_id: str | None, journal: Source | None) -> Report:
        places = repository.places(self._connection, org_id)
        if journal is not None:
            self._report.journal = journal.name
            self._load_journal(journal)
            self._name_strangers(places, org_id)
        for place in places:
            self._verify(place)
        if org_id is None:
            self._verify_together()
        return self._report

    def _load_journal(self, journal: Source) -> None:
        self._position.begin("the bank's journal", None)
        self._bank = BankBooks(self._scratch)
        for number in self._bank.load(journal.read()):
            self._position.rows = number

    def _name_strangers(self, places: list[Place], org_id: str | None) -> None:
        """The bank has worked for somebody who has no books here at all."""
        assert self._bank is not None, "the journal was read"
        known = {place.merchant for place in places}
        for merchant, operations in self._bank.merchants().items():
            owner, _, mode = merchant.partition(":")
            if merchant not in known and org_id in (None, owner):
                said = f"the bank has {operations} operations of a merchant who has no books here"
                self._report.add(Place(owner, int(mode == "live")), Finding("L8", merchant, said))

    def _verify(self, place: Place) -> None:
        name = f"{place.org_id} {'live' if place.livemode else 'test'}"
        rows_total = repository.count_rows(self._connection, place)
        postings = Progress()
        self._position.begin(f"{name}: postings", repository.count_postings(self._connection, place), postings)
        for finding in verify_postings(self._connection, *place, postings):
            self._report.add(place, finding)
        self._position.begin(f"{name}: rows", rows_total)
        self._scratch.clear()
        reader = Reader(self._connection, place, self._scratch, self._position.advance)
        reader.load()
        if self._bank is not None:
            reader.load_bank(self._bank)
        self._position.begin(f"{name}: payments", self._scratch.count())
        self._judge(place)

    def _verify_together(self) -> None:
        """What has left one organisation's wallets has come to another's."""
        for (livemode, currency), total in sorted(self._on_its_way.items()):
            if total:
                said = f"{total} {currency} have left wallets and not come to others, over all organisations"
                self._report.add(Place(INSTALLATION, livemode), Finding("L9", f"clearing:wallets:{currency}:due", said))
        for payment_id, livemode, whose in self._scratch.odd_sides():
            said = "its sides do not belong together: one is missing, or they tell different things"
            self._report.add(Place(whose, livemode), Finding("L8", payment_id, said))

    def _judge(self, place: Place) -> None:
        sums: dict[str, Sums] = {}
        wallets = WalletTotals()
        for root, facts in self._scratch.cases():
            case = Case(root)
            for position, payload in facts:
                self._position.advance(1)
                try:
                    case.add(decode_fact(position, payload))
                except msgspec.ValidationError as problem:
                    kind = FACTS[position].__name__.removesuffix("Row").lower()
                    self._report.add(place, Finding("L12", root, f"its {kind} is not as it was written: {problem}"))
            self._report.payments += case.intent is not None and case.intent.amount_minor is not None
            for found in self._findings(case):
                self._report.add(place, found)
            _add_up(place, sums, case)
            wallets.add(case)
        for found in wallets.check(repository.reserved(self._connection, place)):
            self._report.add(place, found)
        for currency, total in repository.on_its_way(self._connection, place).items():
            key = (place.livemode, currency)
            self._on_its_way[key] = self._on_its_way.get(key, 0) + total
        self._report.sums += [sums[currency] for currency in sorted(sums)]

    def _findings(self, case: Case) -> Iterator[Finding | Open]:
        yield from check_money(case)
        yield from check_operations(case)
        yield from check_wallets(case)
        yield from check_log(case)
        yield from check_open(case)
        if self._bank is not None:
            yield from check_bank(case, self._times)


def _add_up(place: Place, sums: dict[str, Sums], case: Case) -> None:
    for charge in case.charges.values():
        if charge.status == "succeeded":
            _of(place, sums, charge.currency).payments += 1
    for group in case.groups.values():
        of = _of(place, sums, group.currency)
        of.held_minor += group.held_minor
        of.fees_minor += group.fee_minor
        of.disputed_minor += group.disputed_minor
        if group.captured_minor > 0 and group.source is not None and group.source.type == "charge":
            of.captured_minor += group.captured_minor
        else:
            of.refunded_minor -= group.captured_minor


def _of(place: Place, sums: dict[str, Sums], currency: str) -> Sums:
    if currency not in sums:
        sums[currency] = Sums(*place, currency)
    return sums[currency]
