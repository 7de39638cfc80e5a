"""Reads and refusals get into the log: all of them or their number, never a flood, and never at a request's cost."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import pytest
from sqlalchemy import select

from bursar.audit import recorder as recording
from bursar.audit.recorder import FLUSH_VIEWS, GROUPS_MAX, UNIT_ENTRIES_MAX, VIEWS_MAX, AuditRecorder
from bursar.events import audit as log_audit
from bursar.events.tables import events
from bursar.http.metrics import Metrics
from bursar.kit.clock import ManualClock
from bursar.kit.errors import AuthenticationFailed, NotFound, PermissionMissing, TooManyRequests
from bursar.store.columns import INSTALLATION
from bursar.store.errors import StoreDefect, StoreUnavailable
from bursar.store.store import Store
from bursar.store.unit import Unit
from tests.audit.endpoints import ADDRESS, LIST, LIVE, ONE, ORG, OTHER, PERSON, ROLES, SERVER, STRANGER, call
from tests.databases import Database, on
from tests.store.harness import opened

pytestmark = pytest.mark.parametrize("database", on("sqlite"), indirect=True)
WAIT_SECONDS_MAX = 10.0
WRONG_KEY = AuthenticationFailed("Invalid API key", code="api_key_invalid")
NOT_ALLOWED = PermissionMissing("lacks", code="permission_missing", param="refunds.write")
TOO_MANY = TooManyRequests("slow down", retry_after_seconds=1)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def store(database: Database) -> Iterator[Store]:
    with opened(database) as store:
        yield store


@pytest.fixture
def recorder(store: Store, clock: ManualClock) -> AuditRecorder:
    return AuditRecorder(store, clock)


def logged(store: Store) -> list[dict[str, Any]]:
    rows = store.read_blocking(
        lambda connection: connection.execute(select(events).order_by(events.c.id)).mappings().all()
    )
    return [{**row, "object": json.loads(row["data"])["object"]} for row in rows]


def test_a_read_is_told_with_who_from_where_what_and_how_it_ended(
    store: Store, recorder: AuditRecorder, clock: ManualClock
) -> None:
    recorder.looked_at(call(SERVER, {"intent": "pi_1"}), ONE, b"expand[]=customer")
    recorder.looked_at(call(PERSON), LIST, b"limit=3", None)
    recorder.looked_at(call(LIVE, {"intent": "pi_2"}), ONE, b"", NotFound("no", code="resource_missing"))
    recorder.looked_at(call(PERSON), ROLES, b"")
    at = clock.microseconds // 1_000_000
    clock.advance(5)
    asyncio.run(recorder.flush())
    first, second, third = logged(store)
    assert first["event_type"] == "bursar.payment_intent.viewed"
    assert (first["org_id"], first["livemode"], first["actor"]) == (ORG, 0, "key_1")
    assert (first["address"], first["request_id"], first["object_id"]) == (ADDRESS, "req_1", "pi_1")
    assert first["object"] == {
        "object": "view",
        "at": at,
        "operation": "retrieve_payment_intent",
        "path": {"intent": "pi_1"},
        "query": {"expand[]": "customer"},
        "result": "found",
    }
    assert (second["org_id"], second["actor"], second["object"]["query"]) == (OTHER, "usr_1", {"limit": "3"})
    assert (third["livemode"], third["object_id"]) == (1, None)
    assert third["object"]["result"] == "resource_missing"


def test_reads_come_in_their_order_and_in_commits_that_hold_nobody_up(store: Store, recorder: AuditRecorder) -> None:
    count = 3 * UNIT_ENTRIES_MAX + 1
    for number in range(count):
        recorder.looked_at(call(request=f"req_{number}"), LIST, b"")
    sizes = []
    commit = store.commit

    async def counting(unit: Unit) -> None:
        sizes.append(len(unit.entries))
        await commit(unit)

    with patch.object(store, "commit", counting):
        asyncio.run(recorder.flush())
    assert [row["request_id"] for row in logged(store)] == [f"req_{number}" for number in range(count)]
    assert max(sizes) <= UNIT_ENTRIES_MAX
    with store.engines.reading.connect() as connection:
        assert log_audit.verify(connection).whole


def test_beyond_the_bound_reads_are_counted_and_the_log_says_how_many(store: Store, recorder: AuditRecorder) -> None:
    metrics = Metrics()
    recorder.report_to(metrics)
    for _ in range(VIEWS_MAX + 30):
        recorder.looked_at(call(), LIST, b"")
    for _ in range(7):
        recorder.looked_at(call(LIVE), LIST, b"")
    asyncio.run(recorder.flush())
    rows = logged(store)
    viewed = [row for row in rows if row["event_type"] == "bursar.payment_intent.viewed"]
    counted = {
        (row["org_id"], row["livemode"]): row["object"]["times"]
        for row in rows
        if row["event_type"] == "bursar.reads.counted"
    }
    assert len(viewed) == VIEWS_MAX
    assert counted == {(ORG, 0): 30, (ORG, 1): 7}
    assert b"bursar_audit_reads_not_itemised_total 37.0" in metrics.render()
    asyncio.run(recorder.flush())
    assert len(logged(store)) == len(rows)


def test_while_the_database_is_away_reads_wait_and_come_in_later(store: Store, recorder: AuditRecorder) -> None:
    async def away(unit: Unit) -> None:
        raise StoreUnavailable("away")

    for number in range(150):
        recorder.looked_at(call(request=f"req_{number}"), LIST, b"")
    recorder.refused(LIST, SERVER, NOT_ALLOWED, ADDRESS, "req_a")
    with patch.object(store, "commit", away):
        asyncio.run(recorder.flush())
        asyncio.run(recorder.flush())
    assert logged(store) == []
    recorder.refused(LIST, SERVER, NOT_ALLOWED, ADDRESS, "req_b")
    asyncio.run(recorder.flush())
    rows = logged(store)
    assert [row["request_id"] for row in rows[:150]] == [f"req_{number}" for number in range(150)]
    assert [row["object"]["times"] for row in rows[150:]] == [2]


def test_a_read_that_cannot_be_written_at_all_is_counted_and_holds_up_no_other(
    store: Store, recorder: AuditRecorder
) -> None:
    commit = store.commit
    failed: list[Unit] = []

    async def failing_once(unit: Unit) -> None:
        if not failed:
            failed.append(unit)
            raise StoreDefect("a defect")
        await commit(unit)

    for _ in range(UNIT_ENTRIES_MAX + 1):
        recorder.looked_at(call(), LIST, b"")
    with patch.object(store, "commit", failing_once):
        asyncio.run(recorder.flush())
    types = [row["event_type"] for row in logged(store)]
    assert types == ["bursar.payment_intent.viewed", "bursar.reads.counted"]


def test_many_reads_are_written_before_the_second_is_over(store: Store, recorder: AuditRecorder) -> None:
    async def scenario() -> None:
        with patch.object(recording, "FLUSH_SECONDS", WAIT_SECONDS_MAX):
            task = asyncio.create_task(recorder.run())
            for _ in range(FLUSH_VIEWS):
                recorder.looked_at(call(), LIST, b"")
            async with asyncio.timeout(WAIT_SECONDS_MAX / 2):
                while len(await asyncio.to_thread(logged, store)) < FLUSH_VIEWS:  # noqa: ASYNC110 - of another thread
                    await asyncio.sleep(0.01)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    asyncio.run(scenario())


def test_the_end_writes_what_there_is(store: Store, recorder: AuditRecorder) -> None:
    recorder.looked_at(call(), LIST, b"")
    for _ in range(3):
        recorder.refused(LIST, None, WRONG_KEY, ADDRESS, "req_a")
    asyncio.run(recorder.close())
    assert [row["event_type"] for row in logged(store)] == ["bursar.payment_intent.viewed", "bursar.access.refused"]


def test_a_refusal_is_told_with_who_what_and_why(store: Store, recorder: AuditRecorder, clock: ManualClock) -> None:
    recorder.refused(LIST, SERVER, NOT_ALLOWED, ADDRESS, "req_a")
    recorder.refused(LIST, None, WRONG_KEY, "198.51.100.9", "req_b")
    recorder.refused(LIST, STRANGER, TOO_MANY, "198.51.100.9", "req_c")
    asyncio.run(recorder.flush())
    known, wrong_key, too_many = logged(store)
    assert (known["org_id"], known["livemode"], known["actor"], known["address"]) == (ORG, 0, "key_1", ADDRESS)
    at = clock.microseconds // 1_000_000
    assert known["object"] == {
        "object": "refusal",
        "code": "permission_missing",
        "first": at,
        "last": at,
        "method": "GET",
        "operation": "list_payment_intents",
        "param": "refunds.write",
        "path": "/v1/payment_intents",
        "status": 403,
        "times": 1,
    }
    assert (wrong_key["org_id"], wrong_key["actor"], wrong_key["address"]) == (
        INSTALLATION,
        "anonymous",
        "198.51.100.9",
    )
    assert (wrong_key["object"]["code"], too_many["object"]["code"]) == ("api_key_invalid", "rate_limit")


def test_the_same_refusal_again_and_again_is_one_entry_at_once_and_one_a_minute(
    store: Store, recorder: AuditRecorder, clock: ManualClock
) -> None:
    async def scenario() -> None:
        for second in range(180):
            for _ in range(100):
                recorder.refused(LIST, None, WRONG_KEY, ADDRESS, "req_a")
                recorder.refused(LIST, SERVER, TOO_MANY, ADDRESS, "req_b")
            await recorder.flush(ending=second == 179)
            clock.advance(1)

    asyncio.run(scenario())
    for owner in (INSTALLATION, ORG):
        told = [row["object"] for row in logged(store) if row["org_id"] == owner]
        assert sum(one["times"] for one in told) == 18_000
        assert len(told) <= 5
        assert told[0]["times"] == 100
        assert all(one["first"] <= one["last"] for one in told)
        assert told[-1]["last"] == (clock.microseconds // 1_000_000) - 1


def test_an_ipv6_customer_is_one_whatever_address_of_theirs_they_refuse_to_stop_with(
    store: Store, recorder: AuditRecorder
) -> None:
    for number in range(50):
        recorder.refused(LIST, None, WRONG_KEY, f"2001:db8::{number:x}", "req_a")
    asyncio.run(recorder.flush())
    assert [row["object"]["times"] for row in logged(store)] == [50]


def test_a_flood_from_everywhere_fills_no_disk(store: Store, recorder: AuditRecorder, clock: ManualClock) -> None:
    refusals = 5 * GROUPS_MAX
    for number in range(refusals):
        recorder.refused(LIST, None, WRONG_KEY, f"10.0.{number // 250}.{number % 250}", "req_a")
    asyncio.run(recorder.flush(ending=True))
    rows = logged(store)
    assert len(rows) <= GROUPS_MAX + 1
    assert sum(row["object"]["times"] for row in rows) == refusals
    assert rows[-1]["address"] is None
    clock.advance(60)
    asyncio.run(recorder.flush())
    clock.advance(60)
    asyncio.run(recorder.flush())
    recorder.refused(LIST, None, WRONG_KEY, "10.9.9.9", "req_a")
    asyncio.run(recorder.flush())
    assert logged(store)[-1]["address"] == "10.9.9.9", "when it is over, callers are told apart again"
