"""A run: a load of payments, faults while it goes on, and then all checks."""

import random
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from bursar.kit.crash import EXIT_CRASHED, POINTS
from tests.faults import canary, checker
from tests.faults.pair import Pair
from tests.faults.payment_load import Load

BANK_POINTS = ("before_journal", "after_journal_before_answer")
ENDINGS_BETWEEN_KILLS_MAX = 25
MOMENT_SECONDS_MAX = 0.02  # longer than a request takes, so that a kill may meet any part of one
BANK_AWAY_SECONDS_MAX = 1.0
PASS_OF_A_REQUEST_MAX = 12
PASS_OF_A_RESOLVER_MAX = 3
CRASH_SECONDS_MAX = 60.0
KILLS_BETWEEN_LINES = 50
# Answers get lost while a point of the resolver is awaited: else there would be nothing to resolve.
LOST_REPLIES = 0.5


@dataclass(frozen=True)
class Kill:
    """Of `gateway`, `bank` or `both`; at a crash point where one is named, else from outside."""

    target: str
    point: str = ""


def new_chance() -> tuple[int, random.Random]:
    seed = secrets.randbelow(10**9)
    print(f"seed {seed}")
    return seed, random.Random(seed)  # noqa: S311 - to be replayed, not to be secret


def every_point() -> list[Kill]:
    return [Kill("gateway", point) for point in POINTS] + [Kill("bank", point) for point in BANK_POINTS]


def shuffled_kills(chance: random.Random, gateway: int, bank: int) -> list[Kill]:
    """So many of each; now and then both at once, and a third of them at crash points."""
    both = min(gateway, bank) // 6
    kills = [Kill("both")] * both
    for target, number, points in (("gateway", gateway, POINTS), ("bank", bank, BANK_POINTS)):
        at_points = (number - both) // 3
        kills += [Kill(target, points[place % len(points)]) for place in range(at_points)]
        kills += [Kill(target)] * (number - both - at_points)
    chance.shuffle(kills)
    return kills


@contextmanager
def loaded(pair: Pair, seed: int, **options: Any) -> Iterator[Load]:
    """Starts both and lets clients work; at the end every client has its answers."""
    pair.start("bank")
    pair.start("gateway")
    load = Load(pair, seed, **options)
    load.start()
    try:
        yield load
    except BaseException:
        # Nobody is left who could answer: the clients' waiting would hide what went wrong.
        load.give_up()
        raise
    finally:
        load.finish()


def kill_all(pair: Pair, load: Load, chance: random.Random, kills: Sequence[Kill]) -> None:
    began = time.monotonic()
    for place, kill in enumerate(kills, start=1):
        if place % KILLS_BETWEEN_LINES == 0:
            print(f"{place} of {len(kills)} kills after {time.monotonic() - began:.0f} s; {load.summary()}", flush=True)
        if kill.point:
            crash(pair, load, chance, kill)
        else:
            load.wait_for_endings(chance.randint(1, ENDINGS_BETWEEN_KILLS_MAX))
            # The moment is what is being tried: it must not be one at which the clients do the same thing each time.
            time.sleep(chance.uniform(0, MOMENT_SECONDS_MAX))
            kill_once(pair, chance, kill)


def kill_once(pair: Pair, chance: random.Random, kill: Kill) -> None:
    names = ["gateway", "bank"] if kill.target == "both" else [kill.target]
    chance.shuffle(names)
    for name in names:
        pair.process(name).kill()
    if kill.target == "bank" and chance.random() < 0.3:
        time.sleep(chance.uniform(0, BANK_AWAY_SECONDS_MAX))
    for name in names:
        pair.start(name)


def crash(pair: Pair, load: Load, chance: random.Random, kill: Kill) -> None:
    """Starts the target so that it will end by itself at a point, waits for that, and starts it again."""
    of_resolver = kill.point.startswith("resolver")
    number = chance.randint(1, PASS_OF_A_RESOLVER_MAX if of_resolver else PASS_OF_A_REQUEST_MAX)
    server = pair.process(kill.target)
    server.kill()
    pair.start(kill.target, crash_at=f"{kill.point}:{number}")
    if of_resolver:
        pair.set_faults(drop_reply=LOST_REPLIES)
    status = server.wait(CRASH_SECONDS_MAX)
    assert status == EXIT_CRASHED, f"{kill} ended with {status}: {load.complaints}\n{server.last_words()}"
    if of_resolver:
        pair.set_faults()
    pair.start(kill.target)


def assert_nothing_is_wrong(pair: Pair, load: Load, healed: float) -> None:
    """`healed` is when both processes were up again and the bank had no fault any more."""
    seconds = checker.await_resolution(pair, healed)
    wrong = checker.violations(pair, load)
    print(load.summary())
    print(f"{pair.slowest_starts()}; nothing was open {seconds:.1f} s after the last fault")
    assert wrong == [], "\n".join(wrong[:40])
    assert pair.gateway.terminate() in (0, -15)
    assert pair.bank.terminate() in (0, -15)
    assert canary.found(pair) == []
