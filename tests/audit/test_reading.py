"""Whoever asks the log gets exactly what they asked for: in pages, as a file, in bounded steps, on every database."""

import asyncio
import csv
import io
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import pytest
from sqlalchemy import select

from bursar.audit import repository
from bursar.audit.files import COLUMNS, encoder, heading
from bursar.audit.schemas import AuditExportParams, AuditListParams
from bursar.audit.service import EXPORTS_MAX, AuditService
from bursar.events.sealing import LaneSealer
from bursar.events.tables import event_heads, events
from bursar.http.params import TimeRange
from bursar.kit.clock import ManualClock
from bursar.kit.errors import Conflict, InvalidRequest
from bursar.kit.ids import IdFactory
from bursar.store.log import Entry, Origin
from bursar.store.store import Store
from bursar.store.unit import Unit
from tests.audit.endpoints import ADDRESS, ORG, OTHER, call
from tests.databases import Database, on
from tests.store.harness import opened

EMBEDDED_AND_SERVERS = on("sqlite", "postgresql", "mariadb", "firebird")
ROWS = 300
TYPES = (
    "customer.created",
    "customer.updated",
    "bursar.wallet.created",
    "bursar.wallet.updated",
    "bursar.walletx.made",
)
ACTORS = ("key_1", "key_2", "usr_1", "system")
START = 1_800_000_000
STEP = 7  # rows that a step looks at here, so that many of them find nothing


@dataclass
class Log:
    store: Store
    clock: ManualClock
    service: AuditService
    rows: list[dict[str, Any]]
    requests: list[str]
    objects: list[str]

    def matching(self, keep: Callable[[dict[str, Any]], bool]) -> list[str]:
        """The ids that a list must show, newest first."""
        found = [row["id"] for row in self.rows if row["org_id"] == ORG and keep(row)]
        return sorted(found, reverse=True)

    def having(self, column: str, value: str) -> list[str]:
        return self.matching(lambda row: bool(row[column] == value))

    def listed(self, *, limit: int = 10, **filters: Any) -> list[str]:
        async def scenario() -> list[str]:
            found: list[str] = []
            page, pages = None, 0
            while True:
                answer = await self.service.page(call(), AuditListParams(limit=limit, page=page, **filters))
                assert len(answer.data) <= limit
                assert answer.has_more is (answer.next_page is not None)
                found += [entry.id for entry in answer.data]
                page, pages = answer.next_page, pages + 1
                assert pages < 10 * ROWS
                if page is None:
                    return found

        return asyncio.run(scenario())

    def exported(self, form: Any = "jsonl", **filters: Any) -> bytes:
        async def scenario() -> bytes:
            parts = self.service.export(call(), AuditExportParams(format=form, **filters), encoder(form))
            return heading(form) + b"".join([part async for part in parts])

        return asyncio.run(scenario())


def write(store: Store, entry: Entry) -> None:
    store.transact_blocking(lambda _: (None, Unit([], [entry])))


@pytest.fixture
def log(request: pytest.FixtureRequest, database: Database) -> Iterator[Log]:
    clock = ManualClock(START * 1_000_000)
    chance = random.Random(7)  # noqa: S311 - the same log each time
    ids = IdFactory(clock)
    with opened(database, make_sealer=lambda: LaneSealer(clock)) as store:
        requests = [ids.new("req") for _ in range(20)]
        objects = [ids.new("cus") for _ in range(10)]
        for _ in range(ROWS):
            clock.advance(chance.choice((0.0, 0.01, 3.0)))
            entry = Entry(
                chance.choice((ORG, ORG, ORG, OTHER)),
                chance.randrange(2),
                chance.choice(TYPES),
                chance.choice((None, *objects)),
                b'{"id":"x","name":"Zo\xc3\xab, \\"1\\""}',
                chance.choice((None, b'{"name":null}')),
                Origin(chance.choice(ACTORS), chance.choice((None, ADDRESS, "2001:db8::1")), chance.choice(requests)),
            )
            write(store, entry)
        clock.advance(1)
        rows = store.read_blocking(
            lambda connection: [dict(row) for row in connection.execute(select(events)).mappings()]
        )
        with patch.object(repository, "ROWS_LOOKED_AT_MAX", STEP):
            yield Log(store, clock, AuditService(store, clock), rows, requests, objects)


CASES: dict[str, tuple[dict[str, Any], Callable[[dict[str, Any]], bool]]] = {
    "everything": ({}, lambda row: True),
    "a mode": ({"mode": "live"}, lambda row: row["livemode"] == 1),
    "a type": ({"type": "customer.created"}, lambda row: row["event_type"] == "customer.created"),
    "a group of types": (
        {"type": "bursar.wallet.*"},
        lambda row: row["event_type"].startswith("bursar.wallet."),
    ),
    "an actor": ({"actor": "usr_1"}, lambda row: row["actor"] == "usr_1"),
    "an address": ({"address": "2001:db8::1"}, lambda row: row["address"] == "2001:db8::1"),
    "an actor's acts of one type in one mode": (
        {"actor": "key_1", "type": "customer.updated", "mode": "test"},
        lambda row: (row["actor"], row["event_type"], row["livemode"]) == ("key_1", "customer.updated", 0),
    ),
    "a time": (
        {"created": TimeRange(gte=START + 60, lt=START + 200)},
        lambda row: START + 60 <= row["created"] // 1_000_000 < START + 200,
    ),
    "an actor at a time": (
        {"created": TimeRange(gt=START + 60), "actor": "system"},
        lambda row: row["created"] // 1_000_000 > START + 60 and row["actor"] == "system",
    ),
    "nobody": ({"actor": "usr_nobody"}, lambda row: False),
}


@pytest.mark.parametrize("database", EMBEDDED_AND_SERVERS, indirect=True)
def test_a_list_shows_exactly_what_was_asked_for_whatever_the_page(log: Log) -> None:
    for name, (filters, keep) in CASES.items():
        for limit in (1, 10, 100):
            assert log.listed(limit=limit, **filters) == log.matching(keep), name
    for request_id in (*log.requests[:3], "req_unknown"):
        assert log.listed(request=request_id) == log.having("request_id", request_id)
    for object_id in log.objects[:3]:
        assert log.listed(object=object_id) == log.having("object_id", object_id)


@pytest.mark.parametrize("database", EMBEDDED_AND_SERVERS, indirect=True)
def test_an_export_has_exactly_the_rows_of_the_list_oldest_first(log: Log) -> None:
    for name, (filters, keep) in CASES.items():
        lines = log.exported(**filters).splitlines()
        assert [json.loads(line)["id"] for line in lines] == log.matching(keep)[::-1], name
        cells = list(csv.reader(io.StringIO(log.exported("csv", **filters).decode(), newline="")))
        assert tuple(cells[0]) == COLUMNS
        assert [row[0] for row in cells[1:]] == log.matching(keep)[::-1], name


@pytest.mark.parametrize("database", on("sqlite"), indirect=True)
def test_an_entry_tells_who_from_where_what_and_what_it_was_before(log: Log) -> None:
    rows = {row["id"]: row for row in log.rows}
    for line in log.exported().splitlines():
        entry = json.loads(line)
        row = rows[entry["id"]]
        data = json.loads(row["data"])
        assert entry == {
            "id": row["id"],
            "object": "audit_entry",
            "actor": row["actor"],
            "address": row["address"],
            "after": data["object"],
            "before": data.get("previous_attributes"),
            "created": row["created"] // 1_000_000,
            "idempotency_key": None,
            "livemode": bool(row["livemode"]),
            "object_id": row["object_id"],
            "request": row["request_id"],
            "result": "succeeded",
            "type": row["event_type"],
        }


@pytest.mark.parametrize("database", on("sqlite"), indirect=True)
def test_what_is_written_meanwhile_is_no_part_of_an_export_and_the_export_is_in_the_log(log: Log) -> None:
    before = len(log.matching(lambda row: True))
    assert len(log.exported().splitlines()) == before
    (told,) = log.listed(type="bursar.audit.exported")
    log.clock.advance(1)
    assert len(log.exported().splitlines()) == before + 1
    assert log.listed()[1] == told


@pytest.mark.parametrize("database", on("sqlite"), indirect=True)
def test_an_export_keeps_the_filters_that_say_what_was_taken_away(log: Log) -> None:
    log.exported(actor="4242424242424242", mode="test")
    log.clock.advance(1)
    (line,) = log.exported(type="bursar.audit.exported").splitlines()
    assert json.loads(line)["after"] == {
        "object": "audit_export",
        "filters": {"actor": "[scrubbed]", "format": "jsonl", "mode": "test"},
    }


@pytest.mark.parametrize("database", on("sqlite"), indirect=True)
def test_a_cell_that_a_spreadsheet_would_carry_out_is_text(log: Log) -> None:
    formula = '=HYPERLINK("http://example.com")'
    entry = Entry(ORG, 0, "customer.created", None, b"{}", None, Origin("key_1", None, "req_1", formula))
    write(log.store, entry)
    log.clock.advance(1)
    cells = list(csv.DictReader(io.StringIO(log.exported("csv", request="req_1").decode(), newline="")))
    assert [row["idempotency_key"] for row in cells] == [f"'{formula}"]


@pytest.mark.parametrize("database", on("sqlite"), indirect=True)
def test_no_more_exports_run_than_there_are_threads_to_spare(log: Log) -> None:
    async def scenario() -> None:
        params = AuditExportParams()
        running = [log.service.export(call(), params, encoder("jsonl")) for _ in range(EXPORTS_MAX)]
        for one in running:
            await anext(one)
        with pytest.raises(Conflict):
            await anext(log.service.export(call(), params, encoder("jsonl")))
        await running[0].aclose()
        again = log.service.export(call(), params, encoder("jsonl"))
        await anext(again)
        for one in (*running[1:], again):
            await one.aclose()

    asyncio.run(scenario())


@pytest.mark.parametrize("database", on("sqlite"), indirect=True)
@pytest.mark.parametrize("wrong", ["customer*", "*.x", "customer.*.x"])
def test_what_is_no_group_of_types_is_refused(log: Log, wrong: str) -> None:
    with pytest.raises(InvalidRequest):
        log.listed(type=wrong)


def verified(log: Log, service: AuditService | None = None) -> Any:
    return asyncio.run((service or log.service).verify(call()))


@pytest.mark.parametrize("database", EMBEDDED_AND_SERVERS, indirect=True)
def test_verifying_proves_the_organisations_own_chains_and_no_others(log: Log) -> None:
    own = len(log.matching(lambda row: True))
    with log.store.engines.writing.begin() as connection:
        connection.execute(events.update().where(events.c.org_id == OTHER).values(address="10.0.0.1"))
    result = verified(log).result
    assert (result.status, result.rows, result.chains, result.problems) == ("whole", own, 2, [])


@pytest.mark.parametrize("database", on("sqlite"), indirect=True)
def test_a_tampered_log_is_broken_and_the_first_problems_are_named(log: Log) -> None:
    victim = log.matching(lambda row: True)[5]
    with log.store.engines.writing.begin() as connection:
        connection.execute(events.update().where(events.c.id == victim).values(address="10.0.0.1"))
        connection.execute(event_heads.update().where(event_heads.c.org_id == ORG).values(sequence_number=10_000))
    effect = verified(log)
    assert effect.result.status == "broken"
    assert any(victim in problem for problem in effect.result.problems)
    assert any("cut off" in problem for problem in effect.result.problems)
    assert [entry.event_type for entry in effect.unit.entries] == ["bursar.audit.verified"]


@pytest.mark.parametrize("database", on("sqlite"), indirect=True)
def test_a_log_that_is_too_long_for_an_answer_is_unfinished_and_not_called_whole(log: Log) -> None:
    result = verified(log, AuditService(log.store, log.clock, verify_seconds=0.0)).result
    assert result.status == "unfinished"
    assert 0 < result.rows < len(log.matching(lambda row: True))


@pytest.mark.parametrize("database", on("sqlite"), indirect=True)
def test_only_one_verification_runs_at_a_time(log: Log) -> None:
    async def scenario() -> None:
        answers = await asyncio.gather(*(log.service.verify(call()) for _ in range(2)), return_exceptions=True)
        assert [isinstance(answer, Conflict) for answer in answers] == [False, True]
        await log.service.verify(call())

    asyncio.run(scenario())
