"""Idempotency keys: one effect for one key, and the same answer each time.

The key is written in the same commit as the effect and its answer, so there is no moment at which one
exists without the other; and as its primary key refuses a second row, a first request needs no read.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass

import msgspec
from sqlalchemy import Column, Connection, Index, Integer, Table, bindparam, select

from bursar.http.call import Call
from bursar.http.limits import IDEMPOTENCY_KEY_LENGTH_MAX
from bursar.kit.clock import MICROSECONDS_PER_SECOND
from bursar.kit.errors import Conflict, IdempotencyMismatch, InvalidRequest
from bursar.store.columns import (
    document_text,
    key_text,
    livemode_column,
    metadata,
    org_id_column,
    timestamp_column,
)
from bursar.store.unit import Change

KEPT_SECONDS = 72 * 3600  # a day is promised; three let a weekend's retries find their answer

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    org_id_column(),
    livemode_column(),
    Column("idempotency_key", key_text(IDEMPOTENCY_KEY_LENGTH_MAX), primary_key=True),
    timestamp_column("created"),
    Column("fingerprint", key_text(64), nullable=False),
    Column("request_id", key_text(40), nullable=False),
    Column("status", Integer, nullable=False),
    Column("body", document_text(), nullable=False),
    Index("ix_idempotency_keys_created", "org_id", "created"),
)

CLAIMED = 0  # instead of a status, while the body is the id of the attempt that will decide

INSERT = idempotency_keys.insert()
_FIND = select(
    idempotency_keys.c.fingerprint,
    idempotency_keys.c.request_id,
    idempotency_keys.c.status,
    idempotency_keys.c.body,
).where(
    idempotency_keys.c.org_id == bindparam("o"),
    idempotency_keys.c.livemode == bindparam("m"),
    idempotency_keys.c.idempotency_key == bindparam("k"),
)


# Completes a claim once; whoever comes second finds no row to change.
COMPLETE = (
    idempotency_keys.update()
    .where(
        idempotency_keys.c.org_id == bindparam("o"),
        idempotency_keys.c.livemode == bindparam("m"),
        idempotency_keys.c.idempotency_key == bindparam("k"),
        idempotency_keys.c.status == CLAIMED,
    )
    .values(status=bindparam("new_status"), body=bindparam("new_body"))
)


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """An answer that was given, or the claim of a request that began and has none yet."""

    fingerprint: str
    request_id: str
    status: int
    body: bytes

    @property
    def attempt_id(self) -> str | None:
        return self.body.decode() if self.status == CLAIMED else None


def read_key(header: bytes | None) -> str | None:
    if header is None:
        return None
    if not header or len(header) > IDEMPOTENCY_KEY_LENGTH_MAX:
        raise InvalidRequest(
            f"The Idempotency-Key has {len(header)} characters; it must have 1 to {IDEMPOTENCY_KEY_LENGTH_MAX}.",
            code="idempotency_key_invalid",
        )
    key = header.decode("latin-1")
    if not (key.isascii() and key.isprintable()):
        raise InvalidRequest(
            "The Idempotency-Key must be of printable ASCII characters; a UUID is best.",
            code="idempotency_key_invalid",
        )
    return key


def fingerprint(key: bytes, method: str, path: str, params: msgspec.Struct) -> str:
    """The same for the same request, whether it came as a form or as JSON.

    Keyed, because parameters can be a card: whoever had the database alone could try all numbers against a plain
    hash, as what else is kept of a card leaves few.
    """
    return hmac.digest(key, f"{method} {path}\n".encode() + _sorted.encode(params), "sha256").hex()


_sorted = msgspec.json.Encoder(order="sorted")


def keep_answer(call: Call, created: int, request_fingerprint: str, status: int, body: bytes) -> Change:
    return Change(
        INSERT,
        {
            "org_id": call.org_id,
            "livemode": call.livemode,
            "idempotency_key": call.idempotency_key,
            "created": created,
            "fingerprint": request_fingerprint,
            "request_id": call.request_id,
            "status": status,
            "body": body.decode(),
        },
    )


def claim(call: Call, created: int, request_fingerprint: str, attempt_id: str) -> Change:
    """Takes the key before anybody outside is asked."""
    return keep_answer(call, created, request_fingerprint, CLAIMED, attempt_id.encode())


def complete(call: Call, status: int, body: bytes) -> Change:
    row = {
        "o": call.org_id,
        "m": call.livemode,
        "k": call.idempotency_key,
        "new_status": status,
        "new_body": body.decode(),
    }
    return Change(COMPLETE, row, rows_expected=1)


def find(connection: Connection, call: Call) -> StoredAnswer | None:
    row = connection.execute(_FIND, {"o": call.org_id, "m": call.livemode, "k": call.idempotency_key}).first()
    return StoredAnswer(row.fingerprint, row.request_id, row.status, row.body.encode()) if row else None


def check_same_request(stored: StoredAnswer, request_fingerprint: str, key: str) -> None:
    if stored.fingerprint != request_fingerprint:
        raise IdempotencyMismatch(
            f"The idempotency key {key[:60]} was used before with other parameters. Use a new key for a new request, "
            "and the same parameters to repeat one.",
            code="idempotency_key_reused",
        )


def in_use(key: str) -> Conflict:
    return Conflict(
        f"A request with the idempotency key {key[:60]} is being carried out right now; try again shortly.",
        code="idempotency_key_in_use",
    )


def delete_expired(connection: Connection, org_id: str, now: int, rows_max: int) -> int:
    """Removes a bounded number of keys that are no longer promised; tells how many."""
    table = idempotency_keys
    deadline = now - KEPT_SECONDS * MICROSECONDS_PER_SECOND
    found = connection.execute(
        select(table.c.livemode, table.c.idempotency_key)
        .where(table.c.org_id == org_id, table.c.created < deadline)
        .limit(rows_max)
    ).all()
    if found:
        connection.execute(_DELETE, [{"o": org_id, "m": row.livemode, "k": row.idempotency_key} for row in found])
    return len(found)


_DELETE = idempotency_keys.delete().where(
    idempotency_keys.c.org_id == bindparam("o"),
    idempotency_keys.c.livemode == bindparam("m"),
    idempotency_keys.c.idempotency_key == bindparam("k"),
)
