"""What was answered is there after a crash, wherever the process ends."""

import http.client
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.piggybank.harness import BankServer, authorization, served

THREADS = 4
KILLS = 3
ANSWERED_PER_ROUND = 60


def _charge(bank: BankServer, name: str, answered: list[str], enough: threading.Semaphore) -> None:
    for number in range(100_000):
        reference = f"{name}-{number}"
        try:
            bank.post("/v1/authorizations", authorization(reference))
        except (OSError, http.client.HTTPException):
            return
        answered.append(reference)
        enough.release()


def test_answered_operations_survive_kill_9(tmp_path: Path) -> None:
    answered: list[str] = []
    with served(tmp_path) as bank:
        for kill in range(KILLS):
            enough = threading.Semaphore(0)
            threads = [
                threading.Thread(target=_charge, args=(bank, f"{kill}-{thread}", answered, enough))
                for thread in range(THREADS)
            ]
            for thread in threads:
                thread.start()
            for _ in range(ANSWERED_PER_ROUND):
                assert enough.acquire(timeout=30)
            bank.kill()
            for thread in threads:
                thread.join()
            bank.start()
        found = {entry["reference"]: entry for entry in bank.journal() if entry["kind"] == "authorization"}
        assert len(answered) >= KILLS * ANSWERED_PER_ROUND
        assert [reference for reference in answered if reference not in found] == []
        assert len(found) <= len(answered) + KILLS * THREADS, "at most one per connection was not answered"
        sample = answered[-1]
        assert bank.post("/v1/authorizations", authorization(sample))["id"] == found[sample]["id"]


@pytest.mark.parametrize(("point", "is_there"), [("before_journal", False), ("after_journal_before_answer", True)])
def test_crash_points(tmp_path: Path, point: str, is_there: bool) -> None:
    with served(tmp_path, PIGGYBANK_CRASH_AT=f"{point}:3") as bank:
        for number in (1, 2):
            assert bank.post("/v1/authorizations", authorization(f"r{number}"))["status"] == "approved"
        with pytest.raises((OSError, http.client.HTTPException)):
            bank.post("/v1/authorizations", authorization("r3"))
        assert bank.wait() == 86
        bank.environment = {}
        bank.start()
        assert bank.inquire("r2") is not None
        assert (bank.inquire("r3") is not None) == is_there
        assert bank.post("/v1/authorizations", authorization("r3"))["captured"] == 1000


def test_it_ends_with_its_standard_input_and_keeps_everything(tmp_path: Path) -> None:
    with served(tmp_path) as bank:
        bank.post("/v1/authorizations", authorization("kept"))
        assert bank.stop() == 0
        bank.start()
        assert bank.inquire("kept") is not None


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({}, "PIGGYBANK_API_KEY"),
        ({"PIGGYBANK_API_KEY": "k", "PIGGYBANK_WEBHOOK_URL": "http://x/"}, "PIGGYBANK_WEBHOOK_SECRET"),
        ({"PIGGYBANK_API_KEY": "k", "PIGGYBANK_CRASH_AT": "nowhere"}, "PIGGYBANK_CRASH_AT"),
    ],
)
def test_wrong_settings_are_explained(tmp_path: Path, environment: dict[str, str], said: str) -> None:
    command = [sys.executable, "-m", "piggybank", "serve", "--port", "0", "--data", str(tmp_path / "data")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 3
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_damaged_journal_refuses_to_start(tmp_path: Path) -> None:
    with served(tmp_path) as bank:
        bank.post("/v1/authorizations", authorization("changed"))
        bank.stop()
        journal = tmp_path / "data" / "journal.jsonl"
        journal.write_bytes(journal.read_bytes().replace(b'"amount":1000', b'"amount":9000'))
        with pytest.raises(AssertionError, match="not as it was written"):
            bank.start()
        assert bank.wait() == 4
