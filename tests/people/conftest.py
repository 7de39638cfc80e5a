"""The house on a database in memory, for whatever does not depend on the database."""

from collections.abc import Iterator

import pytest

from bursar.store.engine import MEMORY_URL
from tests.databases import Database
from tests.people.harness import House, house_on


@pytest.fixture
def house() -> Iterator[House]:
    with house_on(Database("memory", MEMORY_URL)) as house:
        yield house
