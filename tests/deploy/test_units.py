"""The units of systemd start what is there, with settings that are there."""

import configparser
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import typer

from bursar.cli import app
from bursar.settings import VARIABLE_PREFIX, Settings

FOLDER = Path(__file__).parents[2] / "deploy" / "systemd"
UNITS = sorted(FOLDER.glob("*.service"))


def read(unit: Path) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(unit.read_text(encoding="utf-8"))
    return parser


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_starts_a_command_with_settings_that_are_there(unit: Path) -> None:
    service = read(unit)["Service"]
    words = service["ExecStart"].split()
    assert words[0] == "/opt/bursar/bin/bursar"
    command = typer.main.get_command(app).commands[words[1]]  # type: ignore[attr-defined]
    known = {spelling for parameter in command.params for spelling in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= known
    for name in re.findall(rf"^Environment={VARIABLE_PREFIX}(\w+)=", unit.read_text(), re.MULTILINE):
        assert name.lower() in Settings.__struct_fields__
    assert int(service["TimeoutStopSec"]) > Settings().shutdown_seconds


def test_what_the_server_leaves_undone_the_worker_does() -> None:
    assert [unit.name for unit in UNITS] == ["bursar-worker.service", "bursar.service"]
    assert read(UNITS[1])["Service"]["Environment"] == "BURSAR_WORKER_ROLES=none"
    assert "--role" not in read(UNITS[0])["Service"]["ExecStart"]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here to ask")
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_understands_a_unit(unit: Path, tmp_path: Path) -> None:
    text = unit.read_text(encoding="utf-8").replace("/opt/bursar/bin/bursar", "/bin/true")
    (tmp_path / unit.name).write_text(text, encoding="utf-8")
    asked = ["systemd-analyze", "verify", "--man=no", str(tmp_path / unit.name)]
    done = subprocess.run(asked, capture_output=True, text=True, timeout=60, check=False)
    assert unit.name not in done.stderr, done.stderr
