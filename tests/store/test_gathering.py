"""Under load a batch gathers for a moment; whoever is alone is served at once."""

from __future__ import annotations

import concurrent.futures
import threading
import time
from typing import Any

import pytest

from bursar.store import writer
from bursar.store.unit import Unit
from bursar.store.writer import Ticket, WriteQueue


def _put(queue: WriteQueue, units: int) -> None:
    for _ in range(units):
        future: concurrent.futures.Future[Any] = concurrent.futures.Future()
        queue.put(Ticket(Unit(), None, future, None))


def test_one_after_the_other_nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "GATHER_SECONDS", 3_600.0)
    queue = WriteQueue()
    for _ in range(3):
        _put(queue, 1)
        assert len(queue.take()) == 1


def test_behind_a_crowd_the_next_units_are_gathered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "GATHER_SECONDS", 0.3)
    queue = WriteQueue()
    _put(queue, 2)
    assert len(queue.take()) == 2
    _put(queue, 1)
    started = time.monotonic()
    late = threading.Timer(0.05, _put, (queue, 1))
    late.start()
    assert len(queue.take()) == 2
    assert time.monotonic() - started > 0.1
    late.join()


def test_enough_units_are_not_kept_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "GATHER_SECONDS", 3_600.0)
    queue = WriteQueue()
    _put(queue, 2)
    queue.take()
    _put(queue, writer.GATHERED_ENOUGH)
    assert len(queue.take()) == writer.GATHERED_ENOUGH


def test_a_queue_that_closes_hands_out_what_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "GATHER_SECONDS", 3_600.0)
    queue = WriteQueue()
    _put(queue, 2)
    queue.take()
    _put(queue, 1)
    threading.Timer(0.05, queue.close).start()
    assert len(queue.take()) == 1
    assert queue.take() == []
