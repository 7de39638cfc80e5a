"""Histories of payments in MongoDB: whatever came how often and in which order, the document is the same."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Iterator, Sequence
from functools import reduce
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from typer.testing import CliRunner

from bursar.cli import app
from bursar.events.reader import LoggedEvent
from bursar.histories import rules
from bursar.histories.mongo import Histories
from bursar.histories.worker import HistoriesWorker, rebuild
from bursar.kit.clock import SystemClock
from bursar.store.store import Store
from tests.services import server_url
from tests.streams import harness

PAYMENTS = [f"pi_{number:04}" for number in range(8)]


def logged(number: int, event_type: str, document: dict[str, Any]) -> LoggedEvent:
    return LoggedEvent(
        "acct_shop", 0, 0, number, f"evt_{number:04}", event_type, number, document["id"], "key_1", None, "req_1",
        None, "version", json.dumps({"object": document}),
    )  # fmt: skip


STORY = [
    logged(1, "payment_intent.created", {"id": "pi_1", "object": "payment_intent", "status": "requires_confirmation"}),
    logged(2, "charge.succeeded", {"id": "ch_1", "object": "charge", "payment_intent": "pi_1", "amount": 100}),
    logged(3, "payment_intent.succeeded", {"id": "pi_1", "object": "payment_intent", "status": "succeeded"}),
    logged(4, "refund.created", {"id": "re_1", "object": "refund", "payment_intent": "pi_1", "amount": 40}),
    logged(5, "charge.refunded", {"id": "ch_1", "object": "charge", "payment_intent": "pi_1", "amount": 100}),
    logged(6, "charge.dispute.created", {"id": "du_1", "object": "dispute", "payment_intent": "pi_1"}),
]


STORED: dict[str, Any] = {"id": "pi_1", "object": "payment_intent", "status": "succeeded"}


def told(events: Sequence[LoggedEvent]) -> dict[str, Any]:
    return reduce(rules.with_event, events, rules.empty("acct_shop", 0, "pi_1"))


@given(st.permutations(STORY), st.lists(st.sampled_from(STORY)))
def test_the_document_is_the_same_in_any_order_and_however_often(
    shuffled: list[LoggedEvent], repeated: list[LoggedEvent]
) -> None:
    assert told([*shuffled, *repeated]) == told(STORY)


def test_the_document_has_what_became_of_everything() -> None:
    document = told(STORY)
    assert document["intent"]["object"]["status"] == "succeeded"
    assert [charge["event"] for charge in document["charges"]] == ["evt_0005"]
    assert [refund["object"]["amount"] for refund in document["refunds"]] == [40]
    assert [dispute["object"]["id"] for dispute in document["disputes"]] == ["du_1"]
    assert [step["type"] for step in document["timeline"]] == [event.event_type for event in STORY]


def test_what_belongs_to_no_payment_is_left_out() -> None:
    for document in ({"id": "cus_1", "object": "customer"}, {"id": "ch_1", "object": "charge"}):
        assert rules.payment_of(logged(1, "customer.created", document)) is None


def test_metadata_may_have_names_that_mongodb_does_not_take() -> None:
    metadata = {"a.b": "1", "$c": "2", "a%2Eb": "3", "d\0": "4", "plain": "5"}
    document = told([logged(1, "payment_intent.created", STORED | {"metadata": metadata})])
    kept = document["intent"]["object"]["metadata"]
    assert kept == {"a%2Eb": "1", "%24c": "2", "a%252Eb": "3", "d%00": "4", "plain": "5"}
    assert {unquote(name): value for name, value in kept.items()} == metadata


@pytest.fixture
def url() -> Iterator[str]:
    base = server_url("mongodb") or ""
    yield f"{base.rpartition('/')[0]}/bursar_{uuid.uuid4().hex[:12]}"


def documents(url: str) -> dict[str, dict[str, Any]]:
    from pymongo import MongoClient

    with MongoClient[dict[str, Any]](url) as client:
        found = {document["payment"]: document for document in client.get_default_database()["payments"].find()}
        for document in found.values():
            del document["revision"]
        return found


def until_there(store: Store, url: str) -> Any:
    async def there() -> bool:
        found = await asyncio.to_thread(documents, url)
        return len(found) == len(PAYMENTS) and all(
            len(document["timeline"]) == len(harness.STEPS) for document in found.values()
        )

    return harness.until(there)


@pytest.mark.service("mongodb")
def test_the_worker_keeps_one_document_for_each_payment(tmp_path: Path, url: str) -> None:
    async def scenario() -> None:
        with harness.opened(tmp_path) as store:
            task = asyncio.create_task(HistoriesWorker(store, SystemClock(), url).run())
            await harness.tell(store, PAYMENTS)
            await until_there(store, url)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    asyncio.run(scenario())
    document = documents(url)[PAYMENTS[0]]
    assert document["organisation"] == harness.ORGANISATION
    assert [step["type"] for step in document["timeline"]] == list(harness.STEPS)
    assert document["intent"]["object"]["step"] == 3
    assert document["charges"][0]["object"]["step"] == 4


@pytest.mark.service("mongodb")
def test_mongodb_may_go_away_and_come_back(tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bursar.histories.mongo.SERVER_SECONDS_MAX", 0.3)
    monkeypatch.setattr("bursar.histories.worker.AWAY_SECONDS_MAX", 0.2)
    registry = CollectorRegistry()

    async def scenario() -> None:
        place = urlsplit(url)
        proxy = harness.Proxy(place.port or 0)
        await proxy.start()
        with harness.opened(tmp_path) as store:
            worker = HistoriesWorker(store, SystemClock(), f"mongodb://127.0.0.1:{proxy.port}{place.path}")
            worker.figures.report_to(registry)
            task = asyncio.create_task(worker.run())
            await harness.tell(store, PAYMENTS, 2)

            async def figure(name: str, wanted: float) -> None:
                async def there() -> bool:
                    return (registry.get_sample_value(f"bursar_history_{name}") or 0.0) >= wanted

                await harness.until(there)

            await figure("events_total", 2 * len(PAYMENTS))
            await proxy.stop()
            for step in range(2, len(harness.STEPS)):
                await harness.tell_step(store, PAYMENTS, step)
            await figure("problems_total", 2)
            await figure("lag_events", 1)
            await proxy.start()
            await until_there(store, url)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await proxy.stop()

    asyncio.run(scenario())


@pytest.mark.service("mongodb")
def test_a_rebuild_beside_a_worker_ends_with_the_same_documents(tmp_path: Path, url: str) -> None:
    async def scenario() -> None:
        with harness.opened(tmp_path) as store:
            await harness.tell(store, PAYMENTS, 3)
            task = asyncio.create_task(HistoriesWorker(store, SystemClock(), url).run())
            telling = asyncio.create_task(asyncio.to_thread(rebuild, store, SystemClock(), url))
            for step in range(3, len(harness.STEPS)):
                await harness.tell_step(store, PAYMENTS, step)
            assert await telling >= 3 * len(PAYMENTS)
            # Whatever the worker had told before the rebuild began is there again.
            await asyncio.to_thread(rebuild, store, SystemClock(), url)
            await until_there(store, url)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    asyncio.run(scenario())
    before = documents(url)
    with harness.opened(tmp_path) as store:
        assert rebuild(store, SystemClock(), url) == len(PAYMENTS) * len(harness.STEPS)
    assert documents(url) == before


@pytest.mark.service("mongodb")
def test_a_command_makes_the_documents_anew(tmp_path: Path, url: str) -> None:
    async def tell() -> None:
        with harness.opened(tmp_path) as store:
            await harness.tell(store, PAYMENTS)

    asyncio.run(tell())
    arguments = ["history", "rebuild", "--data", str(tmp_path)]
    result = CliRunner().invoke(app, [*arguments, "--json"], env={"BURSAR_HISTORY_URL": url})
    assert (result.exit_code, json.loads(result.stdout)) == (0, {"events": len(PAYMENTS) * len(harness.STEPS)})
    assert set(documents(url)) == set(PAYMENTS)
    away = CliRunner().invoke(app, arguments, env={"BURSAR_HISTORY_URL": "mongodb://shop:hush@localhost:x/"})
    assert away.exit_code == 4
    assert "hush" not in away.output


@pytest.mark.service("mongodb")
def test_the_same_events_again_change_nothing(url: str) -> None:
    histories = Histories(url)
    for events in (STORY[:4], STORY, STORY[2:]):
        histories.apply(events)
    histories.close()
    expected = told(STORY)
    del expected["revision"]
    assert documents(url)["pi_1"] == expected


@pytest.mark.service("mongodb")
def test_a_document_that_mongodb_refuses_holds_up_no_other(url: str, caplog: pytest.LogCaptureFixture) -> None:
    unreadable: list[None] = []
    named: dict[str, Any] = STORED | {"metadata": {"a.b": "1", "$c": "2"}}
    number = STORED | {"id": "pi_2", "amount": 2**70}
    large = STORED | {"id": "pi_3", "text": "x" * 17_000_000}
    events = [
        logged(place, "payment_intent.succeeded", document) for place, document in enumerate((named, number, large), 1)
    ]
    histories = Histories(url, lambda: unreadable.append(None))
    for _ in range(2):
        assert histories.apply(events) == 3
    histories.apply([logged(4, "payment_intent.succeeded", STORED | {"id": "pi_2"})])
    histories.close()
    found = documents(url)
    assert found["pi_1"]["intent"]["object"]["metadata"] == {"a%2Eb": "1", "%24c": "2"}
    assert [found[payment].get("unreadable") for payment in ("pi_1", "pi_2", "pi_3")] == [None, True, True]
    assert len(unreadable) == 2
    assert "acct_shop/test/pi_2" in caplog.text
