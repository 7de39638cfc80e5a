"""How long lists and searches take where there is much to look through."""

from __future__ import annotations

import json
import random
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
from sqlalchemy import Table, select

from bench.cases import CUSTOMERS, PAYMENTS, Case
from bench.fill import Filled
from bench.processes import BenchError
from bench.server import Server
from bench.wrk import LOOKUPS, run_wrk
from bursar.customers.repository import PREFIX as CUSTOMER_PREFIX
from bursar.customers.tables import customers
from bursar.kit.ids import lowest_id_at
from bursar.payments.repository import PREFIX as PAYMENT_PREFIX
from bursar.payments.tables import payment_intents
from bursar.store.engine import Engines

CONNECTIONS = 4
WARM_UP_SECONDS = 1
SECONDS = 2  # 300 requests and more, unless one takes longer than the goal
SAMPLES = 200
DAY_SECONDS = 86_400
TIMEOUT_SECONDS = 60
MARGIN = 0.03  # of the time at either end, where pages would not be full


class Sample(msgspec.Struct):
    """An object that is there to be found, somewhere in the middle."""

    id: str
    created: int
    metadata: dict[str, str]
    email: str = ""
    latest_charge: str = ""
    payment_method: str = ""


@dataclass(frozen=True)
class Lookup:
    name: str
    requests: int
    p50_ms: float
    p95_ms: float
    max_ms: float


Paths = Mapping[str, Callable[[Sample], str]]


def _of_a_day(path: str) -> Callable[[Sample], str]:
    return lambda one: f"{path}?limit=100&created[gte]={one.created}&created[lt]={one.created + DAY_SECONDS}"


CUSTOMER_PATHS: Paths = {
    "customers, first page": lambda _: "/v1/customers?limit=100",
    "customers, deep page": lambda one: f"/v1/customers?limit=100&starting_after={one.id}",
    "customers by email": lambda one: f"/v1/customers?limit=100&email={quote(one.email)}",
    "customers of a day": _of_a_day("/v1/customers"),
    "events, first page": lambda _: "/v1/events?limit=100",
    "events of a day": _of_a_day("/v1/events"),
    "events of a type": lambda _: "/v1/events?limit=100&type=customer.updated",
    "events of a rare type": lambda _: "/v1/events?limit=100&type=customer.deleted",
    "events of two types": lambda _: "/v1/events?limit=100&types[]=customer.created&types[]=customer.deleted",
    "search by email": lambda one: "/v1/customers/search?query=" + quote(f"email:'{one.email}'"),
    "search by metadata": lambda one: (
        "/v1/customers/search?query=" + quote(f"metadata['order_id']:'{one.metadata['order_id']}'")
    ),
}
PAYMENT_PATHS: Paths = {
    "one payment": lambda one: f"/v1/payment_intents/{one.id}",
    "payments, first page": lambda _: "/v1/payment_intents?limit=100",
    "payments, deep page": lambda one: f"/v1/payment_intents?limit=100&starting_after={one.id}",
    "payments of a day": _of_a_day("/v1/payment_intents"),
    "payments by metadata": lambda one: (
        "/v1/payment_intents/search?query=" + quote(f"metadata['order']:'{one.metadata['order']}'")
    ),
    "charges, deep page": lambda one: f"/v1/charges?limit=100&starting_after={one.latest_charge}",
    "charges of a payment": lambda one: f"/v1/charges?limit=100&payment_intent={one.id}",
    "balance transactions of a charge": lambda one: f"/v1/balance_transactions?limit=100&source={one.latest_charge}",
    "balance": lambda _: "/v1/balance",
    "events, first page": lambda _: "/v1/events?limit=100",
    "events of a type": lambda _: "/v1/events?limit=100&type=payment_intent.succeeded",
}
PATHS: Mapping[str, tuple[Paths, Table, str]] = {
    CUSTOMERS.name: (CUSTOMER_PATHS, customers, CUSTOMER_PREFIX),
    PAYMENTS.name: (PAYMENT_PATHS, payment_intents, PAYMENT_PREFIX),
}


def measure_lookups(case: Case, server: Server, filled: Filled, folder: Path) -> list[Lookup]:
    paths, table, prefix = PATHS[case.name]
    samples = _samples(server.database_url, filled, table, prefix)
    return [_measure(server, folder, name, [path(one) for one in samples]) for name, path in paths.items()]


def _measure(server: Server, folder: Path, name: str, paths: Sequence[str]) -> Lookup:
    _check_found(server, name, paths[0])
    listed = folder / "paths.txt"
    listed.write_text("\n".join(paths) + "\n")
    variables = {"BENCH_PATHS": str(listed)}
    run_wrk(server, folder, LOOKUPS, WARM_UP_SECONDS, CONNECTIONS, **variables)
    result = run_wrk(server, folder, LOOKUPS, SECONDS, CONNECTIONS, **variables)
    milliseconds = {name: result[f"{name}_us"] / 1000 for name in ("p50", "p95", "max")}
    return Lookup(name, result["requests"], milliseconds["p50"], milliseconds["p95"], milliseconds["max"])


def _check_found(server: Server, name: str, path: str) -> None:
    """An empty list is quick: what is measured must find something."""
    request = urllib.request.Request(server.url + path, headers={"Authorization": f"Bearer {server.api_key}"})
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:
        found: dict[str, Any] = json.load(response)
    if found.get("data") == []:
        raise BenchError(f"{name}: {path} found nothing")


def _samples(database_url: str, filled: Filled, table: Table, prefix: str) -> list[Sample]:
    engines = Engines(database_url, readers=1, writers=1)
    found = []
    try:
        with engines.reading.connect() as connection:
            for _ in range(SAMPLES):
                late = random.uniform(MARGIN, 1 - MARGIN) * filled.seconds
                at = lowest_id_at(prefix, filled.since + int(late))
                query = select(table.c.document).where(
                    table.c.org_id == filled.org_id, table.c.livemode == 0, table.c.id >= at
                )
                document = connection.execute(query.order_by(table.c.id).limit(1)).scalar_one()
                found.append(msgspec.json.decode(document, type=Sample))
    finally:
        engines.close()
    return found
