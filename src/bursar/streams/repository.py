"""Streams' SQL."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from sqlalchemy import ColumnElement, Connection, bindparam, select

from bursar.events.tables import log_cursors
from bursar.http.endpoint import encode
from bursar.http.paging import Window
from bursar.store.columns import INSTALLATION
from bursar.store.unit import Change, Row
from bursar.streams.schemas import StreamDocument, decode_document
from bursar.streams.tables import stream_states, streams

PREFIX = "strm"
StoredState = Literal["waiting", "running", "retrying", "refused"]
WAITING: StoredState = "waiting"
RUNNING: StoredState = "running"
RETRYING: StoredState = "retrying"
REFUSED: StoredState = "refused"

INSERT = streams.insert()
INSERT_STATE = stream_states.insert()
_SAME = (
    streams.c.org_id == bindparam("o"),
    streams.c.livemode == bindparam("m"),
    streams.c.id == bindparam("i"),
)
_SAME_STATE = (
    stream_states.c.org_id == bindparam("o"),
    stream_states.c.livemode == bindparam("m"),
    stream_states.c.id == bindparam("i"),
)
CHANGE = (
    streams.update()
    .where(*_SAME, streams.c.version == bindparam("expected_version"))
    .values(
        version=bindparam("new_version"),
        is_paused=bindparam("new_is_paused"),
        credentials_sealed=bindparam("new_credentials"),
        document=bindparam("new_document"),
    )
)
DELETE = streams.delete().where(*_SAME, streams.c.version == bindparam("expected_version"))
DELETE_STATE = stream_states.delete().where(*_SAME_STATE)
DELETE_CURSORS = log_cursors.delete().where(
    log_cursors.c.org_id == bindparam("o"),
    log_cursors.c.livemode == bindparam("m"),
    log_cursors.c.reader == bindparam("r"),
)
TELL_STATE = (
    stream_states.update()
    .where(*_SAME_STATE)
    .values(
        state=bindparam("new_state"),
        reason=bindparam("new_reason"),
        detail=bindparam("new_detail"),
        since=bindparam("new_since"),
        retry_at=bindparam("new_retry_at"),
    )
)
TELL_PROGRESS = (
    stream_states.update()
    .where(*_SAME_STATE)
    .values(
        published=stream_states.c.published + bindparam("more_published"),
        referenced=stream_states.c.referenced + bindparam("more_referenced"),
        last_event_id=bindparam("new_last_event"),
        last_published_at=bindparam("new_last_published"),
    )
)
_STATE_COLUMNS = tuple(column for column in stream_states.c if not column.primary_key)
_JOINED = select(streams, *_STATE_COLUMNS).select_from(
    streams.join(
        stream_states,
        (stream_states.c.org_id == streams.c.org_id)
        & (stream_states.c.livemode == streams.c.livemode)
        & (stream_states.c.id == streams.c.id),
    )
)
_FIND = _JOINED.where(*_SAME)
_FIND_STATE = select(stream_states).where(*_SAME_STATE)


class StreamKey(NamedTuple):
    """Of the installation's own streams, the id is the name in the settings."""

    org_id: str
    livemode: int
    id: str

    @property
    def is_installations(self) -> bool:
        return self.org_id == INSTALLATION

    @property
    def reader(self) -> str:
        """The name of its place in the log, and of its lease."""
        return f"stream:installation:{self.id}" if self.is_installations else f"stream:{self.id}"


class StreamState(NamedTuple):
    state: StoredState
    reason: str | None
    detail: str | None
    since: int
    retry_at: int | None
    published: int
    referenced: int
    last_event_id: str | None
    last_published_at: int | None


class StoredStream(NamedTuple):
    """A row."""

    key: StreamKey
    version: int
    is_paused: bool
    credentials_sealed: str | None
    document: StreamDocument
    state: StreamState


def insertion(stored: StoredStream) -> list[Change]:
    row = stored.key._asdict() | {
        "version": stored.version,
        "is_paused": int(stored.is_paused),
        "credentials_sealed": stored.credentials_sealed,
        "document": encode(stored.document).decode(),
    }
    return [Change(INSERT, row), state_insertion(stored.key, stored.state)]


def state_insertion(key: StreamKey, state: StreamState) -> Change:
    return Change(INSERT_STATE, key._asdict() | state._asdict())


def new_state(now: int) -> StreamState:
    return StreamState(WAITING, None, None, now, None, 0, 0, None, None)


def change(before: StoredStream, after: StoredStream) -> Change:
    """Of two changes at once, one is lost."""
    row = _same(before.key) | {
        "expected_version": before.version,
        "new_version": before.version + 1,
        "new_is_paused": int(after.is_paused),
        "new_credentials": after.credentials_sealed,
        "new_document": encode(after.document).decode(),
    }
    return Change(CHANGE, row, rows_expected=1)


def deletion(stored: StoredStream) -> list[Change]:
    same = _same(stored.key)
    return [
        Change(DELETE, same | {"expected_version": stored.version}, rows_expected=1),
        Change(DELETE_STATE, same),
        Change(DELETE_CURSORS, {"o": stored.key.org_id, "m": stored.key.livemode, "r": stored.key.reader}),
    ]


def telling(
    key: StreamKey, state: str, reason: str | None, detail: str | None, since: int, retry_at: int | None
) -> Change:
    """How it is doing. Fails for a stream that was deleted meanwhile."""
    row = _same(key) | {
        "new_state": state,
        "new_reason": reason,
        "new_detail": detail,
        "new_since": since,
        "new_retry_at": retry_at,
    }
    return Change(TELL_STATE, row, rows_expected=1)


def progress(key: StreamKey, published: int, referenced: int, last_event_id: str, now: int) -> Change:
    row = _same(key) | {
        "more_published": published,
        "more_referenced": referenced,
        "new_last_event": last_event_id,
        "new_last_published": now,
    }
    return Change(TELL_PROGRESS, row, rows_expected=1)


def find(connection: Connection, key: StreamKey) -> StoredStream | None:
    row = connection.execute(_FIND, _same(key)).first()
    return None if row is None else _stored(row)


def find_state(connection: Connection, key: StreamKey) -> StreamState | None:
    row = connection.execute(_FIND_STATE, _same(key)).first()
    return None if row is None else _state(row)


def page(connection: Connection, org_id: str, livemode: int, window: Window) -> list[StoredStream]:
    """One row more than the page shows, in the window's order."""
    conditions: list[ColumnElement[bool]] = [streams.c.org_id == org_id, streams.c.livemode == livemode]
    if window.after_id is not None:
        conditions.append(streams.c.id < window.after_id)
    if window.before_id is not None:
        conditions.append(streams.c.id > window.before_id)
    order = streams.c.id.desc() if window.newest_first else streams.c.id.asc()
    rows = connection.execute(_JOINED.where(*conditions).order_by(order).limit(window.rows_to_read))
    return [_stored(row) for row in rows]


def count(connection: Connection, org_id: str, livemode: int) -> int:
    query = select(streams.c.id).where(streams.c.org_id == org_id, streams.c.livemode == livemode)
    return len(connection.execute(query).all())


def versions(connection: Connection) -> dict[StreamKey, int]:
    """Of all streams that are not paused. What tells the worker whether one has changed."""
    query = select(streams.c.org_id, streams.c.livemode, streams.c.id, streams.c.version).where(
        streams.c.is_paused == 0
    )
    return {StreamKey(row[0], row[1], row[2]): row[3] for row in connection.execute(query)}


def _stored(row: Any) -> StoredStream:
    return StoredStream(
        StreamKey(row.org_id, row.livemode, row.id),
        row.version,
        bool(row.is_paused),
        row.credentials_sealed,
        decode_document(row.document),
        _state(row),
    )


def _state(row: Any) -> StreamState:
    return StreamState(*(getattr(row, name) for name in StreamState._fields))


def _same(key: StreamKey) -> Row:
    return {"o": key.org_id, "m": key.livemode, "i": key.id}
