"""What a stream sends, in which flights, and how its events look on the way."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursar.events.reader import LoggedEvent
from bursar.events.rules import PUBLIC_TYPES
from bursar.kit.errors import InvalidRequest
from bursar.streams import addresses, rules
from bursar.streams.cloud_events import key_of, message_of, reference_of
from bursar.streams.port import Message, Sink, StreamProblem
from bursar.streams.rules import Filter, Pace, check_events, flights


def logged(document: dict[str, Any], object_id: str | None = None, livemode: int = 0) -> LoggedEvent:
    data = json.dumps({"object": document, "previous_attributes": {"status": "processing"}})
    return LoggedEvent(
        "acct_shop", livemode, 0, 1, "evt_1", "payment_intent.succeeded", 1_800_000_000_000_001,
        object_id or document.get("id"), "key_1", None, None, None, "version", data,
    )  # fmt: skip


INTENT = {"id": "pi_1", "object": "payment_intent", "description": 'Grüße "aus" \u0001 \\ 東京'}


def messages(keys: Sequence[str]) -> list[Message]:
    return [Message(f"evt_{number}", "type", key, b"{}") for number, key in enumerate(keys)]


@given(st.lists(st.sampled_from("abcde"), max_size=60), st.integers(1, 7))
def test_no_flight_has_two_of_a_payment_and_none_overtakes_another(keys: list[str], flight_max: int) -> None:
    planned = flights(messages(keys), flight_max)
    assert sorted(number for flight in planned for number in flight) == list(range(len(keys)))
    for flight in planned:
        assert 0 < len(flight) <= flight_max
        assert len({keys[number] for number in flight}) == len(flight)
    for key in set(keys):
        order = [number for flight in planned for number in flight if keys[number] == key]
        assert order == sorted(order)


def test_events_of_different_payments_leave_together() -> None:
    assert [len(flight) for flight in flights(messages("abcabcabc"), 500)] == [3, 3, 3]


def test_an_event_is_a_cloud_event() -> None:
    told = json.loads(message_of(logged(INTENT, livemode=1), 10_000).body)
    assert told == {
        "specversion": "1.0",
        "id": "evt_1",
        "source": "urn:bursar:organisation:acct_shop",
        "type": "payment_intent.succeeded",
        "subject": "pi_1",
        "time": "2027-01-15T08:00:00.000001Z",
        "datacontenttype": "application/json",
        "bursarorganisation": "acct_shop",
        "bursarlivemode": True,
        "partitionkey": "pi_1",
        "data": {"object": INTENT, "previous_attributes": {"status": "processing"}},
    }
    # The specification allows small letters and digits only in names of attributes.
    assert all(name.isalnum() and name.islower() for name in told)


@given(st.dictionaries(st.text(), st.text()))
def test_an_event_is_the_same_bytes_each_time(extra: dict[str, str]) -> None:
    event = logged(INTENT | {"metadata": extra})
    assert message_of(event, 10**9) == message_of(event, 10**9)
    assert json.loads(message_of(event, 10**9).body)["data"]["object"]["metadata"] == extra


@pytest.mark.parametrize(
    ("document", "key"),
    [
        (INTENT, "pi_1"),
        ({"id": "ch_1", "object": "charge", "payment_intent": "pi_1"}, "pi_1"),
        ({"id": "re_1", "object": "refund", "payment_intent": None}, "re_1"),
        ({"id": "cus_1", "object": "customer"}, "cus_1"),
        ({"id": "po_1", "object": 7, "payment_intent": {"id": "pi_1"}}, "po_1"),
    ],
)
def test_what_is_about_a_payment_has_its_key(document: dict[str, Any], key: str) -> None:
    assert key_of(logged(document)) == key


def test_an_event_that_is_too_large_is_told_by_reference() -> None:
    event = logged(INTENT | {"metadata": {"note": "x" * 5_000}})
    message = message_of(event, rules.MESSAGE_BYTES_MIN)
    assert message == reference_of(event)
    assert message.is_reference
    told = json.loads(message.body)
    assert told["dataref"] == "/v1/events/evt_1"
    assert told["data"] == {"reference": {"id": "pi_1", "object": "payment_intent", "url": "/v1/payment_intents/pi_1"}}
    assert len(message.body) < rules.MESSAGE_BYTES_MIN


def test_all_events_are_those_of_the_official_api() -> None:
    everything = Filter(["*"])
    assert all(everything.wants(name) for name in PUBLIC_TYPES)
    assert not everything.wants("bursar.wallet.created")
    assert Filter(["bursar.wallet.*"]).wants("bursar.wallet.created")
    assert not Filter(["bursar.wallet.*"]).wants("payment_intent.created")
    assert Filter(["charge.*"]).wants("charge.dispute.created")


@pytest.mark.parametrize("name", ["", "payment_intent", "payment_intent*", "*.created", "bursar.*", "bursar.mail.sent"])
def test_a_type_that_no_stream_carries_is_refused(name: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        check_events(["charge.*", name])
    assert refusal.value.param == "events[1]"


@given(st.floats(0, 1))
def test_an_hour_of_a_broker_being_away_is_a_hundred_tries(chance: float) -> None:
    pace, tries, seconds = Pace(), 0, 0.0
    while seconds < 3_600:
        tries += 1
        seconds += pace.wait(tries, "broker_away", chance)
    assert 100 <= tries <= 170


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_waits_grow_to_a_bound(failures: int, chance: float) -> None:
    pace = Pace()
    assert 0.39 < pace.wait(failures, "broker_away", chance) <= 1.21 * pace.wait_seconds_max
    assert pace.wait(1, "credentials_refused", chance) > 3.9


@pytest.mark.parametrize(
    ("kind", "place", "is_emulator"),
    [
        ("google_pubsub", {"endpoint": "http://pubsub.example.com:8085"}, True),
        ("google_pubsub", {"endpoint": "https://europe-west3-pubsub.googleapis.com"}, False),
        ("google_pubsub", {}, False),
        ("azure_service_bus", {"address": "amqp://bus.example.com"}, True),
        ("azure_service_bus", {"address": "sb://shop.servicebus.windows.net"}, False),
        ("rabbitmq", {"address": "amqp://rabbitmq.example.com/"}, False),
    ],
)
def test_what_speaks_without_tls_for_a_cloud_is_an_emulator(
    kind: str, place: dict[str, str], is_emulator: bool
) -> None:
    sink = Sink(kind, place.get("address", ""), "payments", endpoint=place.get("endpoint"))
    assert rules.is_emulator(sink) == is_emulator


def test_an_emulator_may_be_where_the_operator_says() -> None:
    sink = Sink("google_pubsub", "", "projects/shop/topics/payments", endpoint="http://127.0.0.1:8085")
    asyncio.run(addresses.check(sink, ["127.0.0.1"]))
    with pytest.raises(StreamProblem, match="emulator"):
        asyncio.run(addresses.check(sink, []))


def test_no_client_is_loaded_before_a_stream_needs_it() -> None:
    vendors = {"aio_pika", "azure", "botocore", "confluent_kafka", "google", "grpc", "nats"}
    program = (
        "import sys, bursar.app, bursar.streams.registry; "
        f"print(sorted({{name.partition('.')[0] for name in sys.modules}} & {vendors!r}))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
