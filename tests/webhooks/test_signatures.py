"""What is sent is believed by the verifiers that merchants use, and what was tampered with is not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from contextlib import suppress

import pytest
import stripe
from standardwebhooks import Webhook, WebhookVerificationError

from bursar.webhooks.schemas import RotationParams
from bursar.webhooks.signing import SECRET_PREFIX, new_secret, signature_headers, signing_key
from tests.databases import Database, on
from tests.webhooks.receivers import Received, Receiver, receiving
from tests.webhooks.world import Endpoint, World, opened

pytestmark = pytest.mark.parametrize("database", on("sqlite"), indirect=True)


def verified(received: Received, secret: str) -> stripe.Event:
    """By both schemes."""
    body = Webhook(secret).verify(received.body, received.headers)
    event: stripe.Event = stripe.Webhook.construct_event(received.body, received.headers["stripe-signature"], secret)
    assert event.id == body["id"] == received.headers["webhook-id"]
    return event


async def sent(world: World, events: int = 1) -> tuple[Endpoint, Sequence[Received]]:
    async with receiving() as receiver, world.working():
        endpoint = await world.listen(receiver.url)
        await world.tell(events)
        return endpoint, await receiver.until_received(events)


def test_both_verifiers_believe_what_is_sent(database: Database) -> None:
    with opened(database) as store:
        endpoint, received = asyncio.run(sent(World(store), 3))
    events = [verified(one, endpoint.secret) for one in received]
    assert [event.type for event in events] == ["charge.succeeded"] * 3
    assert {event.data.object["amount"] for event in events} == {1000, 1001, 1002}
    assert endpoint.secret.startswith(SECRET_PREFIX)
    assert {one.headers["content-type"] for one in received} == {"application/json; charset=utf-8"}
    assert {one.headers["user-agent"] for one in received} == {"Bursar-Webhooks/1.0"}
    assert sorted(int(one.headers["bursar-sequence"]) for one in received) == [1, 2, 3]


def test_neither_believes_what_was_tampered_with(database: Database) -> None:
    with opened(database) as store:
        endpoint, (received, *_) = asyncio.run(sent(World(store)))
    body = received.body.replace(b'"amount":1000', b'"amount":1001')
    assert body != received.body
    other = new_secret()
    later = {**received.headers, "webhook-timestamp": str(int(received.headers["webhook-timestamp"]) + 1)}
    renamed = {**received.headers, "webhook-id": "evt_another"}
    for content, headers, secret in (
        (body, received.headers, endpoint.secret),
        (received.body, received.headers, other),
        (received.body, later, endpoint.secret),
        (received.body, renamed, endpoint.secret),
    ):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(content, headers)
    signature = received.headers["stripe-signature"]
    for content, header, secret in (
        (body, signature, endpoint.secret),
        (received.body, signature, other),
        (received.body, signature.replace("t=1", "t=2", 1), endpoint.secret),
        (received.body, signature.replace("v1=", "v0="), endpoint.secret),
    ):
        with pytest.raises(stripe.SignatureVerificationError):
            stripe.Webhook.construct_event(content, header, secret)


def test_an_old_one_is_refused_by_its_time(database: Database) -> None:
    body, secret = b'{"object":"event"}', new_secret()
    lines = signature_headers([signing_key(secret)], "evt_1", 1_700_000_000, body).strip().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    with pytest.raises(stripe.SignatureVerificationError, match="tolerance"):
        stripe.Webhook.construct_event(body, headers["stripe-signature"], secret)
    with pytest.raises(WebhookVerificationError, match="too old"):
        Webhook(secret).verify(body, headers)


def test_after_a_rotation_both_secrets_are_served_for_a_while(database: Database) -> None:
    async def scenario(world: World) -> None:
        async with receiving() as receiver, world.working():
            endpoint = await world.listen(receiver.url)
            assert await signatures_become(world, receiver, endpoint.secret, 1)
            call = world.call(webhook_endpoint=endpoint.id)
            rotated = await world.done(await world.webhooks.endpoints.rotate(call, RotationParams(overlap_hours=1)))
            assert rotated.secret != endpoint.secret
            assert rotated.previous_secret_until is not None
            both = await signatures_become(world, receiver, rotated.secret, 2)
            assert verified(both, endpoint.secret).id == verified(both, rotated.secret).id
            ended = await world.done(await world.webhooks.endpoints.rotate(call, RotationParams(overlap_hours=0)))
            assert ended.previous_secret_until is None
            one = await signatures_become(world, receiver, ended.secret, 1)
            with pytest.raises(WebhookVerificationError):
                verified(one, rotated.secret)

    with opened(database) as store:
        asyncio.run(scenario(World(store)))


async def signatures_become(world: World, receiver: Receiver, secret: str, count: int) -> Received:
    """The worker learns of a rotation a moment later; until then, what comes is signed as before."""
    for _ in range(50):
        await world.tell()
        last = (await receiver.until_received(len(receiver.received) + 1))[-1]
        if last.headers["stripe-signature"].count("v1=") == count:
            with suppress(WebhookVerificationError):
                verified(last, secret)
                return last
        await asyncio.sleep(0.05)
    raise AssertionError("the secret was not changed")


def test_the_body_is_the_event_as_the_wire_has_it(database: Database) -> None:
    """Byte by byte: whoever changes this changes what receivers are sent again after an upgrade."""
    with opened(database) as store:
        _, (received, *_) = asyncio.run(sent(World(store)))
    event = json.loads(received.body)
    assert received.body.decode() == (
        f'{{"id":"{event["id"]}","object":"event","account":null,"api_version":"{event["api_version"]}",'
        f'"context":null,"created":{event["created"]},'
        '"data":{"object":{"id":"ch_0","object":"charge","amount":1000}},"livemode":false,"pending_webhooks":1,'
        '"request":{"id":null,"idempotency_key":null},"type":"charge.succeeded"}'
    )
