"""The bank's own journal: read from its file or over HTTP, and told operation by operation as each stands now."""

from __future__ import annotations

import http.client
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, TypeVar
from urllib.parse import urlsplit

import msgspec

from bursar.books.schemas import BankDisputeRow, BankOperation
from bursar.books.scratch import Scratch
from bursar.kit.errors import BursarError

PAGE = 5_000
ANSWER_SECONDS_MAX = 30.0
ENTRIES_AT_ONCE = 1_000
FILE_NAME = "journal.jsonl"

_KINDS = {
    "authorization": "authorize",
    "completion": "complete",
    "capture": "capture",
    "void": "void",
    "refund": "refund",
    "increment": "increment",
    "reversal": "reversal",
}
# A message about an operation or a dispute is not told until the journal says that it was delivered or given up.
_TABLES = (
    """CREATE TABLE bank_operation (seq INTEGER PRIMARY KEY, merchant TEXT, reference TEXT, kind TEXT, status TEXT,
       of INTEGER, amount INTEGER, currency TEXT, fee INTEGER, undone INTEGER, touched INTEGER)""",
    "CREATE TABLE bank_authorization (seq INTEGER PRIMARY KEY, reversed INTEGER, touched INTEGER)",
    """CREATE TABLE bank_dispute (id TEXT PRIMARY KEY, merchant TEXT, of TEXT, withdrawn INTEGER, currency TEXT,
       touched INTEGER)""",
    "CREATE TABLE bank_message (seq INTEGER PRIMARY KEY, subject)",
)
_INDICES = (
    "CREATE INDEX bank_operation_merchant ON bank_operation (merchant)",
    "CREATE INDEX bank_dispute_merchant ON bank_dispute (merchant)",
    "CREATE INDEX bank_message_subject ON bank_message (subject)",
)
_OPERATION = "INSERT INTO bank_operation VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?)"
_AUTHORIZATION = "INSERT OR REPLACE INTO bank_authorization VALUES (?, ?, ?)"
_UNDO = "UPDATE bank_operation SET undone = 1, touched = ? WHERE seq = ?"
_SETTLED = "UPDATE bank_operation SET status = ?, fee = ?, touched = ? WHERE seq = ?"
_REFUND_ENDED = "UPDATE bank_operation SET status = ?, touched = ? WHERE seq = ?"
_DISPUTE = "INSERT OR REPLACE INTO bank_dispute VALUES (?, ?, ?, ?, ?, ?)"
_MESSAGE = "INSERT INTO bank_message VALUES (?, ?)"
_DELIVERED = "DELETE FROM bank_message WHERE seq = ?"
_OPERATIONS = """
SELECT o.reference, o.kind, o.status, o.amount, o.currency, o.fee, o.undone OR coalesce(a.reversed, 0),
       max(o.touched, coalesce(a.touched, 0)), EXISTS (SELECT 1 FROM bank_message m WHERE m.subject = o.seq)
FROM bank_operation o LEFT JOIN bank_authorization a ON a.seq = o.of WHERE o.merchant = ? ORDER BY o.seq
"""
_DISPUTES = """
SELECT d.id, d.of, d.withdrawn, d.currency, d.touched, EXISTS (SELECT 1 FROM bank_message m WHERE m.subject = d.id)
FROM bank_dispute d WHERE d.merchant = ? ORDER BY d.id
"""
_MERCHANTS = (
    "SELECT merchant, count(*) FROM bank_operation WHERE kind <> 'reversal' GROUP BY merchant ORDER BY merchant"
)


class JournalUnusable(BursarError):
    """It cannot be reached or read. The message says why."""


class Dispute(msgspec.Struct):
    id: str
    withdrawn: int = 0


class Message(msgspec.Struct):
    id: str


class Entry(msgspec.Struct):
    """Of a line of the journal, what counts here."""

    seq: int
    at: int
    kind: str
    id: str = ""
    merchant: str = ""
    reference: str = ""
    status: str = ""
    authorization: str = ""
    amount: int = 0
    currency: str = ""
    fee: int = 0
    # The record that a reversal undid, and that which brought this one about.
    undid: int = 0
    cause: int = 0
    dispute: Dispute | None = None
    event: Message | None = None


class _Page(msgspec.Struct):
    entries: list[Entry]
    last: int


Decoded = TypeVar("Decoded")

_read_entry = msgspec.json.Decoder(Entry).decode
_read_page = msgspec.json.Decoder(_Page).decode


class Source(NamedTuple):
    """A journal that can be read, and what it is called."""

    name: str
    read: Callable[[], Iterator[Entry]]


def of_file(path: Path) -> Source:
    return Source(str(path), lambda: _of_file(path))


def of_bank(url: str, api_key: str) -> Source:
    return Source(url, lambda: _of_bank(url, api_key))


def _of_file(path: Path) -> Iterator[Entry]:
    """A last line that the bank has not finished yet is none."""
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if line.endswith(b"\n"):
                    yield _decoded(_read_entry, line, f"line {number} of {path}")
    except OSError as problem:
        raise JournalUnusable(f"The bank's journal {path} cannot be read: {problem.strerror}.") from None


def _of_bank(url: str, api_key: str) -> Iterator[Entry]:
    address = urlsplit(url)
    if address.scheme not in ("http", "https") or not address.hostname:
        raise JournalUnusable(f"{url} is no address of a bank; write http://127.0.0.1:8430, or name a file.")
    make = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
    connection = make(address.hostname, address.port, timeout=ANSWER_SECONDS_MAX)
    after = 0
    try:
        while True:
            path = f"{address.path.rstrip('/')}/v1/journal?after={after}&limit={PAGE}"
            connection.request("GET", path, headers={"Authorization": f"Bearer {api_key}"})
            answer = connection.getresponse()
            content = answer.read()
            if answer.status != http.HTTPStatus.OK:
                raise JournalUnusable(f"The bank at {url} does not show its journal: it answers {answer.status}.")
            page = _decoded(_read_page, content, f"the journal of {url}")
            yield from page.entries
            if len(page.entries) < PAGE:
                return
            after = page.last
    except (OSError, http.client.HTTPException) as problem:
        reason = str(problem) or type(problem).__name__
        raise JournalUnusable(f"The bank at {url} does not show its journal: {reason}.") from None
    finally:
        connection.close()


def _decoded(read: Callable[[bytes], Decoded], content: bytes, what: str) -> Decoded:
    try:
        return read(content)
    except (msgspec.MsgspecError, UnicodeDecodeError) as problem:
        raise JournalUnusable(f"This is no journal of a bank: {what}: {problem}.") from None


class BankBooks:
    """The journal in the scratch file. What comes later in it changes what stood before."""

    def __init__(self, scratch: Scratch) -> None:
        self._connection = scratch.connection
        for statement in _TABLES:
            self._connection.execute(statement)

    def load(self, entries: Iterable[Entry]) -> Iterator[int]:
        """Tells after each thousand how many there were, and once more at the end."""
        number = 0
        for number, entry in enumerate(entries, 1):
            self._add(entry)
            if number % ENTRIES_AT_ONCE == 0:
                yield number
        for statement in _INDICES:
            self._connection.execute(statement)
        yield number

    def merchants(self) -> dict[str, int]:
        """How many operations each has."""
        return dict(self._connection.execute(_MERCHANTS))

    def operations(self, merchant: str) -> Iterator[BankOperation]:
        for row in self._connection.execute(_OPERATIONS, (merchant,)):
            yield msgspec.convert(row, BankOperation, strict=False)

    def disputes(self, merchant: str) -> Iterator[BankDisputeRow]:
        for row in self._connection.execute(_DISPUTES, (merchant,)):
            yield msgspec.convert(row, BankDisputeRow, strict=False)

    def _add(self, entry: Entry) -> None:
        execute = self._connection.execute
        kind = _KINDS.get(entry.kind)
        subject: int | str = entry.cause
        if kind is not None:
            execute(
                _OPERATION,
                (
                    entry.seq,
                    entry.merchant,
                    entry.reference,
                    kind,
                    entry.status,
                    _number_of(entry.authorization),
                    entry.amount,
                    entry.currency,
                    entry.fee,
                    entry.at,
                ),
            )
            if kind == "reversal" and entry.undid:
                self._undo(entry)
        elif entry.kind == "late_approval":
            execute(_AUTHORIZATION, (_number_of(entry.authorization), 0, entry.at))
        elif entry.kind == "settlement":  # what waited for its customer
            authorization = _number_of(entry.authorization)
            execute(_SETTLED, (entry.status, entry.fee, entry.at, authorization))
            if entry.status == "approved":  # even where it had been undone before
                execute(_AUTHORIZATION, (authorization, 0, entry.at))
        elif entry.kind == "refund_outcome":
            execute(_REFUND_ENDED, (entry.status, entry.at, entry.cause))
        elif entry.kind == "delivered":
            execute(_DELIVERED, (entry.cause,))
        elif entry.dispute is not None:
            about, subject = entry.dispute, entry.dispute.id
            row = (about.id, entry.merchant, entry.authorization, about.withdrawn, entry.currency, entry.at)
            execute(_DISPUTE, row)
        if entry.event is not None:
            execute(_MESSAGE, (entry.seq, subject))

    def _undo(self, entry: Entry) -> None:
        """What undoes an authorisation's first record undoes all of it."""
        if entry.undid == _number_of(entry.authorization):
            self._connection.execute(_AUTHORIZATION, (entry.undid, 1, entry.at))
        else:
            self._connection.execute(_UNDO, (entry.at, entry.undid))


def _number_of(authorization: str) -> int:
    """An id of the bank's ends in the number of the record that made it; 0 where there is none."""
    number = authorization.rpartition("_")[2]
    return int(number) if number.isascii() and number.isdigit() else 0
