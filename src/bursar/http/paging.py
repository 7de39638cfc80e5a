"""Lists: newest first, by cursor, in the wire's two envelopes."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

import msgspec

from bursar.http.params import ListParams
from bursar.kit.errors import InvalidRequest, NotFound
from bursar.kit.ids import may_be_id
from bursar.kit.scrub import scrub_text

T = TypeVar("T")


class Page(msgspec.Struct, Generic[T], kw_only=True):
    """A page of a list. `url` is relative, as the SDKs append it to their base."""

    object: Literal["list"] = "list"
    data: list[T]
    has_more: bool
    url: str


class SearchPage(msgspec.Struct, Generic[T], kw_only=True):
    object: Literal["search_result"] = "search_result"
    data: list[T]
    has_more: bool
    next_page: str | None
    url: str


@dataclass(frozen=True, slots=True)
class Window:
    """Which part of a list is wanted, in terms of ids, which sort by time of creation.

    `newest_first` is false only when paging backwards: then the rows nearest to the cursor are read
    first, and turned round for the answer.
    """

    limit: int
    after_id: str | None = None
    before_id: str | None = None

    @property
    def newest_first(self) -> bool:
        return self.before_id is None

    @property
    def rows_to_read(self) -> int:
        """One more than is shown tells whether there is more."""
        return self.limit + 1

    def cut(self, rows: Sequence[T]) -> tuple[list[T], bool]:
        shown = list(rows[: self.limit])
        if not self.newest_first:
            shown.reverse()
        return shown, len(rows) > self.limit


def window(params: ListParams) -> Window:
    if params.starting_after is not None and params.ending_before is not None:
        raise InvalidRequest("Send either starting_after or ending_before, not both.", param="ending_before")
    return Window(params.limit, params.starting_after, params.ending_before)


def missing(kind: str, object_id: str, param: str = "id") -> NotFound:
    """Scrubbed, as people put card numbers where ids belong."""
    return NotFound(f"No such {kind}: '{scrub_text(object_id[:60])}'", param=param, code="resource_missing")


def search_cursor(last_id: str) -> str:
    return base64.urlsafe_b64encode(last_id.encode()).decode().rstrip("=")


def read_search_cursor(page: str | None) -> str | None:
    if page is None:
        return None
    try:
        last_id = base64.urlsafe_b64decode(page.encode() + b"=" * (-len(page) % 4)).decode("ascii")
    except (binascii.Error, UnicodeError):
        last_id = ""
    if not may_be_id(last_id):
        raise InvalidRequest("The page is not one that a search returned in next_page.", param="page")
    return last_id
