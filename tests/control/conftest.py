"""One house for all tests of a module; each test keeps to organisations which it has made itself."""

from collections.abc import Iterator

import pytest

from tests.control.house import House, standing


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with standing() as house:
        yield house
