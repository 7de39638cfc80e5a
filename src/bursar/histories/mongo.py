"""The documents in MongoDB. Each is replaced whole, and only as it was read: of two at once, one begins anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pymongo import MongoClient, ReplaceOne
from pymongo.errors import BulkWriteError, PyMongoError

from bursar.events.reader import LoggedEvent
from bursar.histories import rules
from bursar.kit.errors import BursarError

COLLECTION = "payments"
SERVER_SECONDS_MAX = 5.0
DUPLICATE = 11_000
ROUNDS_MAX = 10


class HistoryAway(BursarError):
    """Nothing is known to be kept. The message never holds the address, which may hold a password."""


class Histories:
    """Blocking: whoever uses it on an event loop does so in a thread."""

    def __init__(self, url: str) -> None:
        milliseconds = int(SERVER_SECONDS_MAX * 1000)
        try:
            self._client: MongoClient[dict[str, Any]] = MongoClient(
                url,
                serverSelectionTimeoutMS=milliseconds,
                connectTimeoutMS=milliseconds,
                socketTimeoutMS=2 * milliseconds,
                appname="bursar",
            )
            self._payments = self._client.get_default_database("bursar")[COLLECTION]
        except (PyMongoError, ValueError) as problem:
            raise HistoryAway(f"The address of MongoDB cannot be used: {type(problem).__name__}.") from None

    def apply(self, events: Sequence[LoggedEvent]) -> int:
        """Tells each payment's document what happened to it; how many documents that were. Raises HistoryAway."""
        of_payment: dict[str, list[LoggedEvent]] = {}
        empties: dict[str, dict[str, Any]] = {}
        for event in events:
            payment = rules.payment_of(event)
            if payment is not None:
                key = rules.key_of(event.org_id, event.livemode, payment)
                of_payment.setdefault(key, []).append(event)
                empties[key] = rules.empty(event.org_id, event.livemode, payment)
        left = list(of_payment)
        try:
            for _ in range(ROUNDS_MAX):
                if not left:
                    return len(of_payment)
                left = self._apply_once(left, of_payment, empties)
        except PyMongoError as problem:
            raise HistoryAway(f"MongoDB does not take the history: {type(problem).__name__}.") from None
        raise HistoryAway("Others change the same documents all the time.")

    def drop(self) -> None:
        try:
            self._payments.drop()
        except PyMongoError as problem:
            raise HistoryAway(f"MongoDB does not answer: {type(problem).__name__}.") from None

    def close(self) -> None:
        self._client.close()

    def _apply_once(
        self, keys: Sequence[str], of_payment: Mapping[str, list[LoggedEvent]], empties: Mapping[str, dict[str, Any]]
    ) -> list[str]:
        """The keys of those that somebody else has changed meanwhile."""
        known = {found["_id"]: found for found in self._payments.find({"_id": {"$in": list(keys)}})}
        changes: list[ReplaceOne[dict[str, Any]]] = []
        expected: dict[str, int] = {}
        for key in keys:
            before = known.get(key, empties[key])
            after = dict(before)
            for event in of_payment[key]:
                after = rules.with_event(after, event)
            if after["timeline"] == before["timeline"]:
                continue  # all of it was told before
            after["revision"] = expected[key] = before["revision"] + 1
            changes.append(
                ReplaceOne({"_id": key, "revision": before["revision"]}, after, upsert=before["revision"] == 0)
            )
        if not changes:
            return []
        try:
            result = self._payments.bulk_write(changes, ordered=False)
        except BulkWriteError as problem:
            if any(error["code"] != DUPLICATE for error in problem.details["writeErrors"]):
                raise
        else:
            if result.matched_count + result.upserted_count == len(changes):
                return []
        now = self._payments.find({"_id": {"$in": list(expected)}}, {"timeline.event": 1})
        told = {found["_id"]: {step["event"] for step in found["timeline"]} for found in now}
        return [key for key in expected if not {event.id for event in of_payment[key]} <= told.get(key, set())]
