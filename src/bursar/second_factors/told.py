"""What the log is told of somebody's factors: in the organisations that the person belongs to."""

from __future__ import annotations

from collections.abc import Callable

from bursar.http.call import Call
from bursar.people.service import Neighbours, logs
from bursar.store.log import Entry

Tell = Callable[[str, bytes], list[Entry]]


class Told:
    def __init__(self, neighbours: Neighbours) -> None:
        self._neighbours = neighbours

    async def of(self, call: Call, user_id: str) -> Tell:
        organisations = [membership.org_id for membership in await self._neighbours.memberships.all_of(user_id)]
        origin = call.origin()

        def tell(event_type: str, document: bytes) -> list[Entry]:
            return [Entry(org_id, 0, event_type, user_id, document, origin=origin) for org_id in logs(organisations)]

        return tell
