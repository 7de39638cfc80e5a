"""How long lists and searches take where there is much to look through."""

from __future__ import annotations

import json
import random
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import msgspec
from sqlalchemy import select

from bench.fill import DAYS, Filled
from bench.processes import BenchError
from bench.server import Server
from bench.wrk import SCRIPTS, run_wrk
from bursar.customers.repository import PREFIX
from bursar.customers.tables import customers
from bursar.kit.ids import lowest_id_at
from bursar.store.engine import Engines

SCRIPT = SCRIPTS / "lookups.lua"
CONNECTIONS = 4
WARM_UP_SECONDS = 1
SECONDS = 2  # 300 requests and more, unless one takes longer than the goal
SAMPLES = 200
DAY_SECONDS = 86_400
TIMEOUT_SECONDS = 60
MARGIN_DAYS = 2  # at either end, where pages would not be full


class Sample(msgspec.Struct):
    """A customer that is there to be found, somewhere in the middle."""

    id: str
    created: int
    email: str
    metadata: dict[str, str]


@dataclass(frozen=True)
class Lookup:
    name: str
    requests: int
    p50_ms: float
    p95_ms: float
    max_ms: float


PATHS: dict[str, Callable[[Sample], str]] = {
    "customers, first page": lambda _: "/v1/customers?limit=100",
    "customers, deep page": lambda one: f"/v1/customers?limit=100&starting_after={one.id}",
    "customers by email": lambda one: f"/v1/customers?limit=100&email={quote(one.email)}",
    "customers of a day": lambda one: (
        f"/v1/customers?limit=100&created[gte]={one.created}&created[lt]={one.created + DAY_SECONDS}"
    ),
    "events, first page": lambda _: "/v1/events?limit=100",
    "events of a day": lambda one: (
        f"/v1/events?limit=100&created[gte]={one.created}&created[lt]={one.created + DAY_SECONDS}"
    ),
    "events of a type": lambda _: "/v1/events?limit=100&type=customer.updated",
    "events of a rare type": lambda _: "/v1/events?limit=100&type=customer.deleted",
    "events of two types": lambda _: "/v1/events?limit=100&types[]=customer.created&types[]=customer.deleted",
    "search by email": lambda one: "/v1/customers/search?query=" + quote(f"email:'{one.email}'"),
    "search by metadata": lambda one: (
        "/v1/customers/search?query=" + quote(f"metadata['order_id']:'{one.metadata['order_id']}'")
    ),
}


def measure_lookups(server: Server, filled: Filled, folder: Path) -> list[Lookup]:
    samples = _samples(server.database_url, filled)
    return [_measure(server, folder, name, [path(one) for one in samples]) for name, path in PATHS.items()]


def _measure(server: Server, folder: Path, name: str, paths: Sequence[str]) -> Lookup:
    _check_found(server, name, paths[0])
    listed = folder / "paths.txt"
    listed.write_text("\n".join(paths) + "\n")
    variables = {"BENCH_PATHS": str(listed)}
    run_wrk(server, folder, SCRIPT, WARM_UP_SECONDS, CONNECTIONS, **variables)
    result = run_wrk(server, folder, SCRIPT, SECONDS, CONNECTIONS, **variables)
    milliseconds = {name: result[f"{name}_us"] / 1000 for name in ("p50", "p95", "max")}
    return Lookup(name, result["requests"], milliseconds["p50"], milliseconds["p95"], milliseconds["max"])


def _check_found(server: Server, name: str, path: str) -> None:
    """An empty list is quick: what is measured must find something."""
    request = urllib.request.Request(server.url + path, headers={"Authorization": f"Bearer {server.api_key}"})
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:
        if not json.load(response)["data"]:
            raise BenchError(f"{name}: {path} found nothing")


def _samples(database_url: str, filled: Filled) -> list[Sample]:
    engines = Engines(database_url, readers=1, writers=1)
    found = []
    try:
        with engines.reading.connect() as connection:
            for _ in range(SAMPLES):
                day = random.uniform(MARGIN_DAYS, DAYS - MARGIN_DAYS)
                at = lowest_id_at(PREFIX, filled.since + int(day * DAY_SECONDS))
                query = select(customers.c.document).where(
                    customers.c.org_id == filled.org_id, customers.c.livemode == 0, customers.c.id >= at
                )
                document = connection.execute(query.order_by(customers.c.id).limit(1)).scalar_one()
                found.append(msgspec.json.decode(document, type=Sample))
    finally:
        engines.close()
    return found
