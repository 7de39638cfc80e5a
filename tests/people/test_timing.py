"""How long a refusal takes tells nothing of why."""

import random
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bursar.kit.slow_hash import SlowHash
from bursar.people.lockout import PAUSE_SECONDS
from bursar.store.engine import MEMORY_URL
from tests.databases import Database
from tests.people.harness import EMAIL, House, house_on

ROUNDS = 25
# Of the median. Leaving out the hash for unknown addresses makes it more than ten times less.
DIFFERENCE_MAX = 0.3
CASES = {
    "unknown address": "nobody@example.test",
    "wrong password": EMAIL,
    "disabled": "gone@example.test",
    "without a password": "provider@example.test",
}


class Hasty(SlowHash):
    """What must not be: whoever is not there is refused at once."""

    async def matches(self, secret: str, known: str | None) -> bool:
        return known is not None and await super().matches(secret, known)


pytestmark = pytest.mark.skipif(
    not Path("/proc/self/schedstat").exists(), reason="only Linux tells exactly what another process has used"
)


@pytest.fixture(params=[SlowHash, Hasty])
def house(request: pytest.FixtureRequest) -> Iterator[House]:
    with house_on(Database("memory", MEMORY_URL), request.param()) as house:
        house.user()
        house.user("provider@example.test", None)
        gone = house.user("gone@example.test")
        house.run(house.identity.people.set_disabled(gone, disabled=True))
        yield house


def processor_seconds(house: House, email: str) -> float:
    """Of this process and of the one that hashes: other programs on this machine do not change it."""
    house.clock.advance(PAUSE_SECONDS)  # so that nobody is locked out, and all begin alike
    started, hashed = time.process_time(), hashing_seconds(house)
    assert house.login(email, "a wrong password").status == 401
    return time.process_time() - started + hashing_seconds(house) - hashed


def hashing_seconds(house: House) -> float:
    process = house.slow_hash._process
    if process is None:
        return 0.0
    nanoseconds = Path(f"/proc/{process.pid}/schedstat").read_text().split()[0]
    return int(nanoseconds) / 1e9


def medians(house: House) -> dict[str, float]:
    """Each case as often as the others, in an order that follows nothing."""
    order = [case for case in CASES for _ in range(ROUNDS)]
    random.Random(1).shuffle(order)  # noqa: S311
    taken: dict[str, list[float]] = {case: [] for case in CASES}
    for email in CASES.values():
        processor_seconds(house, email)  # the first time loads what is needed
    for case in order:
        taken[case].append(processor_seconds(house, CASES[case]))
    return {case: statistics.median(seconds) for case, seconds in taken.items()}


def test_every_refusal_costs_the_same(house: House) -> None:
    found = medians(house)
    spread = max(found.values()) / min(found.values()) - 1
    if isinstance(house.slow_hash, Hasty):
        assert spread > 1, f"this measurement would not find the difference: {found}"
    else:
        assert spread < DIFFERENCE_MAX, found
