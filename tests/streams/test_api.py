"""Streams as an organisation sets them up."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from bursar.kit.clock import SystemClock
from bursar.kit.permissions import PLATFORM_ADMIN
from bursar.store.columns import INSTALLATION
from bursar.streams.credentials import StreamCredentials
from bursar.streams.repository import StreamKey
from bursar.streams.service import INSTALLATION_URL, URL
from bursar.streams.worker import StreamsWorker
from tests.control.house import House, Merchant, standing
from tests.services import server_url
from tests.streams import harness

CREDENTIALS = {"username": "shop", "password": "hush-hush"}
WANTED = {
    "name": "Accounting",
    "kind": "rabbitmq",
    "address": "amqp://rabbitmq.example.com/",
    "destination": "payments",
    "events": ["payment_intent.*", "charge.refunded"],
    "credentials": CREDENTIALS,
}
ACCOUNT = json.dumps({"type": "service_account", "client_email": "shop@example.com", "private_key": "hush-hush"})
GOOGLE = {
    "kind": "google_pubsub",
    "address": "",
    "destination": "projects/shop/topics/payments",
    "credentials": {"service_account": ACCOUNT},
}
POLICY = {"shared_access_key_name": "send", "shared_access_key": "hush-hush"}
AZURE = {"kind": "azure_service_bus", "address": "sb://shop.example.com", "credentials": POLICY}


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with standing() as made:
        yield made


@pytest.fixture
def merchant(house: House) -> Merchant:
    return house.merchant()


def test_a_stream_is_set_up_changed_paused_and_deleted(merchant: Merchant) -> None:
    made = merchant.done("POST", URL, WANTED)
    assert made["state"] == "waiting"
    assert made["has_credentials"] is True
    assert "hush" not in json.dumps(made)
    address = f"{URL}/{made['id']}"
    changed = merchant.done("PUT", address, {"events": ["*"], "paused": True})
    assert (changed["events"], changed["state"], changed["has_credentials"]) == (["*"], "paused", True)
    assert merchant.done("GET", URL)["data"] == [changed]
    assert merchant.done("DELETE", address) == {"id": made["id"], "object": "stream", "deleted": True}
    assert merchant.call("GET", address).status == 404


def test_credentials_are_sealed_and_in_no_event(merchant: Merchant, house: House) -> None:
    merchant.done("POST", URL, WANTED)
    assert "hush" not in json.dumps(house.rows_of(merchant.org_id))


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"address": "https://rabbitmq.example.com/"}, "address"),
        ({"address": "amqp://shop:hush-hush@rabbitmq.example.com/"}, "address"),
        ({"address": "amqps://rabbitmq.example.com/?cafile=/etc/passwd"}, "address"),
        ({"credentials": {"token": "hush"}}, "credentials"),
        ({"events": ["payment_intent.nothing"]}, "events[0]"),
        ({"events": ["bursar.mail.*"]}, "events[0]"),
        ({"region": "eu-central-1"}, "region"),
        ({"kind": "sqs", "address": ""}, "credentials"),
        ({"kind": "carrier_pigeon"}, "kind"),
        (GOOGLE | {"destination": "payments"}, "destination"),
        (GOOGLE | {"credentials": None}, "credentials"),
        (GOOGLE | {"credentials": {"service_account": "/etc/account.json"}}, "credentials"),
        (GOOGLE | {"credentials": {"service_account": '{"type": "authorized_user"}'}}, "credentials"),
        (GOOGLE | {"endpoint": "unix:/run/pubsub"}, "endpoint"),
        (GOOGLE | {"endpoint": "http://pubsub.example.com"}, "credentials"),
        (AZURE | {"address": "https://shop.example.com"}, "address"),
        (AZURE | {"credentials": {"shared_access_key_name": "send"}}, "credentials"),
        (AZURE | {"credentials": POLICY | {"shared_access_key": "a;UseDevelopmentEmulator=true"}}, "credentials"),
        ({"org_id": "acct_other"}, "org_id"),
        ({"state": "running"}, "state"),
    ],
)
def test_what_cannot_work_is_refused_by_name(merchant: Merchant, change: dict[str, Any], param: str) -> None:
    reply = merchant.call("POST", URL, WANTED | change)
    assert (reply.status, reply.error["param"]) == (400, param)
    assert "hush" not in json.dumps(reply.json)


def test_an_address_that_differs_needs_the_credentials_again(merchant: Merchant) -> None:
    address = f"{URL}/{merchant.done('POST', URL, WANTED)['id']}"
    reply = merchant.call("PUT", address, {"address": "amqp://elsewhere.example.com/"})
    assert (reply.status, reply.error["param"]) == (400, "credentials")
    merchant.done("PUT", address, {"address": "amqp://elsewhere.example.com/", "credentials": CREDENTIALS})


def test_another_organisations_stream_is_not_there(house: House, merchant: Merchant) -> None:
    address = f"{URL}/{merchant.done('POST', URL, WANTED)['id']}"
    other = house.merchant("Other")
    for method, body in (("GET", None), ("PUT", {"paused": True}), ("DELETE", None)):
        assert other.call(method, address, body).status == 404
    assert other.done("GET", URL)["data"] == []
    assert merchant.call("GET", address, headers={"bursar-mode": "live"}).status == 404


def test_the_installations_own_streams_are_seen_by_who_runs_it() -> None:
    secret = {"password": "hush-hush"}
    wanted = {"name": "warehouse", "kind": "redis", "destination": "payments", "credentials": secret}
    with standing(streams=json.dumps([wanted | {"address": "redis://localhost:1/0"}])) as house:
        merchant = house.merchant()
        admin = house.person(merchant.org_id, PLATFORM_ADMIN)
        reply = house.call("GET", INSTALLATION_URL, admin)
        assert [(one["id"], one["state"], one["state_since"]) for one in reply.json["data"]] == [
            ("warehouse", "waiting", None)
        ]

        async def tried() -> None:
            made = house.runtime.streams.worker()
            async with harness.running(made):
                await harness.until_state(
                    house.runtime.store, "retrying", "broker_away", StreamKey(INSTALLATION, 0, "warehouse")
                )

        house.runner.run(tried())
        reply = house.call("GET", INSTALLATION_URL, admin)
        (found,) = reply.json["data"]
        assert (found["state"], found["state_reason"]) == ("retrying", "broker_away")
        assert found["next_try"] is not None
        assert "hush" not in json.dumps(reply.json)
        assert merchant.call("GET", INSTALLATION_URL).status == 403


def worker(house: House, *, development: bool) -> StreamsWorker:
    credentials = StreamCredentials(house.runtime.settings.secret_key)
    return StreamsWorker(house.runtime.store, SystemClock(), credentials, development=development, pace=harness.PACE)


def seen(merchant: Merchant, made: StreamsWorker, stream: str, reason: str | None, published: int) -> dict[str, Any]:
    own = merchant.house
    assert isinstance(own, House)

    async def scenario() -> None:
        key = StreamKey(merchant.org_id, 0, stream)

        async def there() -> bool:
            state = await harness.state_of(own.runtime.store, key)
            assert state is not None
            return state.reason == reason and state.published == published

        async with harness.running(made):
            await harness.until(there)

    own.runner.run(scenario())
    found: dict[str, Any] = merchant.done("GET", f"{URL}/{stream}")
    return found


@pytest.mark.parametrize("cloud", [GOOGLE, AZURE], ids=["google", "azure"])
def test_a_stream_to_a_cloud_hides_what_opens_it(house: House, merchant: Merchant, cloud: dict[str, Any]) -> None:
    made = merchant.done("POST", URL, WANTED | cloud)
    assert (made["kind"], made["has_credentials"]) == (cloud["kind"], True)
    assert "hush" not in json.dumps([made, house.rows_of(merchant.org_id)])


def test_an_emulator_is_for_those_that_the_operator_names(house: House, merchant: Merchant) -> None:
    made = merchant.done("POST", URL, WANTED | GOOGLE | {"endpoint": "http://203.0.113.7:8085", "credentials": None})
    found = seen(merchant, worker(house, development=False), made["id"], "address_refused", 0)
    assert found["state"] == "refused"
    assert "emulator" in found["state_detail"]
    merchant.done("DELETE", f"{URL}/{made['id']}")


def test_a_broker_inside_the_network_is_refused(house: House, merchant: Merchant) -> None:
    made = merchant.done("POST", URL, WANTED | {"address": "amqp://localhost/"})
    found = seen(merchant, worker(house, development=False), made["id"], "address_refused", 0)
    assert found["state"] == "refused"
    assert "stream_hosts" in found["state_detail"]
    assert found["next_try"] is not None
    merchant.done("DELETE", f"{URL}/{made['id']}")


@pytest.mark.service("redis")
def test_an_organisations_stream_carries_its_own_events_from_its_creation_on(house: House) -> None:
    ours, theirs = house.merchant("Ours"), house.merchant("Theirs")
    url, key = server_url("redis") or "", f"events-{uuid.uuid4().hex}"
    wanted = {"name": "R", "kind": "redis", "address": url.rpartition("/")[0] + "/0", "destination": key}

    def customer(merchant: Merchant, name: str) -> None:
        reply = house.call("POST", "/v1/customers", merchant.secret_key, {"name": name})
        assert reply.status == 200, reply.json

    customer(ours, "Before")
    made = ours.done("POST", URL, wanted)
    for merchant in (theirs, ours):
        customer(merchant, f"Ada of {merchant.org_id}")
    found = seen(ours, worker(house, development=True), made["id"], None, 1)
    assert (found["state"], found["published"]) == ("running", 1)
    with redis.Redis.from_url(url) as client:
        ((_, fields),) = client.xrange(key)
    told = json.loads(fields[b"event"])
    assert told["type"] == "customer.created"
    assert told["subject"] == told["partitionkey"] == told["data"]["object"]["id"]
    assert (told["bursarorganisation"], told["bursarlivemode"]) == (ours.org_id, False)
    assert told["id"] == found["last_event"]
    ours.done("DELETE", f"{URL}/{made['id']}")
    assert asyncio.run(harness.state_of(house.runtime.store, StreamKey(ours.org_id, 0, made["id"]))) is None
