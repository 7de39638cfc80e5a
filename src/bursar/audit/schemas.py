"""The audit trail on the wire."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from bursar.http.limits import PAGE_SIZE_DEFAULT
from bursar.http.params import PageSize, Params, Seconds, TimeRange

# Of characters that the log's columns can have: some databases refuse others even in a comparison.
Plain = Annotated[str, Meta(min_length=1, max_length=80, pattern="^[!-~]*$")]
Format = Literal["csv", "jsonl"]
Mode = Literal["test", "live"]


class AuditEntry(msgspec.Struct, kw_only=True):
    """One thing that happened: who, from where, what, what it was before and is after, and how it ended."""

    id: str
    object: Literal["audit_entry"] = "audit_entry"
    # A key, a user, the system itself, or nobody who is known.
    actor: str
    address: str | None
    # The object as it is afterwards; of reads and refusals, what was asked for.
    after: msgspec.Raw
    # Of changes, what differed.
    before: msgspec.Raw | None
    created: int
    idempotency_key: str | None
    livemode: bool
    object_id: str | None
    request: str | None
    result: str
    type: str


class AuditPage(msgspec.Struct, kw_only=True):
    """Newest first. There may be fewer entries than asked for, or none, and more behind them all the same."""

    object: Literal["list"] = "list"
    data: list[AuditEntry]
    has_more: bool
    # Where to go on; null at the end.
    next_page: str | None
    url: str


class AuditFilters(Params):
    """Which entries are meant: all conditions together. Both modes, unless one is named."""

    actor: Plain | None = None
    address: Plain | None = None
    created: Seconds | TimeRange | None = None
    mode: Mode | None = None
    object: Plain | None = None
    request: Plain | None = None
    type: Annotated[Plain, Meta(description="A type, or a group of types ending in .*")] | None = None


class AuditListParams(AuditFilters):
    limit: PageSize = PAGE_SIZE_DEFAULT
    page: Annotated[str, Meta(max_length=200)] | None = None


class AuditExportParams(AuditFilters):
    format: Format = "jsonl"


class Verification(msgspec.Struct, kw_only=True):
    """What became of walking the organisation's chains, row by row."""

    object: Literal["audit_verification"] = "audit_verification"
    chains: int
    problems: list[str]
    # Problems beyond those that are named.
    problems_unnamed: int
    rows: int
    # Unfinished when time ran out before the end, with nothing wrong so far: the command line has no such limit.
    status: Literal["whole", "broken", "unfinished"]
