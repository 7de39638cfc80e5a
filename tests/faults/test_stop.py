"""SIGTERM under load: what was begun is brought to its end and answered; what was not begun does not happen."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults import customer_checker as checker
from tests.faults.customer_load import Load, every_customer
from tests.faults.process import ServerProcess, dev_server
from tests.wire.harness import SECRET_KEY

ORDERLY = (0, -15)  # servers differ in whether they end with 0 or pass the signal on


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    server = dev_server(tmp_path)
    yield server
    server.discard()


def stop_under_load(server: ServerProcess, answers: int) -> Load:
    load = Load(server, SECRET_KEY, secrets.randbelow(10**9), retries=False)
    load.start()
    try:
        load.wait_for_acknowledged(answers)
        assert server.terminate() in ORDERLY
    except BaseException:
        server.discard()  # else the clients would go on
        raise
    finally:
        load.finish()
    assert load.complaints == []
    return load


def assert_every_effect_was_answered(server: ServerProcess, loads: list[Load]) -> None:
    """A request whose answer was swallowed would show as a customer that nobody has been told of."""
    server.start()
    connection = server.connection()
    acknowledged = [one for load in loads for one in load.acknowledged]
    assert checker.not_exactly_once(acknowledged, every_customer(connection, SECRET_KEY)) == []
    assert checker.lost_or_changed(connection, SECRET_KEY, acknowledged) == []
    connection.close()


def test_a_stop_under_load_answers_everything_that_it_carried_out(server: ServerProcess) -> None:
    server.start()
    load = stop_under_load(server, 200)
    assert load.unanswered, "no client met the stop: the test has shown nothing"
    assert_every_effect_was_answered(server, [load])
    assert server.terminate() in ORDERLY


@pytest.mark.slow
def test_twenty_stops_under_load_answer_everything_that_they_carried_out(server: ServerProcess) -> None:
    loads = []
    for number in range(20):
        server.start()
        loads.append(stop_under_load(server, 10 * (number + 1)))
    assert_every_effect_was_answered(server, loads)


def test_an_idle_server_with_an_open_connection_stops_at_once(server: ServerProcess) -> None:
    server.start()
    connection = server.connection()
    connection.request("GET", "/healthz")
    assert connection.getresponse().read()
    assert server.terminate() in ORDERLY
    connection.close()
