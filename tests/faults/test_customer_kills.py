"""kill -9 at any moment: nothing that was acknowledged is lost, nothing happens twice, the log is whole."""

import random
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.databases import new_database
from tests.faults import customer_checker as checker
from tests.faults import process
from tests.faults.customer_load import Load, every_customer
from tests.faults.process import ServerProcess, dev_server
from tests.faults.production import create_key, production_server
from tests.wire.harness import SECRET_KEY

ANSWERS_BETWEEN_KILLS_MAX = 120
MOMENT_SECONDS_MAX = 0.02  # longer than a request takes, so that a kill may meet any part of one


@dataclass
class Subject:
    """What is killed, and how its data is looked at from outside."""

    server: ServerProcess
    api_key: str
    database_url: str


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Subject]:
    server = dev_server(tmp_path)
    yield Subject(server, SECRET_KEY, f"sqlite:///{tmp_path / 'data' / 'bursar.db'}")
    server.discard()


@pytest.fixture
def postgresql(tmp_path: Path) -> Iterator[Subject]:
    with new_database("postgresql") as database, production_server(tmp_path, database.url) as server:
        yield Subject(server, create_key(server)["key"], database.url)


def run_with_kills(subject: Subject, kills: int, *, forgets_its_key: bool = False) -> tuple[Load, list[float]]:
    """The load, every order of it answered in the end, and how long each start took."""
    seed = secrets.randbelow(10**9)
    print(f"seed {seed}")
    chance = random.Random(seed)  # noqa: S311 - to be replayed, not to be secret
    server = subject.server
    starts = [server.start()]
    load = Load(server, subject.api_key, seed, forgets_its_key=forgets_its_key)
    load.start()
    try:
        for _ in range(kills):
            load.wait_for_acknowledged(chance.randint(1, ANSWERS_BETWEEN_KILLS_MAX))
            # The moment is what is being tried: it must not be one at which the clients do the same thing each time.
            time.sleep(chance.uniform(0, MOMENT_SECONDS_MAX))
            load.server_goes_down()
            server.kill()
            starts.append(server.start())
            load.server_is_back()
    except BaseException:
        load.retries = False  # there is nobody left who could answer
        raise
    finally:
        load.finish()
    assert load.complaints == []
    return load, starts


def assert_nothing_is_wrong(subject: Subject, load: Load, starts: list[float]) -> None:
    connection = subject.server.connection()
    wrong = checker.violations(connection, subject.api_key, load.acknowledged, subject.database_url)
    connection.close()
    print(f"{len(load.acknowledged)} orders acknowledged; {len(starts)} starts, the slowest {max(starts):.2f} s")
    assert wrong == []
    assert max(starts) <= process.READY_SECONDS_MAX
    assert subject.server.terminate() in (0, -15)


def test_no_acknowledged_customer_is_lost_and_none_made_twice_by_kills(sqlite: Subject) -> None:
    load, starts = run_with_kills(sqlite, kills=3)
    assert_nothing_is_wrong(sqlite, load, starts)


@pytest.mark.slow
def test_a_hundred_kills_lose_nothing_and_repeat_nothing(sqlite: Subject) -> None:
    load, starts = run_with_kills(sqlite, kills=100)
    assert_nothing_is_wrong(sqlite, load, starts)


@pytest.mark.slow
@pytest.mark.service("postgresql")
def test_a_hundred_kills_lose_nothing_and_repeat_nothing_on_postgresql(postgresql: Subject) -> None:
    load, starts = run_with_kills(postgresql, kills=100)
    assert_nothing_is_wrong(postgresql, load, starts)


@pytest.mark.slow
def test_the_checker_turns_red_when_a_retry_is_taken_for_a_new_request(sqlite: Subject) -> None:
    """The planted bug: without an idempotency row a retry would do what a retry with another key does."""
    load, _ = run_with_kills(sqlite, kills=8, forgets_its_key=True)
    connection = sqlite.server.connection()
    wrong = checker.not_exactly_once(load.acknowledged, every_customer(connection, SECRET_KEY))
    connection.close()
    assert any("2 customers" in complaint for complaint in wrong)


@pytest.mark.slow
def test_the_checker_turns_red_when_an_acknowledged_customer_is_gone(sqlite: Subject) -> None:
    load, _ = run_with_kills(sqlite, kills=1)
    connection = sqlite.server.connection()
    connection.request("DELETE", f"/v1/customers/{load.acknowledged[0].id}", headers=_authorised())
    assert connection.getresponse().read()
    wrong = checker.violations(connection, SECRET_KEY, load.acknowledged, sqlite.database_url)
    connection.close()
    assert len([complaint for complaint in wrong if load.acknowledged[0].id in complaint]) == 1
    assert any("0 customers" in complaint for complaint in wrong)


def _authorised() -> dict[str, str]:
    return {"Authorization": f"Bearer {SECRET_KEY}"}
