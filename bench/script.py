"""A script for pgbench that does what a captured request did: the same statements in the same transactions.

What is the same in all rows travels with each of them all the same, as a variable. Ids, keys and terms are put
together from numbers, as pgbench's scripts cannot make text: they keep their length, and where Bursar's rise with
time or land anywhere, these do, too. Ids within documents stay as they were captured.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Insert
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from bench.capture import IDEMPOTENCY_KEY, Captured, Row, Step, Transaction
from bench.processes import BenchError
from bursar.events.sealing import MOVE_HEAD
from bursar.events.tables import events
from bursar.ledger.tables import ledger_postings
from bursar.store.search_index import FIELD_DIGITS

ID_COLUMNS = ("id", "object_id", "request_id")
CHANCE_DIGITS = 13
STAMP = 10_000_000_000  # as many digits as the time in an id has; the sequence is added to it
MICROSECONDS_MIN = 10**15  # no other number of ours is as large as a time

_ID = re.compile(r"[a-z]+_[0-9a-z]{24}")
_PLACEHOLDER = re.compile(r"%\((\w+)\)s")
# Every client of pgbench has a lane of its own, as independent writers have: were all to move one head they would
# wait for each other, which would flatter us.
_LANES = ("lane", "chain_lane")
_NUMBERS = ("sequence_number", "new_number", "expected_number")


@dataclass(frozen=True)
class Script:
    text: str
    variables: dict[str, str]
    head: Row  # as it was before, with its values by their columns' names
    events: int  # of one run: so far it moves its head


def make_script(captured: Captured) -> Script:
    if not captured.transactions:
        raise BenchError("the captured request wrote nothing")
    return _Maker(captured).script()


class _Maker:
    def __init__(self, captured: Captured) -> None:
        self._transactions = captured.transactions
        steps = [step for transaction in captured.transactions for step in transaction]
        moves = [step.row for step in steps if step.statement is MOVE_HEAD]
        if not moves:
            raise BenchError("the captured request tells the log nothing; the script counts on it")
        self._first_move = moves[0]
        self._before = int(moves[0]["expected_number"])
        self._events = sum(step.table is events for step in steps)
        self._names: dict[str, str] = {}  # of variables, by their value
        self._expressions: dict[Any, str] = {IDEMPOTENCY_KEY: f"(:chance || '{IDEMPOTENCY_KEY[CHANCE_DIGITS:]}')"}
        self._stamps = 0
        for step in steps:
            self._learn(step)

    def script(self) -> Script:
        lines = [
            "\\set before :sequence",
            f"\\set sequence :sequence + {self._events}",
            *(f"\\set stamp{number} {STAMP} + :before + {number}" for number in range(self._stamps)),
            f"\\set chance random({10 ** (CHANCE_DIGITS - 1)}, {10**CHANCE_DIGITS - 1})",
        ]
        for transaction in self._transactions:
            lines += ["BEGIN;", *self._statements(transaction), "COMMIT;"]
        variables = {name: value for value, name in self._names.items()}
        if self._stamps > self._events:
            raise BenchError("there are more ids of one kind than events, by whose numbers they are told apart")
        return Script("\n".join(lines) + "\n", variables, self._head(), self._events)

    def _head(self) -> Row:
        row = self._first_move
        return {
            "org_id": row["chain_org_id"],
            "livemode": row["chain_livemode"],
            "event_id": row["new_event_id"],
            "row_hash": row["new_hash"],
        }

    def _learn(self, step: Step) -> None:
        """By the real value: what stands for it in the script."""
        if not isinstance(step.statement, Insert):
            return
        row = step.row
        columns = ("transaction_id",) if step.table is ledger_postings else ID_COLUMNS
        for name in columns:
            value = row.get(name)
            if isinstance(value, str) and value not in self._expressions and _ID.fullmatch(value):
                prefix = value.partition("_")[0]
                number = sum(known.startswith(f"('{prefix}_'") for known in self._expressions.values())
                self._stamps = max(self._stamps, number + 1)
                self._expressions[value] = f"('{prefix}_' || :stamp{number} || :chance)"
        if term := row.get("term"):
            rest = term[FIELD_DIGITS + CHANCE_DIGITS :]
            self._expressions[term] = f"('{term[:FIELD_DIGITS]}' || :chance || '{rest}')"

    def _statements(self, transaction: Transaction) -> Iterator[str]:
        for step in transaction:
            compiled = step.statement.compile(dialect=PGDialect_psycopg())  # type: ignore[no-untyped-call]
            own = {name: bind.value for name, bind in compiled.binds.items() if not bind.required}
            row = own | step.row
            text = " ".join(str(compiled).split())
            values = {name: self._value(name, value) for name, value in row.items()}
            yield _PLACEHOLDER.sub(partial(_replaced, values), text) + ";"

    def _value(self, name: str, value: Any) -> str:
        if value is None:
            return "NULL"
        if name in _LANES:
            return ":client_id"
        if name in _NUMBERS:
            return f"(:before::bigint + {value - self._before})"
        if value in self._expressions:
            return self._expressions[value]
        if isinstance(value, int) and value > MICROSECONDS_MIN:  # later ones are larger, as an index sees them
            return f"({value} + :before::bigint)"
        return ":" + self._names.setdefault(str(value), f"v{len(self._names) + 1}")


def _replaced(values: Mapping[str, str], match: re.Match[str]) -> str:
    return values[match[1]]
