"""Follows the log of a running server by `/v1/events`, through restarts of it.

Ids sort by time, but a commit takes its moment: an event may appear in front of one that has a later id. So the place
from which the next look begins lies a few seconds back, and what was shown from there on is remembered. An event whose
commit took longer than that is passed over; webhooks, which read each chain by itself, know no such limit.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import msgspec

from bursar.commands.output import EXIT_USAGE, complaints, escaped, fail
from bursar.commands.server_calls import Server, ServerAway
from bursar.events.rules import PUBLIC_TYPES
from bursar.events.schemas import TYPES_MAX

PAGE_LENGTH = 100
LOOK_SECONDS = 0.3
AWAY_SECONDS = 1.0
# After this long, no event with an earlier id will appear any more.
SETTLED_SECONDS = 5.0


class ListedEvent(msgspec.Struct, frozen=True):
    id: str
    type: str
    created: int
    # As it came, byte by byte.
    raw: msgspec.Raw = msgspec.Raw()


class _Page(msgspec.Struct):
    data: list[msgspec.Raw]
    has_more: bool


class Follower:
    def __init__(self, server: Server, types: Sequence[str] = ()) -> None:
        self._server = server
        self._types = {f"types[{index}]": name for index, name in enumerate(types)}
        self._cursor: str | None = None
        # When each event behind the cursor that is known already was created.
        self._known: dict[str, int] = {}
        self._has_begun = False

    def begin(self, last: int = 0) -> list[ListedEvent]:
        """From now on; with the last few of before, the oldest first. Raises ServerAway."""
        found, now, _ = self._page({"limit": PAGE_LENGTH})
        self._known = {event.id: event.created for event in found}
        # What is not in this page is older than what is: nothing is looked for in front of its first.
        self._cursor = found[0].id if found else None
        self._settle(now)
        self._has_begun = True
        return found[-last:] if last else []

    def look(self) -> list[ListedEvent]:
        """What is new, the oldest first. Raises ServerAway."""
        if not self._has_begun:
            return self.begin()
        fresh: list[ListedEvent] = []
        place = {} if self._cursor is None else {"ending_before": self._cursor}
        while True:
            found, now, has_more = self._page({"limit": PAGE_LENGTH, **place})
            fresh += [event for event in found if event.id not in self._known]
            if not has_more or not found:
                break
            # Without a cursor the newest come first, and the older ones behind them.
            place = {"starting_after": found[0].id} if self._cursor is None else {"ending_before": found[-1].id}
        fresh.sort(key=lambda event: event.id)
        self._known |= {event.id: event.created for event in fresh}
        self._settle(now)
        return fresh

    def follow(self, *, last: int = 0, limit: int | None = None) -> Iterator[ListedEvent]:
        """For ever, or until so many have come. A server that is away is asked until it is back."""
        waits, count, is_away = list[ListedEvent](), 0, False
        while limit is None or count < limit:
            try:
                waits = self.look() if self._has_begun else self.begin(last)
            except ServerAway as problem:
                if not is_away:
                    complaints.print(
                        f"{self._server.url} gives no answer ({escaped(str(problem))}); it is asked again."
                    )
                is_away = True
                time.sleep(AWAY_SECONDS)
                continue
            if is_away:
                complaints.print("The server answers again.")
                is_away = False
            for event in waits:
                yield event
                count += 1
                if count == limit:
                    return
            time.sleep(LOOK_SECONDS)

    def _page(self, query: dict[str, object]) -> tuple[list[ListedEvent], float, bool]:
        page, at = self._server.get_as("/v1/events", {**query, **self._types}, _Page)
        # Newest first on the wire.
        return [_listed(raw) for raw in reversed(page.data)], at, page.has_more

    def _settle(self, now: float) -> None:
        settled = [event_id for event_id, created in self._known.items() if created < now - SETTLED_SECONDS]
        if settled:
            self._cursor = max([self._cursor or "", *settled])
        cursor = self._cursor or ""
        self._known = {event_id: created for event_id, created in self._known.items() if event_id >= cursor}


def wanted_types(names: Sequence[str]) -> list[str]:
    """Of options that may hold several, separated by commas. What never occurs is a mistake."""
    wanted = [name.strip() for given in names for name in given.split(",") if name.strip()]
    for name in wanted:
        group, star, rest = name.partition("*")
        known = name in PUBLIC_TYPES or (star and not rest and any(one.startswith(group) for one in PUBLIC_TYPES))
        if not known or (star and group and not group.endswith(".")):
            raise fail(f"There is no type {name}; `bursar trigger --list` shows all that there are.", EXIT_USAGE)
    if len(wanted) > TYPES_MAX:
        raise fail(f"No more than {TYPES_MAX} types; a group such as charge.* counts as one.", EXIT_USAGE)
    return [name for name in wanted if name != "*"]


def _listed(raw: msgspec.Raw) -> ListedEvent:
    event = msgspec.json.decode(raw, type=ListedEvent)
    return msgspec.structs.replace(event, raw=raw)
