"""The whole application, for what is looked at as people do."""

from collections.abc import Iterator

import pytest

from tests.control.house import House, standing


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with standing() as house:
        yield house
