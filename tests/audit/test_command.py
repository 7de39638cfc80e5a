"""`bursar audit list` and `export`: the log of any organisation on the command line."""

import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bursar.cli import app
from bursar.runtime import running
from bursar.settings import development
from bursar.store.log import Entry, Origin
from bursar.store.unit import Unit
from tests.audit.endpoints import ADDRESS, ORG, OTHER

ROWS = 30


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bursar")
    with running(development(folder, 0)) as runtime:
        for number in range(ROWS):
            entry = Entry(
                ORG if number % 3 else OTHER,
                number % 2,
                "customer.created" if number % 5 else "bursar.access.refused",
                f"cus_{number}",
                b'{"name":"=1+1"}',
                None,
                Origin(f"key_{number % 4}", ADDRESS, f"req_{number}"),
            )
            runtime.store.transact_blocking(lambda _, entry=entry: (None, Unit([], [entry])))  # type: ignore[misc]
    return folder


def run(data: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["audit", *arguments, "--data", str(data)])


def numbers(output: str) -> list[int]:
    return [int(entry["object_id"].removeprefix("cus_")) for entry in json.loads(output)]


def test_the_newest_come_first_of_all_organisations(data: Path) -> None:
    done = run(data, "list", "--json", "--limit", "12")
    assert done.exit_code == 0
    assert numbers(done.stdout) == list(range(ROWS - 1, ROWS - 13, -1))
    assert {entry["organisation"] for entry in json.loads(done.stdout)} == {ORG, OTHER}


def test_options_narrow_the_list(data: Path) -> None:
    for options, expected in [
        (["--organisation", OTHER], [number for number in range(ROWS) if not number % 3]),
        (["--actor", "key_3"], [number for number in range(ROWS) if number % 4 == 3]),
        (["--mode", "live", "--type", "bursar.access.*"], [5, 15, 25]),
        (["--object", "cus_7"], [7]),
        (["--request", "req_8"], [8]),
        (["--address", "192.0.2.99"], []),
        (["--since", "2100-01-01"], []),
        (["--until", "2100-01-01", "--actor", "key_0", "--organisation", ORG], [4, 8, 16, 20, 28]),
    ]:
        done = run(data, "list", "--json", "--limit", "100", *options)
        assert numbers(done.stdout) == sorted(expected, reverse=True), options


def test_people_get_a_table(data: Path) -> None:
    done = run(data, "list", "--object", "cus_5")
    assert "bursar.access.refused" in done.stdout
    assert "refused" in done.stdout
    assert ADDRESS in done.stdout


def test_an_export_is_a_file_of_exactly_what_was_asked_for(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "log.csv"
    done = run(data, "export", str(file), "--format", "csv", "--organisation", ORG, "--type", "customer.created")
    expected = [f"cus_{number}" for number in range(ROWS) if number % 3 and number % 5]
    assert f"{len(expected)} entries are in {file}" in done.stdout.replace("\n", "")
    with file.open(encoding="utf-8", newline="") as opened:
        assert [row["object_id"] for row in csv.DictReader(opened)] == expected


def test_without_a_file_it_goes_to_the_output(data: Path) -> None:
    done = run(data, "export")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(lines) == ROWS


@pytest.mark.parametrize(
    "arguments",
    [
        ["list", "--organisation", "acct_nobody"],
        ["list", "--type", "customer*"],
        ["list", "--actor", "ä"],
        ["export", "--organisation", "acct_nobody"],
    ],
)
def test_what_makes_no_sense_is_said_and_nothing_is_shown(data: Path, arguments: list[str]) -> None:
    done = run(data, *arguments)
    assert done.exit_code == 1
    assert "bursar:" in done.stderr


def test_a_file_that_cannot_be_written_is_said(data: Path, tmp_path: Path) -> None:
    done = run(data, "export", str(tmp_path / "no" / "such.jsonl"))
    assert done.exit_code == 2
    assert "cannot be written" in done.stderr
