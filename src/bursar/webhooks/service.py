"""What can be done with webhook endpoints, by programs on `/v1` and by people on `/api/v1`."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import Connection

from bursar.http.call import Call, Effect
from bursar.http.paging import Page, missing, window
from bursar.http.params import ListParams, changed_metadata
from bursar.kit.clock import MICROSECONDS_PER_SECOND, Clock, seconds
from bursar.kit.errors import InvalidRequest
from bursar.kit.ids import IdFactory
from bursar.store.log import Entry, differences
from bursar.store.store import Store
from bursar.store.unit import Change, Unit
from bursar.webhooks import repository
from bursar.webhooks.addresses import AddressRefused, read_url
from bursar.webhooks.managed import document_of, managed
from bursar.webhooks.repository import DELETED, DISABLED, ENABLED, EndpointKey, StoredEndpoint
from bursar.webhooks.rules import DISABLED as DISABLED_EVENT
from bursar.webhooks.rules import TESTED, check_events
from bursar.webhooks.schemas import (
    DeletedWebhookEndpoint,
    ManagedWebhookEndpoint,
    RotationParams,
    WebhookEndpoint,
    WebhookEndpointChangeParams,
    WebhookEndpointParams,
)
from bursar.webhooks.secrets import EndpointSecrets
from bursar.webhooks.signing import new_secret

URL = "/v1/webhook_endpoints"
CONTROL_URL = "/api/v1/webhook-endpoints"
# In each mode of an organisation. Each event may go to all of them.
ENDPOINTS_MAX = 50
SECONDS_OF_AN_HOUR = 3_600


class WebhookService:
    def __init__(
        self, store: Store, ids: IdFactory, clock: Clock, secrets: EndpointSecrets, *, allow_loopback: bool = False
    ) -> None:
        self._store = store
        self._ids = ids
        self._clock = clock
        self.secrets = secrets
        self._allow_loopback = allow_loopback

    # On `/v1`.

    async def create(self, call: Call, params: WebhookEndpointParams) -> Effect:
        stored, secret, unit = await self._made(call, params)
        return self._telling(msgspec.structs.replace(stored.endpoint, secret=secret), unit, stored)

    async def retrieve(self, call: Call) -> WebhookEndpoint:
        return (await self.find(call)).endpoint

    async def page(self, call: Call, params: ListParams) -> Page[WebhookEndpoint]:
        found, has_more = await self._page(call, params)
        return Page(data=[stored.endpoint for stored in found], has_more=has_more, url=URL)

    async def update(self, call: Call, params: WebhookEndpointChangeParams) -> Effect:
        after, unit = await self._updated(call, params)
        return Effect(after.endpoint, unit)

    async def delete(self, call: Call) -> Effect:
        before = await self.find(call)
        after = before._replace(status=DELETED, disabled_at=self._clock.now_microseconds())
        entry = self._entry(call, "bursar.webhook_endpoint.deleted", before)
        return Effect(DeletedWebhookEndpoint(id=before.key.id), Unit([repository.change(before, after)], [entry]))

    # On `/api/v1`.

    async def create_managed(self, call: Call, params: WebhookEndpointParams) -> Effect:
        stored, secret, unit = await self._made(call, params)
        return self._telling(managed(stored, secret), unit, stored)

    async def retrieve_managed(self, call: Call) -> ManagedWebhookEndpoint:
        return managed(await self.find(call))

    async def page_managed(self, call: Call, params: ListParams) -> Page[ManagedWebhookEndpoint]:
        found, has_more = await self._page(call, params)
        return Page(data=[managed(stored) for stored in found], has_more=has_more, url=CONTROL_URL)

    async def update_managed(self, call: Call, params: WebhookEndpointChangeParams) -> Effect:
        after, unit = await self._updated(call, params)
        return Effect(managed(after), unit)

    async def rotate(self, call: Call, params: RotationParams) -> Effect:
        """A new secret; the one before it signs beside it for a while."""
        before = await self.find(call)
        secret = new_secret()
        now = self._clock.now_microseconds()
        overlap = params.overlap_hours * SECONDS_OF_AN_HOUR * MICROSECONDS_PER_SECOND
        after = before._replace(
            secret_sealed=self.secrets.seal(secret, *before.key),
            previous_secret_sealed=before.secret_sealed if overlap else None,
            previous_secret_until=now + overlap if overlap else None,
        )
        unit = self._changed(call, "bursar.webhook_endpoint.secret_rotated", before, after)
        return self._telling(managed(after, secret), unit, after)

    async def pause(self, call: Call) -> Effect:
        """What happens meanwhile waits, and is sent afterwards."""
        return await self._paused(call, is_paused=True)

    async def resume(self, call: Call) -> Effect:
        return await self._paused(call, is_paused=False)

    async def test(self, call: Call) -> Effect:
        """An event of the log like any other, for this endpoint alone."""
        stored = await self.find(call)
        check_enabled(stored)
        return Effect(managed(stored), Unit([repository.waking(stored.key)], [self._entry(call, TESTED, stored)]))

    # For both.

    async def find(self, call: Call) -> StoredEndpoint:
        key = EndpointKey(call.org_id, call.livemode, call.path["webhook_endpoint"])
        found = await self._store.read(lambda connection: repository.find(connection, key))
        if found is None:
            raise missing("webhook endpoint", key.id)
        return found

    async def _made(self, call: Call, params: WebhookEndpointParams) -> tuple[StoredEndpoint, str, Unit]:
        self._check_url(call, params.url)
        events = check_events(params.enabled_events)

        def query(connection: Connection) -> tuple[int, dict[str, str]]:
            ends = repository.ends_of_log(connection, call.org_id, call.livemode)
            return repository.count(connection, call.org_id, call.livemode), ends

        count, ends = await self._store.read(query)
        if count >= ENDPOINTS_MAX:
            raise InvalidRequest(
                f"There are {ENDPOINTS_MAX} webhook endpoints already, which is all that there can be; delete one.",
                code="webhook_endpoints_max",
            )
        endpoint_id, now = self._ids.new_with_time(repository.PREFIX)
        key = EndpointKey(call.org_id, call.livemode, endpoint_id)
        secret = new_secret()
        stored = StoredEndpoint(
            key=key,
            version=1,
            status=ENABLED,
            is_paused=False,
            wakes=0,
            failing_since=None,
            disabled_reason=None,
            disabled_at=None,
            secret_sealed=self.secrets.seal(secret, *key),
            previous_secret_sealed=None,
            previous_secret_until=None,
            begins_behind=ends,
            endpoint=WebhookEndpoint(
                id=endpoint_id,
                api_version=params.api_version,
                created=seconds(now),
                description=params.description or None,
                enabled_events=events,
                livemode=bool(call.livemode),
                metadata=changed_metadata({}, params.metadata),
                url=params.url,
            ),
        )
        entry = self._entry(call, "bursar.webhook_endpoint.created", stored)
        return stored, secret, Unit([repository.insertion(stored)], [entry])

    def _telling(self, answer: msgspec.Struct, unit: Unit, stored: StoredEndpoint) -> Effect:
        """The one answer that shows the secret, and its retries: what is kept for those is sealed."""
        return Effect(answer, unit, kept=self.secrets.kept(answer, stored.secret_sealed))

    async def _updated(self, call: Call, params: WebhookEndpointChangeParams) -> tuple[StoredEndpoint, Unit]:
        before = await self.find(call)
        endpoint = msgspec.structs.replace(before.endpoint)
        if not isinstance(params.url, UnsetType):
            self._check_url(call, params.url)
            endpoint.url = params.url
        if not isinstance(params.enabled_events, UnsetType):
            endpoint.enabled_events = check_events(params.enabled_events)
        if params.description is not UNSET:
            endpoint.description = params.description or None
        endpoint.metadata = changed_metadata(endpoint.metadata, params.metadata)
        after = before._replace(endpoint=endpoint)
        event_type = "bursar.webhook_endpoint.updated"
        if params.disabled is True and before.status == ENABLED:
            event_type = DISABLED_EVENT
            endpoint.status = "disabled"
            now = self._clock.now_microseconds()
            after = after._replace(status=DISABLED, disabled_reason="requested", disabled_at=now)
        elif params.disabled is False and before.status == DISABLED:
            endpoint.status = "enabled"
            after = await self._enabled(call, after)
        return after, self._changed(call, event_type, before, after)

    async def _enabled(self, call: Call, stored: StoredEndpoint) -> StoredEndpoint:
        """It hears what happens from now on; what it missed can be replayed."""
        ends = await self._store.read(lambda connection: repository.ends_of_log(connection, call.org_id, call.livemode))
        return stored._replace(
            status=ENABLED, disabled_reason=None, disabled_at=None, failing_since=None, begins_behind=ends
        )

    async def _paused(self, call: Call, *, is_paused: bool) -> Effect:
        before = await self.find(call)
        after = before._replace(is_paused=is_paused)
        event_type = "bursar.webhook_endpoint.paused" if is_paused else "bursar.webhook_endpoint.resumed"
        return Effect(managed(after), self._changed(call, event_type, before, after))

    async def _page(self, call: Call, params: ListParams) -> tuple[list[StoredEndpoint], bool]:
        view = window(params)

        def query(connection: Connection) -> list[StoredEndpoint]:
            for param in ("starting_after", "ending_before"):
                cursor = getattr(params, param)
                if cursor is not None:
                    key = EndpointKey(call.org_id, call.livemode, cursor)
                    if repository.find(connection, key) is None:
                        raise missing("webhook endpoint", cursor, param)
            return repository.page(connection, call.org_id, call.livemode, view)

        return view.cut(await self._store.read(query))

    def _changed(self, call: Call, event_type: str, before: StoredEndpoint, after: StoredEndpoint) -> Unit:
        if after == before:
            return Unit()
        entry = self._entry(call, event_type, after)
        entry.previous_attributes = differences(document_of(before), entry.document)
        changes: list[Change] = [repository.change(before, after)]
        return Unit(changes, [entry])

    def _check_url(self, call: Call, url: str) -> None:
        try:
            read_url(
                url,
                needs_tls=bool(call.livemode) and not self._allow_loopback,
                allow_loopback=self._allow_loopback,
            )
        except AddressRefused as problem:
            raise InvalidRequest(
                f"No webhook can be sent to this URL: {problem}.", param="url", code="url_invalid"
            ) from None

    def _entry(self, call: Call, event_type: str, stored: StoredEndpoint) -> Entry:
        return Entry(call.org_id, call.livemode, event_type, stored.key.id, document_of(stored), origin=call.origin())


def check_enabled(stored: StoredEndpoint) -> None:
    if stored.status != ENABLED:
        raise InvalidRequest(
            "The webhook endpoint is disabled, so nothing is sent to it; enable it with disabled=false.",
            code="webhook_endpoint_disabled",
        )
