"""`bursar books verify`: what people and programs are told, and by which exit code."""

import json
import os
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from tests.books.world import ORG, World
from tests.wire.harness import RunningServer

pytestmark = pytest.mark.parametrize("world", ["sqlite"], indirect=True)

COMMAND_SECONDS_MAX = 60
RIGHT, WRONG, USAGE, UNAVAILABLE = 0, 1, 2, 4


@pytest.fixture
def folder(world: World, tmp_path: Path) -> Path:
    """A copy of the world's data, to be meddled with."""
    return Path(copytree(world.data, tmp_path / "data"))


def verify(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = str(Path(sys.executable).parent / "bursar")
    own = {name: value for name, value in os.environ.items() if not name.startswith("BURSAR_")}
    return subprocess.run(
        [program, "books", "verify", "--data", str(folder), *arguments],
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS_MAX,
        check=False,
        env=own | {"COLUMNS": "200", "NO_COLOR": "1"},
    )


def meddle(folder: Path, statement: str, *values: Any) -> None:
    with closing(sqlite3.connect(folder / "bursar.db")) as database, database:
        assert database.execute(statement, values).rowcount > 0


def test_books_that_are_right_end_with_0(folder: Path) -> None:
    done = verify(folder)
    assert done.returncode == RIGHT, done.stderr
    assert "The books are right: " in done.stdout
    # The bank has ended with its server, and left its journal behind.
    assert f"the bank's journal at {folder / 'piggybank' / 'data' / 'journal.jsonl'}" in done.stdout.replace("\n", " ")
    assert done.stderr == ""


def test_programs_get_json(folder: Path) -> None:
    told = json.loads(verify(folder, "--json").stdout)
    assert told["clean"] is True
    assert told["findings"] == told["open"] == []
    assert {of["currency"] for of in told["books"]} == {"usd", "jpy"}


def test_books_that_are_wrong_end_with_1_and_name_why(world: World, folder: Path) -> None:
    charge = world.ids["charge of sale"]
    meddle(folder, "UPDATE charges SET captured_minor = 1999 WHERE id = ?", charge)
    done = verify(folder)
    assert done.returncode == WRONG
    assert f"L5: {ORG} test {charge}: its document says 2000 captured, its row 1999, its postings 2000" in done.stderr
    assert "The books are wrong: " in done.stdout
    told = json.loads(verify(folder, "--json").stdout)
    assert told["clean"] is False
    assert {"org_id": ORG, "livemode": 0, "rule": "L5", "subject": charge} in [
        {name: value for name, value in finding.items() if name != "problem"} for finding in told["findings"]
    ]


def test_the_first_hundred_findings_are_named_and_the_rest_counted(folder: Path) -> None:
    for table in ("events", "attempts"):
        meddle(folder, f"DELETE FROM {table}")
    told = json.loads(verify(folder, "--json", "--journal", "none").stdout)
    assert len(told["findings"]) == 100
    assert told["findings_unnamed"] > 0
    assert sum(told["findings_by_rule"].values()) == 100 + told["findings_unnamed"]
    assert f"… and {told['findings_unnamed']} more findings" in verify(folder, "--journal", "none").stderr


def test_the_bank_can_be_left_out(folder: Path) -> None:
    (folder / "piggybank" / "data" / "journal.jsonl").write_text("")
    assert verify(folder).returncode == WRONG
    done = verify(folder, "--journal", "none")
    assert done.returncode == RIGHT
    assert "without a journal of the bank" in done.stdout


def test_a_journal_can_be_named(folder: Path, tmp_path: Path) -> None:
    file = (folder / "piggybank" / "data" / "journal.jsonl").rename(tmp_path / "copy.jsonl")
    assert verify(folder, "--journal", str(file)).returncode == RIGHT


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--journal", "nothing.jsonl"), UNAVAILABLE, "nothing.jsonl cannot be read"),
        (("--journal", "http://127.0.0.1:9"), USAGE, "BURSAR_PIGGYBANK_API_KEY"),
        (("--organisation", "acct_nobody"), USAGE, "There is no organisation acct_nobody"),
    ],
)
def test_what_makes_no_sense_is_refused(folder: Path, arguments: tuple[str, ...], code: int, said: str) -> None:
    done = verify(folder, *arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr.replace("\n", " ")


def test_one_organisation_can_be_chosen(folder: Path) -> None:
    meddle(folder, "UPDATE charges SET org_id = 'acct_other'")
    assert verify(folder, "--organisation", ORG).returncode == WRONG
    columns = "org_id, version, name, name_folded, code, category, currency, created"
    values = "'acct_new', 1, 'New', 'new', 'NEW', 'other', 'usd', 0"
    meddle(folder, f"INSERT INTO organisations ({columns}) VALUES ({values})")
    done = verify(folder, "--organisation", "acct_new")
    assert done.returncode == RIGHT
    assert "0 payment intents" in done.stdout


def test_it_may_run_while_the_server_works(world: World, tmp_path: Path) -> None:
    """Whatever is under way is open or not there yet, and never wrong; the journal comes from the bank itself."""
    stop = threading.Event()
    body = b"amount=2000&currency=usd&confirm=true&payment_method=pm_card_visa"

    def pay(server: RunningServer) -> None:
        while not stop.is_set():
            assert server.raw("POST", "/v1/payment_intents", body=body).status == 200

    with RunningServer(tmp_path) as server:
        clients = [threading.Thread(target=pay, args=(server,)) for _ in range(2)]
        for client in clients:
            client.start()
        try:
            for _ in range(3):
                done = verify(tmp_path / "data")
                assert done.returncode == RIGHT, done.stderr
                assert "the bank's journal at http://127.0.0.1:" in done.stdout
        finally:
            stop.set()
            for client in clients:
                client.join()
