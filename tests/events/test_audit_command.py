"""`bursar audit`: the same proof from the command line, with exit codes that programs can trust."""

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bursar.cli import app
from tests.events import small_log


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    small_log.build(folder / "bursar.db").close()
    return folder


@pytest.fixture
def anchor(data: Path, tmp_path: Path) -> Path:
    file = tmp_path / "elsewhere" / "anchor.json"
    file.parent.mkdir()
    assert run("anchor", str(file), "--data", str(data)).exit_code == 0
    return file


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["audit", *arguments], env={"BURSAR_CONFIG": ""})


def change(data: Path, *statements: str) -> None:
    with sqlite3.connect(data / "bursar.db") as connection:
        for statement in statements:
            assert connection.execute(statement).rowcount > 0
    connection.close()


def cut_off_a_lane(data: Path) -> None:
    chain = "org_id = 'acct_one' AND livemode = 1 AND lane = 0"
    change(data, f"DELETE FROM events WHERE {chain}", f"DELETE FROM event_heads WHERE {chain}")


def test_an_untouched_log_gives_exit_code_0_with_and_without_its_anchor(data: Path, anchor: Path) -> None:
    for options in ((), ("--anchor", str(anchor))):
        result = run("verify", *options, "--data", str(data), "--json")
        report = json.loads(result.stdout)
        assert result.exit_code == 0
        assert (report["whole"], report["rows"], report["chains"]) == (True, small_log.ROWS, small_log.CHAINS)
        assert report["anchored"] == (small_log.CHAINS if options else 0)
        assert report["problems"] == []


def test_a_changed_row_gives_exit_code_1_and_is_named(data: Path) -> None:
    change(data, "UPDATE events SET actor = 'nobody' WHERE id = (SELECT max(id) FROM events)")
    result = run("verify", "--data", str(data), "--json")
    report = json.loads(result.stdout)
    assert result.exit_code == 1
    assert report["whole"] is False
    assert "evt_" in report["problems"][0]


def test_bytes_that_are_no_text_give_exit_code_1_and_no_traceback(data: Path) -> None:
    change(data, "UPDATE events SET data = CAST(x'ff' AS TEXT) WHERE id = (SELECT min(id) FROM events)")
    result = run("verify", "--data", str(data), "--json")
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    assert "no text" in json.loads(result.stdout)["problems"][0]


def test_what_the_database_alone_cannot_tell_the_anchor_tells(data: Path, anchor: Path) -> None:
    cut_off_a_lane(data)
    assert run("verify", "--data", str(data)).exit_code == 0
    result = run("verify", "--anchor", str(anchor), "--data", str(data))
    assert result.exit_code == 1
    assert "acct_one live lane 0" in result.stderr
    assert "tampered" in result.stdout


def test_an_anchor_holds_every_head_and_says_what_it_is(anchor: Path) -> None:
    known = json.loads(anchor.read_bytes())
    assert known["format"] == "bursar-anchor-1"
    assert len(known["heads"]) == small_log.CHAINS
    assert set(known["heads"][0]) == {"org_id", "livemode", "lane", "sequence_number", "row_hash"}


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", b'{"format":"other","written":1,"heads":[]}', None])
def test_a_file_that_is_no_anchor_is_refused_in_words(data: Path, tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "wrong.json"
    if content is not None:
        file.write_bytes(content)
    result = run("verify", "--anchor", str(file), "--data", str(data))
    assert result.exit_code == 2
    assert "wrong.json" in result.stderr


def test_a_folder_without_a_database_is_refused_in_words(tmp_path: Path) -> None:
    result = run("verify", "--data", str(tmp_path))
    assert result.exit_code == 3
    assert "no database" in result.stderr


def test_the_installed_program_passes_the_exit_code_on(data: Path, anchor: Path) -> None:
    program = Path(sys.executable).parent / "bursar"
    command = [str(program), "audit", "verify", "--anchor", str(anchor), "--data", str(data), "--json"]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    cut_off_a_lane(data)
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == 1
    assert json.loads(done.stdout)["whole"] is False
