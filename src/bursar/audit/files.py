"""The audit trail as files: JSON lines for programs, CSV for spreadsheets."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime

import msgspec

from bursar.audit.rules import spreadsheet_safe
from bursar.audit.schemas import AuditEntry, Format

CONTENT_TYPES: dict[Format, str] = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson; charset=utf-8"}
COLUMNS = (
    "id",
    "created",
    "type",
    "mode",
    "actor",
    "address",
    "request",
    "idempotency_key",
    "object_id",
    "result",
    "before",
    "after",
)
_encoder = msgspec.json.Encoder()


def heading(form: Format) -> bytes:
    return ",".join(COLUMNS).encode() + b"\r\n" if form == "csv" else b""


def encoder(form: Format) -> Callable[[list[AuditEntry]], bytes]:
    return _to_csv if form == "csv" else _encoder.encode_lines


def _to_csv(entries: list[AuditEntry]) -> bytes:
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\r\n")
    writer.writerows(map(_cells, entries))
    return written.getvalue().encode()


def _cells(entry: AuditEntry) -> list[str]:
    values = (
        entry.id,
        datetime.fromtimestamp(entry.created, UTC).isoformat(),
        entry.type,
        "live" if entry.livemode else "test",
        entry.actor,
        entry.address,
        entry.request,
        entry.idempotency_key,
        entry.object_id,
        entry.result,
        None if entry.before is None else bytes(entry.before).decode(),
        bytes(entry.after).decode(),
    )
    return [spreadsheet_safe(value or "") for value in values]
