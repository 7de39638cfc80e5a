"""The installation's own streams, in its settings."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from bursar.settings import SettingsError, development, load, to_environment
from bursar.streams.schemas import read_installation_streams

STREAM = {"name": "warehouse", "kind": "kafka", "address": "kafka:9092", "destination": "payments"}


def settings_of(folder: Path, *streams: Mapping[str, object]) -> str:
    return development(folder, 8420, {"BURSAR_STREAMS": json.dumps(streams)}).streams or ""


def test_streams_are_read_from_json(tmp_path: Path) -> None:
    (found,) = read_installation_streams(settings_of(tmp_path, STREAM))
    assert (found.name, found.kind, found.events, found.begin) == ("warehouse", "kafka", ["*"], "now")


def test_streams_of_the_file_reach_worker_processes(tmp_path: Path) -> None:
    file = tmp_path / "bursar.toml"
    file.write_text(
        'development = true\ndatabase_url = "sqlite://"\n[[streams]]\nname = "warehouse"\nkind = "redis"\n'
        'address = "redis://redis/0"\ndestination = "payments"\n[streams.credentials]\npassword = "hush"\n'
    )
    settings = load(file, {})
    (found,) = read_installation_streams(load(None, to_environment(settings)).streams or "")
    assert found.credentials == {"password": "hush"}


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "carrier-pigeon"},
        {"name": "Not A Name"},
        {"address": "http://kafka:9092"},
        {"events": ["nothing"]},
        {"credentials": {"token": "x"}},
        {"unknown": 1},
    ],
)
def test_a_stream_that_cannot_work_keeps_the_server_from_starting(tmp_path: Path, change: dict[str, object]) -> None:
    with pytest.raises(SettingsError, match="BURSAR_STREAMS"):
        settings_of(tmp_path, {**STREAM, **change})


def test_two_streams_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="same name"):
        settings_of(tmp_path, STREAM, STREAM)
