"""`--sign-ins`: what becomes of payments while many people, or one attacker, try to sign in."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import secrets
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from urllib.parse import urlsplit

from bench.cases import Case
from bench.client import Requests, Tally, send_at_rate
from bench.contestants import Bench
from bench.load import Proof
from bench.processes import BenchError

ATTEMPTS_PER_SECOND = 200
RATE = 300  # payments each second: a load that neither of two cores is full with
LONGER = 3
PATH = "/api/v1/org/login"
# One in so many is the development owner with the right password; the others are nobody's.
RIGHT_EVERY = 10
OWNER = {"email": "owner@bursar.test", "password": "bursar-development-owner"}
EXPECTED = {200, 401, 429, 503}  # in, refused, limited, too many at once
READY_SECONDS_MAX = 20.0


@dataclass(frozen=True)
class SignIns:
    """One round. Latencies of payments, from when each was due: with nobody signing in, and beside the attempts."""

    rate: int
    requests: int
    alone_p50_ms: float
    alone_p99_ms: float
    beside_p50_ms: float
    beside_p99_ms: float
    attempts_per_second: float
    attempts: dict[str, int]  # by the status of the answer

    @property
    def ratio(self) -> float:
        return self.beside_p99_ms / self.alone_p99_ms


def measure_sign_ins(bench: Bench, case: Case) -> SignIns:
    with bench.empty("sqlite") as (server, _folder):
        requests = Requests(case, server)
        seconds = bench.seconds * LONGER
        send_at_rate(requests, bench.connections, RATE, bench.seconds)
        proof = Proof(case, server)
        proof.begin()
        before = send_at_rate(requests, bench.connections, RATE, seconds / 2)
        with _attempts(server.url) as answered:
            beside = send_at_rate(requests, bench.connections, RATE, seconds)
            attempts, attempted_seconds = answered()
        after = send_at_rate(requests, bench.connections, RATE, seconds / 2)
        tallies = (before, beside, after)
        proof.check("sqlite beside sign-ins", sum(tally.acknowledged for tally in tallies), abandoned_max=0)
    if not set(map(int, attempts)) <= EXPECTED or attempts.get("200", 0) == 0:
        raise BenchError(f"the attempts to sign in were answered otherwise than they should: {attempts}")
    alone = sorted(before.microseconds + after.microseconds)
    return SignIns(
        rate=RATE,
        requests=beside.acknowledged,
        alone_p50_ms=_part(alone, 0.5),
        alone_p99_ms=_part(alone, 0.99),
        beside_p50_ms=_part(_ordered(beside), 0.5),
        beside_p99_ms=_part(_ordered(beside), 0.99),
        attempts_per_second=sum(attempts.values()) / attempted_seconds,
        attempts=attempts,
    )


def _ordered(tally: Tally) -> list[int]:
    return sorted(tally.microseconds)


def _part(ordered_microseconds: list[int], part: float) -> float:
    return ordered_microseconds[min(len(ordered_microseconds) - 1, int(len(ordered_microseconds) * part))] / 1000


@contextmanager
def _attempts(url: str) -> Iterator[Answers]:
    """From a process of their own, so that they do not delay the payments' sender."""
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_attempt, args=(url, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        if not ours.poll(READY_SECONDS_MAX):
            raise BenchError("whoever tries to sign in did not start")
        ours.recv()
        yield Answers(ours)
    finally:
        process.kill()
        process.join()
        ours.close()


class Answers:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def __call__(self) -> tuple[dict[str, int], float]:
        """Ends the attempts, and tells how they were answered and how long they went on."""
        self._connection.send("stop")
        if not self._connection.poll(READY_SECONDS_MAX):
            raise BenchError("whoever tries to sign in did not end")
        found: tuple[dict[str, int], float] = self._connection.recv()
        return found


def _attempt(url: str, connection: Connection) -> None:
    connection.send(asyncio.run(_attempt_until_told(url, connection)))


async def _attempt_until_told(url: str, connection: Connection) -> tuple[dict[str, int], float]:
    parts = urlsplit(url)
    answers: Counter[str] = Counter()
    under_way: set[asyncio.Task[None]] = set()
    connection.send("ready")
    started, made = time.monotonic(), 0
    while not connection.poll():
        due = int((time.monotonic() - started) * ATTEMPTS_PER_SECOND)
        while made < due:
            made += 1
            task = asyncio.create_task(_one(parts.hostname or "", parts.port or 80, made, answers))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
        await asyncio.sleep(0.002)
    seconds = time.monotonic() - started
    connection.recv()
    await asyncio.gather(*under_way)
    return dict(answers), seconds


async def _one(host: str, port: int, number: int, answers: Counter[str]) -> None:
    """On a connection of its own, as strangers come."""
    nobody = {"email": f"{secrets.token_hex(6)}@example.com", "password": secrets.token_urlsafe(16)}
    body = json.dumps(OWNER if number % RIGHT_EVERY == 0 else nobody)
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    reader, writer = await asyncio.open_connection(host, port)
    writer.write((head + body).encode())
    answer = await reader.read()
    answers[answer[9:12].decode()] += 1
    writer.close()
