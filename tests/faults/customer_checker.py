"""What must be true after any fault, however it went."""

import http.client
from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select

from bursar import runtime  # noqa: F401 - its imports make the tables known
from bursar.events import audit
from bursar.events.tables import events
from bursar.store.engine import Engines
from tests.faults.customer_load import Acknowledged, every_customer, get, post


def violations(
    connection: http.client.HTTPConnection, api_key: str, acknowledged: Sequence[Acknowledged], database_url: str
) -> list[str]:
    customers = every_customer(connection, api_key)
    return [
        *lost_or_changed(connection, api_key, acknowledged),
        *unequal_replays(connection, api_key, acknowledged),
        *not_exactly_once(acknowledged, customers),
        *broken_log(database_url, len(customers)),
    ]


def lost_or_changed(
    connection: http.client.HTTPConnection, api_key: str, acknowledged: Sequence[Acknowledged]
) -> list[str]:
    found = []
    for one in acknowledged:
        status, body = get(connection, api_key, f"/v1/customers/{one.id}")
        if (status, body) != (200, one.body):
            found.append(f"{one.id} was acknowledged; now it is {status} {body!r}")
    return found


def unequal_replays(
    connection: http.client.HTTPConnection, api_key: str, acknowledged: Sequence[Acknowledged]
) -> list[str]:
    found = []
    for one in acknowledged:
        post(connection, api_key, one.order.name, one.order.key)
        response = connection.getresponse()
        body = response.read()
        if (response.status, body, response.headers["Idempotent-Replayed"]) != (200, one.body, "true"):
            found.append(f"the replay of {one.order.key} gave {response.status} {body!r}, not {one.body!r}")
    return found


def not_exactly_once(acknowledged: Sequence[Acknowledged], customers: Sequence[dict[str, Any]]) -> list[str]:
    made = Counter(customer["metadata"].get("order") for customer in customers)
    wanted = Counter(one.order.name for one in acknowledged)
    found = [f"{name} was acknowledged and has {made[name]} customers" for name in wanted if made[name] != 1]
    found += [f"{name} has a customer and no acknowledgement" for name in made if name not in wanted]
    return found


def broken_log(database_url: str, customers: int) -> list[str]:
    engines = Engines(database_url, readers=1, writers=1)
    try:
        with engines.reading.connect() as connection:
            problems = audit.verify(audit.snapshot(connection)).problems
        with engines.reading.connect() as connection:
            query = select(func.count(), func.count(func.distinct(events.c.object_id)))
            told, objects = connection.execute(query.where(events.c.event_type == "customer.created")).one()
    finally:
        engines.close()
    if not told == objects == customers:
        problems.append(f"{customers} customers, but {told} events of {objects} creations")
    return problems
