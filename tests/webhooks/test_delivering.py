"""From the log to receivers: what is sent again, what is given up, and what everybody can see of it."""

from __future__ import annotations

import asyncio
import json
import logging

import pytest
from sqlalchemy import select

from bursar.events.tables import events
from bursar.kit.clock import MICROSECONDS_PER_SECOND
from bursar.kit.errors import InvalidRequest
from bursar.webhooks.schemas import DeliveryListParams, ReplayParams, ReplayRange
from bursar.webhooks.tables import webhook_endpoints
from tests.databases import Database, on
from tests.webhooks.receivers import OK, answering, hanging, receiving, resetting, status
from tests.webhooks.world import World, hasty, opened

both = pytest.mark.parametrize("database", on("sqlite", "postgresql"), indirect=True)
sqlite_only = pytest.mark.parametrize("database", on("sqlite"), indirect=True)


@both
def test_what_failed_is_sent_again_with_the_same_id_and_bytes(database: Database) -> None:
    async def scenario(world: World) -> None:
        async with receiving(answering(status(500, body="oh no"), status(302), OK)) as receiver, world.working():
            await world.listen(receiver.url)
            await world.tell()
            rows = await world.until_none_pending()
            assert [(row.status, row.tries, row.last_status_code) for row in rows] == [("delivered", 3, 200)]
            assert len({(one.event_id, one.body) for one in receiver.received}) == 1
            assert len({one.headers["bursar-sequence"] for one in receiver.received}) == 1
            attempts = [(row.number, row.status_code, row.error, row.answer) for row in await world.attempts()]
            assert attempts == [(1, 500, "status", "oh no"), (2, 302, "redirect", None), (3, 200, None, "ok")]

    with opened(database) as store:
        asyncio.run(scenario(World(store)))


@both
def test_what_never_arrives_is_dead_and_can_be_seen_and_sent_again(database: Database) -> None:
    async def scenario(world: World) -> None:
        answers = answering(*[status(500)] * world.pace.tries_max, OK)
        async with receiving(answers) as receiver, world.working():
            endpoint = await world.listen(receiver.url)
            await world.tell()
            (row,) = await world.until_none_pending()
            assert (row.status, row.tries, row.last_error) == ("dead", world.pace.tries_max, "status")
            dead = await world.webhooks.deliveries.page(world.call(), DeliveryListParams(status="dead"))
            (shown,) = dead.data
            assert (shown.endpoint, shown.event) == (endpoint.id, row.event_id)
            call = world.call(webhook_delivery=shown.id)
            resent = await world.done(await world.webhooks.deliveries.resend(call))
            assert resent.status == "pending"
            await receiver.until_received(world.pace.tries_max + 1)
            await world.until_none_pending()
            details = await world.webhooks.deliveries.retrieve(call)
            assert details.status == "delivered"
            assert [attempt.status_code for attempt in details.attempts] == [500] * world.pace.tries_max + [200]
            assert {one.body.decode() for one in receiver.received} == {details.request_body}

    with opened(database) as store:
        asyncio.run(scenario(World(store)))


@sqlite_only
def test_gone_disables_the_endpoint_and_tells(database: Database) -> None:
    async def scenario(world: World) -> None:
        async with receiving(answering(status(410))) as receiver, receiving() as other, world.working():
            endpoint = await world.listen(receiver.url)
            # Whoever listens for it is told by another endpoint.
            await world.listen(other.url, "bursar.webhook_endpoint.disabled")
            await world.tell(5)
            told = await other.until_received(1)
            assert json.loads(told[0].body)["data"]["object"]["disabled_reason"] == "gone"
            rows = await world.until_none_pending()
            mine = [row for row in rows if row.endpoint_id == endpoint.id]
            assert {row.status for row in mine} == {"dead"}
            assert len(mine) == 5
            assert len(receiver.received) == 1
            call = world.call(webhook_endpoint=endpoint.id)
            shown = await world.webhooks.endpoints.retrieve_managed(call)
            assert (shown.status, shown.disabled_reason) == ("disabled", "gone")
            with pytest.raises(InvalidRequest, match="disabled"):
                await world.webhooks.endpoints.test(call)
            await world.tell(3)
            await asyncio.sleep(0.5)
            assert len(receiver.received) == 1

    with opened(database) as store:
        asyncio.run(scenario(World(store)))


@sqlite_only
def test_an_endpoint_that_has_failed_for_days_is_disabled_and_what_waits_can_be_replayed(database: Database) -> None:
    async def scenario(world: World) -> None:
        pace = hasty(waits_seconds=(0.05,) * 1_000, disabled_after_seconds=1.0)
        answers = [status(503)]

        async def behave(received: object, writer: asyncio.StreamWriter) -> bool:
            writer.write(answers[0])
            return True

        async with receiving(behave) as receiver, world.working(pace):
            endpoint = await world.listen(receiver.url)
            await world.tell(4)
            rows = await world.until_none_pending()
            assert [row.status for row in rows] == ["dead"] * 4
            stored = await world.endpoint_row(endpoint)
            assert (stored.status, stored.disabled_reason) == ("disabled", "failing")
            types = await world.store.read(
                lambda connection: list(connection.execute(select(events.c.event_type)).scalars())
            )
            assert types.count("bursar.webhook_endpoint.disabled") == 1
            answers[0] = OK
            await world.change(endpoint, disabled=False)
            receiver.received.clear()
            wish = ReplayParams(created=ReplayRange(gte=0), status="dead", limit=3)
            call = world.call(webhook_endpoint=endpoint.id)
            first = await world.done(await world.webhooks.deliveries.replay(call, wish))
            assert (first.replayed, first.has_more) == (3, True)
            wish.after = first.next
            rest = await world.done(await world.webhooks.deliveries.replay(call, wish))
            assert (rest.replayed, rest.has_more) == (1, False)
            await receiver.until_received(4)
            assert {row.status for row in await world.until_none_pending()} == {"delivered"}
            assert (await world.endpoint_row(endpoint)).failing_since is None

    with opened(database) as store:
        asyncio.run(scenario(World(store)))


@sqlite_only
def test_retry_after_is_honoured_for_the_whole_receiver(database: Database) -> None:
    async def scenario(world: World) -> None:
        answers = answering(status(429, "Retry-After: 1"), OK)
        async with receiving(answers) as receiver, world.working():
            await world.listen(receiver.url)
            await world.tell(6)
            received = await receiver.until_received(7)
            assert received[1].at - received[0].at >= 0.9
            assert {row.status for row in await world.until_none_pending()} == {"delivered"}

    with opened(database) as store:
        asyncio.run(scenario(World(store)))


@sqlite_only
def test_only_what_is_listened_to_is_sent_and_only_from_then_on(database: Database) -> None:
    async def scenario(world: World) -> None:
        async with receiving() as some, receiving() as everything, receiving() as live, world.working():
            await world.tell(3)
            await world.listen(some.url, "customer.*", "refund.created")
            await world.listen(everything.url, "*")
            await world.listen(live.url, livemode=1)
            for event_type in ("charge.succeeded", "customer.created", "refund.created", "bursar.user.created"):
                await world.tell(1, event_type)
            await world.tell(1, "charge.failed", livemode=1)
            await world.tell(1, "charge.failed", org_id="acct_another")
            await everything.until_received(3)
            await some.until_received(2)
            await live.until_received(1)
            await world.until_none_pending()
            await asyncio.sleep(0.3)
            types = [[json.loads(one.body)["type"] for one in each.received] for each in (some, everything, live)]
            assert sorted(types[0]) == ["customer.created", "refund.created"]
            assert sorted(types[1]) == ["charge.succeeded", "customer.created", "refund.created"]
            assert types[2] == ["charge.failed"]
            # Numbers rise with the log, and each event has one number for all.
            numbers = {one.event_id: int(one.headers["bursar-sequence"]) for one in everything.received}
            assert [numbers[event_id] for event_id in sorted(numbers)] == [1, 2, 3]
            assert all(numbers[one.event_id] == int(one.headers["bursar-sequence"]) for one in some.received)
            assert {json.loads(one.body)["pending_webhooks"] for one in some.received} == {2}

    with opened(database) as store:
        asyncio.run(scenario(World(store)))


@sqlite_only
def test_a_second_endpoint_hears_nothing_of_before_however_late_the_worker_is(database: Database) -> None:
    async def scenario(world: World) -> None:
        async with receiving() as first, receiving() as second:
            await world.listen(first.url)
            await world.tell(3)
            await world.listen(second.url)
            await world.tell(2)
            async with world.working():
                await first.until_received(5)
                await second.until_received(2)
                await world.until_none_pending()
            assert (len(first.received), len(second.received)) == (5, 2)

    with opened(database) as store:
        asyncio.run(scenario(World(store)))


@sqlite_only
def test_a_paused_endpoint_gets_everything_when_it_goes_on(database: Database) -> None:
    async def scenario(world: World) -> None:
        async with receiving() as receiver, world.working():
            endpoint = await world.listen(receiver.url)
            call = world.call(webhook_endpoint=endpoint.id)
            await world.done(await world.webhooks.endpoints.pause(call))
            await world.tell(5)
            await receiver.until(lambda: True)
            await asyncio.sleep(1.2)
            assert receiver.received == []
            await world.done(await world.webhooks.endpoints.resume(call))
            await receiver.until_received(5)

    with opened(database) as store:
        asyncio.run(scenario(World(store)))


@sqlite_only
def test_events_of_before_can_be_replayed_to_a_new_endpoint(database: Database) -> None:
    async def scenario(world: World) -> None:
        await world.tell(7)
        await world.tell(2, "refund.created")
        async with receiving() as receiver, world.working():
            endpoint = await world.listen(receiver.url, "charge.*")
            call = world.call(webhook_endpoint=endpoint.id)
            wish = ReplayParams(created=ReplayRange(gte=0), limit=100)
            done = await world.done(await world.webhooks.deliveries.replay(call, wish))
            assert (done.replayed, done.has_more) == (7, False)
            received = await receiver.until_received(7)
            assert all("bursar-sequence" not in one.headers for one in received)
            assert [json.loads(one.body)["data"]["object"]["id"] for one in received] == [f"ch_{n}" for n in range(7)]
            # Asked for twice, sent twice, and still one delivery.
            await world.until_none_pending()
            await world.done(await world.webhooks.deliveries.replay(call, wish))
            await receiver.until_received(14)
            assert len(await world.until_none_pending()) == 7
            nothing = ReplayParams(created=ReplayRange(gte=0, lt=1_000))
            assert (await world.done(await world.webhooks.deliveries.replay(call, nothing))).replayed == 0

    with opened(database) as store:
        asyncio.run(scenario(World(store)))


@sqlite_only
def test_what_somebody_has_asked_for_before_it_was_taken_in_holds_nothing_up(database: Database) -> None:
    """The replay makes the delivery first; the worker finds it there, and goes on."""

    async def scenario(world: World) -> None:
        async with receiving() as receiver:
            endpoint = await world.listen(receiver.url)
            await world.tell(3)
            call = world.call(webhook_endpoint=endpoint.id)
            wish = ReplayParams(created=ReplayRange(gte=0), limit=2)
            await world.done(await world.webhooks.deliveries.replay(call, wish))
            async with world.working():
                await receiver.until(lambda: len({one.event_id for one in receiver.received}) == 3)
                await world.tell(1)
                await receiver.until(lambda: len({one.event_id for one in receiver.received}) == 4)
            assert len(await world.rows()) == 4

    with opened(database) as store:
        asyncio.run(scenario(World(store)))


@sqlite_only
def test_a_test_event_goes_to_its_endpoint_alone(database: Database) -> None:
    async def scenario(world: World) -> None:
        async with receiving() as receiver, receiving() as other, world.working():
            endpoint = await world.listen(receiver.url, "refund.created")
            await world.listen(other.url, "*", "bursar.webhook_endpoint.*")
            await world.done(await world.webhooks.endpoints.test(world.call(webhook_endpoint=endpoint.id)))
            (received,) = await receiver.until_received(1)
            event = json.loads(received.body)
            assert event["type"] == "bursar.webhook_endpoint.tested"
            assert event["data"]["object"]["id"] == endpoint.id
            assert "whsec_" not in received.body.decode()
            await asyncio.sleep(0.3)
            assert "bursar.webhook_endpoint.tested" not in [json.loads(one.body)["type"] for one in other.received]

    with opened(database) as store:
        asyncio.run(scenario(World(store)))


@sqlite_only
def test_the_endpoints_api_version_is_echoed(database: Database) -> None:
    async def scenario(world: World) -> None:
        async with receiving() as receiver, world.working():
            await world.listen(receiver.url, api_version="2025-03-31.basil")
            await world.tell()
            (received,) = await receiver.until_received(1)
            assert json.loads(received.body)["api_version"] == "2025-03-31.basil"

    with opened(database) as store:
        asyncio.run(scenario(World(store)))


@sqlite_only
def test_a_changed_url_is_called_from_the_next_try_on(database: Database) -> None:
    async def scenario(world: World) -> None:
        pace = hasty(waits_seconds=(0.5,) * 20)
        async with receiving(resetting) as wrong, receiving() as right, world.working(pace):
            endpoint = await world.listen(wrong.url)
            await world.tell()
            await wrong.until_received(1)
            await world.change(endpoint, url=right.url)
            (received,) = await right.until_received(1)
            assert received.event_id == wrong.received[0].event_id

    with opened(database) as store:
        asyncio.run(scenario(World(store)))


@sqlite_only
def test_a_deleted_endpoint_takes_its_deliveries_with_it(database: Database) -> None:
    async def scenario(world: World) -> None:
        async with receiving(hanging) as receiver, world.working(hasty(total_seconds_max=1.0)):
            endpoint = await world.listen(receiver.url)
            await world.tell(10)
            await receiver.until_received(1)
            await world.done(await world.webhooks.endpoints.delete(world.call(webhook_endpoint=endpoint.id)))
            async with asyncio.timeout(10):
                while await world.rows() or await world.endpoint_row(endpoint):  # noqa: ASYNC110 - another's doing
                    await asyncio.sleep(0.05)

    with opened(database) as store:
        asyncio.run(scenario(World(store)))


@sqlite_only
def test_a_secret_that_cannot_be_opened_stops_its_endpoint_alone(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario(world: World) -> None:
        async with receiving() as broken, receiving() as whole:
            endpoint = await world.listen(broken.url)
            await world.listen(whole.url)
            spoil = webhook_endpoints.update().where(webhook_endpoints.c.id == endpoint.id).values(secret_sealed="AAAA")

            def work(connection):  # type: ignore[no-untyped-def]
                from bursar.store.unit import Unit

                connection.execute(spoil)
                return None, Unit()

            await world.store.transact(work)
            await world.tell(2)
            async with world.working():
                await whole.until_received(2)
                await asyncio.sleep(0.2)
            assert broken.received == []
            assert {row.status for row in await world.rows() if row.endpoint_id == endpoint.id} == {"pending"}

    with opened(database) as store, caplog.at_level(logging.ERROR):
        asyncio.run(scenario(World(store)))
    assert "cannot be opened" in caplog.text


@sqlite_only
def test_what_a_receiver_says_is_kept_without_what_nobody_may_keep(database: Database) -> None:
    async def scenario(world: World) -> None:
        said = "whsec_abcdefghijklmnop 4242 4242 4242 4242 \0 end"
        async with receiving(answering(status(200, body=said))) as receiver, world.working():
            await world.listen(receiver.url)
            await world.tell()
            await world.until_none_pending()
            (attempt,) = await world.attempts()
            assert "4242" not in attempt.answer
            assert "whsec_a" not in attempt.answer
            assert attempt.answer.endswith("end")

    with opened(database) as store:
        asyncio.run(scenario(World(store)))


@sqlite_only
def test_old_deliveries_make_room(database: Database) -> None:
    from bursar.webhooks import sweeping

    async def scenario(world: World) -> None:
        async with receiving() as receiver, world.working():
            endpoint = await world.listen(receiver.url)
            await world.tell(3)
            await world.until_none_pending()
            (key,) = {(row.org_id, row.livemode, row.endpoint_id) for row in await world.rows()}
        from bursar.webhooks.repository import EndpointKey

        assert await sweeping.delete_old(world.store, world.clock, EndpointKey(*key)) == 0
        later = _Later(world.clock.now_microseconds() + 31 * 86_400 * MICROSECONDS_PER_SECOND)
        assert await sweeping.delete_old(world.store, later, EndpointKey(*key)) == 3
        assert await world.rows() == await world.attempts() == []
        assert endpoint.id == key[2]

    with opened(database) as store:
        asyncio.run(scenario(World(store)))


class _Later:
    def __init__(self, at: int) -> None:
        self._at = at

    def now_microseconds(self) -> int:
        return self._at
