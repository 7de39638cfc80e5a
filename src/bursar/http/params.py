"""Parameters that many endpoints share."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from bursar.http.limits import EXPANSIONS_MAX, PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX
from bursar.kit.errors import InvalidRequest

METADATA_KEYS_MAX = 50
METADATA_KEY_LENGTH_MAX = 40
METADATA_VALUE_LENGTH_MAX = 500

Metadata = dict[str, str]
# An empty value removes a key; clearing the whole removes them all.
MetadataChange = dict[str, str | None] | None | UnsetType
Text = Annotated[str, Meta(max_length=5000)]
ShortText = Annotated[str, Meta(max_length=350)]
# Up to the year 3000: beyond it a number is no time but a mistake.
Seconds = Annotated[int, Meta(ge=0, le=32_503_680_000)]
PageSize = Annotated[int, Meta(ge=1, le=PAGE_SIZE_MAX)]


# Of characters that an id can have: some databases refuse NUL, or letters that a key's column cannot hold.
Cursor = Annotated[str, Meta(max_length=100, pattern="^[!-~]*$")]


class Params(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What every endpoint takes."""

    expand: Annotated[list[Annotated[str, Meta(max_length=200)]], Meta(max_length=EXPANSIONS_MAX)] = []


class TimeRange(msgspec.Struct, forbid_unknown_fields=True):
    """Seconds since 1970, each bound optional."""

    gt: Seconds | None = None
    gte: Seconds | None = None
    lt: Seconds | None = None
    lte: Seconds | None = None

    def bounds(self) -> tuple[int | None, int | None]:
        """The first second inside, and the first second behind."""
        lows = [value for value in (self.gte, None if self.gt is None else self.gt + 1) if value is not None]
        highs = [value for value in (self.lt, None if self.lte is None else self.lte + 1) if value is not None]
        return max(lows, default=None), min(highs, default=None)


def created_bounds(created: int | TimeRange | None) -> tuple[int | None, int | None]:
    if created is None:
        return None, None
    return created.bounds() if isinstance(created, TimeRange) else (created, created + 1)


class ListParams(Params):
    limit: PageSize = PAGE_SIZE_DEFAULT
    starting_after: Cursor | None = None
    ending_before: Cursor | None = None


class SearchParams(Params):
    query: Annotated[str, Meta(max_length=2000)]
    limit: PageSize = PAGE_SIZE_DEFAULT
    page: Annotated[str, Meta(max_length=200)] | None = None


def changed_metadata(current: Metadata, change: MetadataChange) -> Metadata:
    """What the metadata is afterwards; refuses what is too much, too long or has no key."""
    if change is UNSET:
        return current
    if not change:
        return {} if change is None else current
    assert not isinstance(change, UnsetType)
    merged = dict(current)
    for key, value in change.items():
        _check_key(key)
        if not value:
            merged.pop(key, None)
            continue
        if len(value) > METADATA_VALUE_LENGTH_MAX:
            raise InvalidRequest(
                f"Metadata values can have up to {METADATA_VALUE_LENGTH_MAX} characters; {key} has {len(value)}.",
                param=f"metadata[{key}]",
            )
        merged[key] = value
    if len(merged) > METADATA_KEYS_MAX:
        raise InvalidRequest(
            f"An object can have up to {METADATA_KEYS_MAX} metadata keys; this would have {len(merged)}.",
            param="metadata",
        )
    return merged


def _check_key(key: str) -> None:
    if not key or len(key) > METADATA_KEY_LENGTH_MAX or "[" in key or "]" in key:
        raise InvalidRequest(
            f"Metadata keys have 1 to {METADATA_KEY_LENGTH_MAX} characters and no square brackets.",
            param=f"metadata[{key[:METADATA_KEY_LENGTH_MAX]}]",
        )
