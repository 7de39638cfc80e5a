"""Customers for a filled database: each made, then changed, now and then deleted, all by Bursar's own functions."""

from __future__ import annotations

import time
import uuid

from bench.capture import FINGERPRINT_KEY
from bench.fill import SPARE, SteppingClock
from bursar.customers import repository
from bursar.customers.rules import changed
from bursar.customers.schemas import Customer, CustomerParams
from bursar.events.sealing import LaneSealer
from bursar.http import idempotency
from bursar.http.authentication import Principal
from bursar.http.call import Call
from bursar.http.endpoint import encode
from bursar.kit.clock import MICROSECONDS_PER_SECOND, seconds
from bursar.kit.ids import IdFactory
from bursar.store.log import Entry, differences
from bursar.store.unit import Change, Unit

DAYS = 90  # over which the customers came
CLOCK_READINGS = 2  # for one customer: two ids, or two events
DELETED_EVERY = 10_000  # a rare type among millions is what an index must prove itself by
KEYS_WITHIN_SECONDS = 20 * 3600


class CustomerMaker:
    seconds_back = DAYS * 86_400
    batch_objects = 5_000

    def begin(self, org_id: str, since: int, objects: int) -> LaneSealer:
        step = int(self.seconds_back * MICROSECONDS_PER_SECOND / (objects * CLOCK_READINGS * SPARE))
        self._org_id = org_id
        self._principal = Principal(org_id, 0, "key_bench")
        self._key_step = KEYS_WITHIN_SECONDS * MICROSECONDS_PER_SECOND // objects
        self._first_key = time.time_ns() // 1000 - KEYS_WITHIN_SECONDS * MICROSECONDS_PER_SECOND
        # A clock for each, as a batch makes all its customers before it seals what is told of them.
        self._ids = IdFactory(SteppingClock(since * MICROSECONDS_PER_SECOND, step))
        return LaneSealer(SteppingClock(since * MICROSECONDS_PER_SECOND, step))

    def make(self, number: int) -> Unit:
        """What is there at the end, and what was told on the way."""
        params = CustomerParams(
            email=f"customer.{number:x}@example.com",
            name=f"Jenny Rosen {number:x}",
            metadata={"order_id": f"{number:x}"},
        )
        call = Call(self._principal, self._ids.new("req"), "127.0.0.1", str(uuid.uuid4()))
        customer_id, now = self._ids.new_with_time(repository.PREFIX)
        before = changed(Customer(id=customer_id, created=seconds(now), livemode=False), params)
        made = encode(before)
        print_of_request = idempotency.fingerprint(FINGERPRINT_KEY, "POST", "/v1/customers", params)
        kept = idempotency.keep_answer(call, self._first_key + number * self._key_step, print_of_request, 200, made)
        told = [self._entry(call, "customer.created", customer_id, made)]
        if number % DELETED_EVERY == DELETED_EVERY - 1:
            told.append(self._entry(call, "customer.deleted", customer_id, made))
            tombstone = {"org_id": self._org_id, "livemode": 0, "id": customer_id}
            return Unit([kept, Change(repository.INSERT_DELETED, tombstone)], told)
        after = changed(before, CustomerParams(description=f"Order {number}"))
        document = encode(after)
        update = self._entry(call, "customer.updated", customer_id, document)
        update.previous_attributes = differences(made, document)
        changes = repository.insertion(self._org_id, 0, after, document)
        changes[0].row["version"] = 2
        return Unit([kept, *changes], [*told, update])

    def _entry(self, call: Call, event_type: str, customer_id: str, document: bytes) -> Entry:
        return Entry(self._org_id, 0, event_type, customer_id, document, origin=call.origin())
