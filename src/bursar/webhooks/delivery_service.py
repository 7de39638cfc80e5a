"""Looking at deliveries, and sending them again."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from bursar.events.reader import PREFIX as EVENT_PREFIX
from bursar.http.call import Call, Effect
from bursar.http.paging import Page, missing, window
from bursar.kit.clock import Clock, seconds
from bursar.kit.ids import lowest_id_at
from bursar.store.log import Entry
from bursar.store.store import Store
from bursar.store.unit import Unit
from bursar.webhooks import delivery_repository as deliveries
from bursar.webhooks import repository
from bursar.webhooks.bodies import body_of, find_events
from bursar.webhooks.delivery_repository import PENDING, StoredDelivery
from bursar.webhooks.managed import document_of, read_delivery_id, shown_delivery
from bursar.webhooks.replaying import FAR_AWAY, Replayed, Span, of_deliveries, of_the_log
from bursar.webhooks.repository import EndpointKey, StoredEndpoint
from bursar.webhooks.rules import Filter, check_events
from bursar.webhooks.schemas import (
    Attempt,
    DeliveryListParams,
    Replay,
    ReplayParams,
    WebhookDelivery,
    WebhookDeliveryDetails,
)
from bursar.webhooks.service import WebhookService, check_enabled

URL = "/api/v1/webhook-deliveries"


class DeliveryService:
    def __init__(self, store: Store, clock: Clock, endpoints: WebhookService) -> None:
        self._store = store
        self._clock = clock
        self._endpoints = endpoints

    async def page(self, call: Call, params: DeliveryListParams) -> Page[WebhookDelivery]:
        view = window(params)

        def query(connection: Connection) -> list[StoredDelivery]:
            cursor = None
            for param in ("starting_after", "ending_before"):
                given = getattr(params, param)
                if given is not None:
                    found = _find(connection, call, given)
                    if found is None:
                        raise missing("webhook delivery", given, param)
                    cursor = (found.event_id, found.endpoint_id)
            endpoint_ids = repository.ids_of(connection, call.org_id, call.livemode)
            if params.endpoint is not None:
                if params.endpoint not in endpoint_ids:
                    raise missing("webhook endpoint", params.endpoint, "endpoint")
                endpoint_ids = [params.endpoint]
            place = (connection, call.org_id, call.livemode)
            return deliveries.page(*place, endpoint_ids, params.status, view, cursor)

        data, has_more = view.cut(await self._store.read(query))
        return Page(data=[shown_delivery(one) for one in data], has_more=has_more, url=URL)

    async def retrieve(self, call: Call) -> WebhookDeliveryDetails:
        """With the body as it is sent, and every try."""

        def query(connection: Connection) -> WebhookDeliveryDetails:
            delivery, stored = _found(connection, call)
            event = find_events(connection, call.org_id, call.livemode, [delivery.event_id]).get(delivery.event_id)
            body = None
            if event is not None:
                body = body_of(event, stored.endpoint.api_version, delivery.pending_webhooks).decode()
            shown = shown_delivery(delivery)
            return WebhookDeliveryDetails(
                **{name: getattr(shown, name) for name in shown.__struct_fields__},
                attempts=[_attempt(row) for row in deliveries.find_attempts(connection, stored.key, delivery.event_id)],
                request_body=body,
            )

        return await self._store.read(query)

    async def resend(self, call: Call) -> Effect:
        """At once, and with a whole schedule of tries before it."""
        delivery, stored = await self._store.read(lambda connection: _found(connection, call))
        check_enabled(stored)
        now = self._clock.now_microseconds()
        after = delivery._replace(status=PENDING, next_at=now, tries_before=delivery.tries, finished_at=None)
        entry = Entry(
            call.org_id,
            call.livemode,
            "bursar.webhook_delivery.resent",
            delivery.event_id,
            document_of(stored),
            origin=call.origin(),
        )
        changes = [deliveries.sending_again(stored.key, delivery.event_id, now), repository.waking(stored.key)]
        return Effect(shown_delivery(after), Unit(changes, [entry]))

    async def replay(self, call: Call, params: ReplayParams) -> Effect:
        """A range of events, in steps that the caller repeats as long as there is more."""
        stored = await self._endpoints.find(call)
        check_enabled(stored)
        types = None if params.types is None else Filter(check_events(params.types))
        after = params.after or ""
        low = max(lowest_id_at(EVENT_PREFIX, params.created.gte), after)
        high = None if params.created.lt is None else lowest_id_at(EVENT_PREFIX, params.created.lt)
        now = self._clock.now_microseconds()

        def query(connection: Connection) -> Replayed:
            span = Span(low, high or FAR_AWAY, types, params.limit)
            if params.status is not None:
                return of_deliveries(connection, stored, params.status, span, now)
            return of_the_log(connection, stored, span, now)

        done = await self._store.read(query)
        answer = Replay(
            endpoint=stored.key.id,
            has_more=done.has_more,
            next=done.last if done.has_more else None,
            replayed=done.replayed,
        )
        if not done.changes:
            return Effect(answer, Unit())
        entry = Entry(
            call.org_id,
            call.livemode,
            "bursar.webhook_endpoint.replayed",
            stored.key.id,
            document_of(stored),
            origin=call.origin(),
        )
        return Effect(answer, Unit([*done.changes, repository.waking(stored.key)], [entry]))


def _find(connection: Connection, call: Call, delivery_id: str) -> StoredDelivery | None:
    named = read_delivery_id(delivery_id)
    if named is None:
        return None
    endpoint_id, event_id = named
    return deliveries.find(connection, EndpointKey(call.org_id, call.livemode, endpoint_id), event_id)


def _found(connection: Connection, call: Call) -> tuple[StoredDelivery, StoredEndpoint]:
    delivery_id = call.path["webhook_delivery"]
    delivery = _find(connection, call, delivery_id)
    stored = None if delivery is None else repository.find(connection, delivery.endpoint)
    if delivery is None or stored is None:
        raise missing("webhook delivery", delivery_id)
    return delivery, stored


def _attempt(row: Any) -> Attempt:
    return Attempt(
        number=row.number,
        started=seconds(row.started),
        latency_milliseconds=row.latency_milliseconds,
        status_code=row.status_code,
        error=row.error,
        answer=row.answer,
    )
