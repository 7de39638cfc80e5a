"""The running server of the tests of the wire, for what is looked at through a browser."""

from collections.abc import Iterator

import pytest

from tests.wire.harness import RunningServer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with RunningServer(tmp_path_factory.mktemp("bursar")) as running:
        yield running
