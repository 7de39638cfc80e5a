"""Nobody waits here for a bank that is not there."""

import pytest

from bursar.attempts import commands


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "NOT_SENT_WAITS_SECONDS", ())
