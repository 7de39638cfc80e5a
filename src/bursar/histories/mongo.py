"""The documents in MongoDB. Each is replaced whole, and only as it was read: of two at once, one begins anew."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bson.errors import BSONError
from pymongo import MongoClient, ReplaceOne
from pymongo.errors import BulkWriteError, DuplicateKeyError, PyMongoError, WriteError

from bursar.events.reader import LoggedEvent
from bursar.histories import rules
from bursar.kit.errors import BursarError

COLLECTION = "payments"
SERVER_SECONDS_MAX = 5.0
DUPLICATE = 11_000
ROUNDS_MAX = 10
# What the client cannot write at all: a document that is too large, a number that is, a text that is none.
UNWRITABLE = (BSONError, OverflowError, UnicodeError)

logger = logging.getLogger(__name__)


class HistoryAway(BursarError):
    """Nothing is known to be kept. The message never holds the address, which may hold a password."""


class Histories:
    """Blocking: whoever uses it on an event loop does so in a thread."""

    def __init__(self, url: str, tell_unreadable: Callable[[], None] = lambda: None) -> None:
        self._tell_unreadable = tell_unreadable
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

    def clear(self) -> None:
        """Its indexes stay, which are whoever's asks it; and a worker may write meanwhile."""
        try:
            self._payments.delete_many({})
        except PyMongoError as problem:
            raise HistoryAway(f"MongoDB does not answer: {type(problem).__name__}.") from None

    def close(self) -> None:
        self._client.close()

    def _apply_once(
        self, keys: Sequence[str], of_payment: Mapping[str, list[LoggedEvent]], empties: Mapping[str, dict[str, Any]]
    ) -> list[str]:
        """The keys of those that somebody else has changed meanwhile."""
        known = {found["_id"]: found for found in self._payments.find({"_id": {"$in": list(keys)}})}
        changed: dict[str, dict[str, Any]] = {}
        for key in keys:
            before = known.get(key, empties[key])
            after = dict(before)
            for event in of_payment[key]:
                after = rules.with_event(after, event)
            if after["timeline"] == before["timeline"]:
                continue  # all of it was told before
            after["revision"] = before["revision"] + 1
            changed[key] = after
        if not changed:
            return []
        changes = list(changed.values())
        try:
            result = self._payments.bulk_write(
                [ReplaceOne(_before(after), after, upsert=_is_first(after)) for after in changes], ordered=False
            )
        except BulkWriteError as problem:
            for error in problem.details["writeErrors"]:
                if error["code"] != DUPLICATE:
                    self._write_alone(changes[error["index"]])
        except UNWRITABLE:  # which of them it was, the client does not say
            for after in changes:
                self._write_alone(after)
        except KeyError:
            pass  # FerretDB may leave out what the client counts, where others write too: what is there tells it
        else:
            if result.matched_count + result.upserted_count == len(changes):
                return []
        now = self._payments.find({"_id": {"$in": list(changed)}}, {"timeline.event": 1, "unreadable": 1})
        told = {found["_id"]: found for found in now}
        return [key for key in changed if not _has(told.get(key), of_payment[key])]

    def _write_alone(self, after: dict[str, Any]) -> None:
        """One that may be refused holds up no other: then a stub says so in its place, if MongoDB takes that."""
        try:
            self._replace(after)
        except (WriteError, *UNWRITABLE) as problem:
            self._replace(rules.unreadable(after))
            self._tell_unreadable()
            logger.error("MongoDB refuses the history of %s: %s", after["_id"], type(problem).__name__)

    def _replace(self, after: dict[str, Any]) -> None:
        # Somebody else was faster, or it was not counted: what is there tells it.
        with contextlib.suppress(DuplicateKeyError, KeyError):
            self._payments.replace_one(_before(after), after, upsert=_is_first(after))


def _before(after: Mapping[str, Any]) -> dict[str, Any]:
    return {"_id": after["_id"], "revision": after["revision"] - 1}


def _is_first(after: Mapping[str, Any]) -> bool:
    return bool(after["revision"] == 1)


def _has(found: Mapping[str, Any] | None, events: Sequence[LoggedEvent]) -> bool:
    if found is None:
        return False
    return bool(found.get("unreadable")) or {event.id for event in events} <= {
        step["event"] for step in found.get("timeline", ())
    }
