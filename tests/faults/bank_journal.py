"""The bank's journal, read without any code of Bursar's or the bank's: what money each authorisation came to."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tests.faults.pair import Pair

PAGE = 5_000
MOVES_MONEY = ("authorization", "capture", "refund", "increment", "void")


@dataclass
class Authorisation:
    """At the bank: how much of the card is charged, and how much held."""

    id: str
    seq: int
    reference: str
    merchant: str
    amount: int
    currency: str
    approved: bool
    is_sale: bool
    captured: int = 0
    refunded: int = 0
    closed: bool = False
    reversed: bool = False

    @property
    def net(self) -> int:
        return 0 if self.reversed or not self.approved else self.captured - self.refunded

    @property
    def held(self) -> int:
        stands = self.approved and not (self.is_sale or self.closed or self.reversed)
        return self.amount - self.captured if stands else 0

    @property
    def is_charged(self) -> bool:
        """Money was taken and not undone by a reversal, or waits to be taken. A refund does not make it undone."""
        return self.approved and not self.reversed and (self.captured > 0 or self.held > 0)


@dataclass
class BankBooks:
    authorisations: dict[str, Authorisation] = field(default_factory=dict)
    # By reference, of all operations that moved or held money and were not undone: how often.
    effective: Counter[str] = field(default_factory=Counter)

    def by_reference(self) -> dict[str, Authorisation]:
        return {one.reference: one for one in self.authorisations.values()}


def read_journal(pair: Pair) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = []
    while True:
        page = pair.ask_bank("GET", f"/v1/journal?after={len(entries)}&limit={PAGE}")["entries"]
        entries += page
        if len(page) < PAGE:
            return entries


def books_of(entries: Iterable[dict[str, Any]]) -> BankBooks:
    books = BankBooks()
    known: dict[int, dict[str, Any]] = {}
    for entry in entries:
        known[entry["seq"]] = entry
        if entry["kind"] == "authorization" and entry.get("authorization"):
            _open(books, entry)
        elif entry.get("authorization"):
            _move(books, known, entry)
    return books


def _open(books: BankBooks, entry: dict[str, Any]) -> None:
    approved = entry["status"] == "approved"
    is_sale = entry.get("capture", False)
    amount = entry.get("amount", 0)
    books.authorisations[entry["id"]] = Authorisation(
        id=entry["id"],
        seq=entry["seq"],
        reference=entry["reference"],
        merchant=entry["merchant"],
        amount=amount,
        currency=entry["currency"],
        approved=approved,
        is_sale=is_sale,
        captured=amount if approved and is_sale else 0,
    )
    if approved:
        books.effective[entry["reference"]] += 1


def _move(books: BankBooks, known: dict[int, dict[str, Any]], entry: dict[str, Any]) -> None:
    about = books.authorisations[entry["authorization"]]
    kind, amount = entry["kind"], entry.get("amount", 0)
    if kind == "refund_outcome":
        if entry["status"] == "failed":
            about.refunded -= amount
        return
    if kind == "late_approval":
        about.reversed = False
        return
    if kind == "expiry":
        about.closed = True
        return
    if entry.get("status") not in ("approved", "pending"):
        return
    if kind == "reversal":
        if entry.get("undid"):
            _undo(books, about, known[entry["undid"]], amount)
        return
    if kind in MOVES_MONEY:
        books.effective[entry["reference"]] += 1
    if kind == "capture":
        about.captured += amount
        about.closed = about.closed or entry.get("final", False)
    elif kind == "refund":
        about.refunded += amount
    elif kind == "increment":
        about.amount = amount
    elif kind == "void":
        about.closed = True


def _undo(books: BankBooks, about: Authorisation, undone: dict[str, Any], amount: int) -> None:
    if undone["status"] not in ("approved", "pending"):
        return  # it had come to nothing anyway
    books.effective[undone["reference"]] -= 1
    if undone["kind"] == "authorization":
        about.reversed = True
    elif undone["kind"] == "capture":
        about.captured -= amount
        about.closed = about.closed and not undone.get("final", False)
    elif undone["kind"] == "refund":
        about.refunded -= amount
    elif undone["kind"] == "void":
        about.closed = False
