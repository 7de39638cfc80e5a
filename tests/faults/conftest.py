"""What the long forms demand and the short ones do not."""

import pytest

from tests.faults import process


@pytest.fixture(autouse=True)
def _speed(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.node.get_closest_marker("slow") is None:
        monkeypatch.setattr(process, "READY_SECONDS_MAX", process.START_SECONDS_MAX)
