"""Streams of an organisation: set up, changed, paused, removed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import UNSET
from sqlalchemy import Connection

from bursar.events.reader import LogReader, read_heads
from bursar.http.call import Call, Effect
from bursar.http.endpoint import encode
from bursar.http.paging import Page, missing, window
from bursar.http.params import ListParams
from bursar.kit.clock import Clock, seconds
from bursar.kit.errors import InvalidRequest
from bursar.kit.ids import IdFactory, created_microseconds
from bursar.kit.sealing import SealBroken
from bursar.store.columns import INSTALLATION
from bursar.store.log import Entry, differences
from bursar.store.store import Store
from bursar.store.unit import Unit
from bursar.streams import repository, rules
from bursar.streams.credentials import StreamCredentials
from bursar.streams.port import Sink
from bursar.streams.repository import StoredStream, StreamKey, StreamState
from bursar.streams.schemas import (
    DeletedStream,
    InstallationStream,
    InstallationStreamState,
    Stream,
    StreamChangeParams,
    StreamDocument,
    StreamParams,
)

URL = "/api/v1/streams"
INSTALLATION_URL = "/api/v1/platform/streams"
STREAMS_MAX = 20  # of an organisation and mode: each one has a connection
# Without credentials these would take the server's own rights, which are the installation's.
OWN_CREDENTIALS = frozenset({"sqs", "sns", "google_pubsub"})
NOT_OF_THE_DOCUMENT = frozenset({"expand", "credentials", "paused"})


class StreamService:
    def __init__(
        self,
        store: Store,
        ids: IdFactory,
        clock: Clock,
        credentials: StreamCredentials,
        installation_streams: Sequence[InstallationStream] = (),
    ) -> None:
        self._store = store
        self._ids = ids
        self._clock = clock
        self._credentials = credentials
        self._installation_streams = installation_streams

    async def create(self, call: Call, params: StreamParams) -> Effect:
        document = StreamDocument(
            **{name: getattr(params, name) for name in StreamDocument.__struct_fields__ if name != "events"},
            events=rules.check_events(params.events),
        )
        given = params.credentials or {}
        _check(document.sink(given))
        known = await self._store.read(lambda connection: repository.count(connection, call.org_id, call.livemode))
        if known >= STREAMS_MAX:
            raise InvalidRequest(f"There can be {STREAMS_MAX} streams; delete one that is not used any more.")
        stream_id, now = self._ids.new_with_time(repository.PREFIX)
        key = StreamKey(call.org_id, call.livemode, stream_id)
        sealed = self._credentials.seal(given, key) if given else None
        stored = StoredStream(key, 1, False, sealed, document, repository.new_state(now))
        changes = repository.insertion(stored)
        if params.begin == "now":
            reader = await self._at_the_end(key)
            changes += reader.advanced()
        view = _view(stored)
        return Effect(view, Unit(changes, [_entry(call, "created", stored)]))

    async def change(self, call: Call, params: StreamChangeParams) -> Effect:
        before = await self._find(call)
        changes: dict[str, Any] = {
            name: value
            for name in params.__struct_fields__
            if name not in NOT_OF_THE_DOCUMENT and (value := getattr(params, name)) is not UNSET
        }
        if "events" in changes:
            changes["events"] = rules.check_events(changes["events"])
        document = msgspec.structs.replace(before.document, **changes)
        given, sealed = self._credentials_after(before, params)
        moved = any(name in changes for name in ("address", "endpoint", "region", "tls"))
        if moved and before.credentials_sealed and params.credentials is UNSET:
            # Or whoever may change a stream could have what they must not see sent to a server of their own.
            raise InvalidRequest("Send the credentials again with an address that differs.", param="credentials")
        _check(document.sink(given))
        after = before._replace(
            version=before.version + 1,
            document=document,
            credentials_sealed=sealed,
            is_paused=before.is_paused if params.paused is UNSET else bool(params.paused),
        )
        entry = _entry(call, "updated", after)
        entry.previous_attributes = differences(_told(before), entry.document)
        return Effect(_view(after), Unit([repository.change(before, after)], [entry]))

    async def delete(self, call: Call) -> Effect:
        stored = await self._find(call)
        return Effect(
            DeletedStream(id=stored.key.id), Unit(repository.deletion(stored), [_entry(call, "deleted", stored)])
        )

    async def retrieve(self, call: Call) -> Stream:
        return _view(await self._find(call))

    async def page(self, call: Call, params: ListParams) -> Page[Stream]:
        wanted = window(params)

        def query(connection: Connection) -> list[StoredStream]:
            for param in ("starting_after", "ending_before"):
                cursor = getattr(params, param)
                if cursor is not None and _found(connection, call, cursor) is None:
                    raise missing("stream", cursor, param)
            return repository.page(connection, call.org_id, call.livemode, wanted)

        data, has_more = wanted.cut(await self._store.read(query))
        return Page(data=[_view(stored) for stored in data], has_more=has_more, url=URL)

    async def of_installation(self) -> Page[InstallationStreamState]:
        """All of them, as there are few."""
        keys = [StreamKey(INSTALLATION, 0, stream.name) for stream in self._installation_streams]
        known = await self._store.read(lambda connection: [repository.find_state(connection, key) for key in keys])
        data = [
            InstallationStreamState(
                id=stream.name,
                kind=stream.kind,
                destination=stream.destination,
                events=stream.events,
                **_told_state(state or repository.new_state(0)),
                state_since=None if state is None else seconds(state.since),
            )
            for stream, state in zip(self._installation_streams, known, strict=True)
        ]
        return Page(data=data, has_more=False, url=INSTALLATION_URL)

    def _credentials_after(self, before: StoredStream, params: StreamChangeParams) -> tuple[dict[str, str], str | None]:
        """As they are, and as they are stored."""
        if params.credentials is UNSET:
            sealed = before.credentials_sealed
            try:
                return self._credentials.unseal(sealed, before.key) if sealed else {}, sealed
            except SealBroken:
                raise InvalidRequest(
                    "The stored credentials cannot be opened any more: send them anew.", param="credentials"
                ) from None
        given = dict(params.credentials) if isinstance(params.credentials, dict) else {}
        return given, self._credentials.seal(given, before.key) if given else None

    async def _at_the_end(self, key: StreamKey) -> LogReader:
        """Where it begins is read before it is committed, so that whatever happens behind that is for it."""
        reader = LogReader(key.reader, self._clock)
        heads = await self._store.read(lambda connection: read_heads(connection, [key.org_id]))
        reader.begin_at({chain: head for chain, head in heads.items() if chain.livemode == key.livemode})
        return reader

    async def _find(self, call: Call) -> StoredStream:
        stream_id = call.path["stream"]
        stored = await self._store.read(lambda connection: _found(connection, call, stream_id))
        if stored is None:
            raise missing("stream", stream_id)
        return stored


def _found(connection: Connection, call: Call, stream_id: str) -> StoredStream | None:
    return repository.find(connection, StreamKey(call.org_id, call.livemode, stream_id))


def _check(sink: Sink) -> None:
    rules.check_sink(sink)
    if sink.kind in OWN_CREDENTIALS and not sink.credentials and not rules.is_emulator(sink):
        raise InvalidRequest(f"A stream to {sink.kind} needs credentials.", param="credentials")


def _entry(call: Call, what: str, stored: StoredStream) -> Entry:
    return Entry(call.org_id, call.livemode, f"bursar.stream.{what}", stored.key.id, _told(stored), None, call.origin())


def _told(stored: StoredStream) -> bytes:
    """For the log: how it is doing is no part of what was changed."""
    quiet = stored._replace(state=repository.new_state(seconds(0)))
    return encode(_view(quiet))


def _view(stored: StoredStream) -> Stream:
    document, state = stored.document, stored.state
    return Stream(
        **{name: getattr(document, name) for name in StreamDocument.__struct_fields__},
        id=stored.key.id,
        has_credentials=stored.credentials_sealed is not None,
        livemode=bool(stored.key.livemode),
        created=seconds(created_microseconds(stored.key.id)),
        state_since=seconds(state.since),
        **_told_state(state) | ({"state": "paused"} if stored.is_paused else {}),
    )


def _told_state(state: StreamState) -> dict[str, Any]:
    return {
        "state": state.state,
        "state_reason": state.reason,
        "state_detail": state.detail,
        "next_try": None if state.retry_at is None else seconds(state.retry_at),
        "published": state.published,
        "referenced": state.referenced,
        "last_event": state.last_event_id,
        "last_published": None if state.last_published_at is None else seconds(state.last_published_at),
    }
