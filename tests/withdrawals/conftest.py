from collections.abc import Iterator

import pytest

from bursar.kit.clock import ManualClock
from bursar.store.engine import MEMORY_URL
from tests.databases import Database
from tests.wallets.harness import House, house_on


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def house(clock: ManualClock) -> Iterator[House]:
    with house_on(Database("memory", MEMORY_URL), clock) as made:
        yield made
