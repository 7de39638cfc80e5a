"""Looking at what banks have sent, and processing it again."""

from __future__ import annotations

import msgspec

from bursar.connectors.contract import BankEvent, WebhookRefused
from bursar.connectors.registry import Registry, UnknownConnector
from bursar.hooks import repository
from bursar.hooks.places import is_about
from bursar.hooks.repository import StoredMessage
from bursar.hooks.schemas import IncomingWebhook, IncomingWebhookDetails, IncomingWebhookListParams
from bursar.hooks.service import with_events
from bursar.hooks.shown import document_of, shown, with_details
from bursar.http.call import Call, Effect
from bursar.http.paging import Page, missing, window
from bursar.kit.clock import Clock, seconds
from bursar.kit.errors import InvalidRequest
from bursar.store.log import Entry
from bursar.store.store import Store
from bursar.store.unit import Unit

URL = "/api/v1/incoming-webhooks"

_read_events = msgspec.json.Decoder(list[BankEvent]).decode
_read_headers = msgspec.json.Decoder(dict[str, str]).decode


class Inbox:
    def __init__(self, store: Store, clock: Clock, registry: Registry) -> None:
        self._store = store
        self._clock = clock
        self._registry = registry

    async def page(self, call: Call, params: IncomingWebhookListParams) -> Page[IncomingWebhook]:
        view = window(params)
        for param in ("starting_after", "ending_before"):
            given = getattr(params, param)
            if given is not None:
                await self._find(call, given, param)
        place = (call.org_id, call.livemode)
        rows = await self._store.read(
            lambda connection: repository.page(connection, *place, view, params.state, params.connector)
        )
        data, has_more = view.cut(rows)
        return Page(data=[shown(message) for message in data], has_more=has_more, url=URL)

    async def retrieve(self, call: Call) -> IncomingWebhookDetails:
        return with_details(await self._find(call, call.path["incoming_webhook"]))

    async def process_again(self, call: Call) -> Effect:
        """At once, by whoever processes messages. What was not verified must hold now, by the time it came at; what was
        contradicted is judged anew.
        """
        before = await self._find(call, call.path["incoming_webhook"])
        if before.state == "received":
            raise InvalidRequest("This message is being processed already.", code="incoming_webhook_in_process")
        now = self._clock.now_microseconds()
        after = before._replace(state="received", next_at=now, tries=0, finished=None)
        if before.state == "unverified":
            after = self._verified(after)
        event_ids = dict.fromkeys(event.event_id for event in _read_events(before.events_document))
        changes = [repository.processing_again(before, after)]
        changes += [repository.forgetting_contradicted(before, event_id) for event_id in event_ids]
        entry = Entry(
            call.org_id,
            call.livemode,
            "bursar.incoming_webhook.requested",
            before.id,
            document_of(after),
            origin=call.origin(),
        )
        return Effect(shown(after), Unit(changes, [entry]))

    def _verified(self, message: StoredMessage) -> StoredMessage:
        if message.body_text is None or message.headers_document is None or not message.is_exact:
            raise _not_verified("its body was not kept as it came")
        try:
            connector = self._registry.connector(message.connector)
            headers = _read_headers(message.headers_document)
            events = connector.read_webhook(headers, message.body_text.encode(), seconds(message.received))
        except (UnknownConnector, WebhookRefused) as problem:
            raise _not_verified(str(problem).rstrip(".")) from None
        if not events or not all(is_about(event, message.account) for event in events):
            raise _not_verified("it is about nothing of this account")
        return with_events(message, events)

    async def _find(self, call: Call, message_id: str, param: str = "id") -> StoredMessage:
        found = await self._store.read(
            lambda connection: repository.find(connection, call.org_id, call.livemode, message_id)
        )
        if found is None:
            raise missing("incoming webhook", message_id, param)
        return found


def _not_verified(why: str) -> InvalidRequest:
    return InvalidRequest(
        f"This message is still not known to be the bank's: {why}. Let the bank send it again.",
        code="signature_invalid",
    )
