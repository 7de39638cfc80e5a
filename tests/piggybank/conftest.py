"""A bank on a folder, closed afterwards."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.piggybank.harness import House


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path / "bank")
    yield house
    house.close()
