"""`bursar serve` as an operator starts it."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.ports import free_port
from tests.secrets_of_production import secret_variables

BURSAR = str(Path(sys.executable).parent / "bursar")
START_SECONDS_MAX = 90.0  # two processes import everything, perhaps beside other suites
SECRET_PERSON = "nobody-must-log-this@example.com"


def run(environment: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [BURSAR, *arguments], env={**os.environ, **environment}, capture_output=True, text=True, timeout=60, check=False
    )


def on_file(folder: Path) -> dict[str, str]:
    return {"BURSAR_DATABASE_URL": f"sqlite:///{folder / 'bursar.db'}", **secret_variables()}


def get(port: int, path: str, key: str = "") -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path, headers={"Authorization": f"Bearer {key}"} if key else {})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def wait_until_healthy(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < deadline:
        assert process.poll() is None, "the server died at its start"
        try:
            if get(port, "/healthz")[0] == 200:
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the server was not healthy in time")


def samples(metrics: bytes, name: str) -> dict[str, float]:
    lines = [line.rsplit(" ", 1) for line in metrics.decode().splitlines() if line.startswith(name)]
    return {labels: float(value) for labels, value in lines}


def test_two_workers_share_a_database_their_figures_and_an_end(tmp_path: Path) -> None:
    environment = on_file(tmp_path) | {"BURSAR_LOG_LEVEL": "info"}
    made: dict[str, Any] = json.loads(run(environment, "keys", "create", "--new-organisation", "Test", "--json").stdout)
    port = free_port()
    log = tmp_path / "log"
    with log.open("wb") as output:
        command = [BURSAR, "serve", "--port", str(port), "--workers", "2"]
        process = subprocess.Popen(command, env={**os.environ, **environment}, stdout=output, stderr=output)
    try:
        wait_until_healthy(port, process)
        for _ in range(20):
            status, _ = get(port, f"/v1/customers?email={SECRET_PERSON}", made["key"])
            assert status == 200
        _, metrics = get(port, "/metrics")
        counted = samples(metrics, 'bursar_http_requests_total{operation="list_customers"')
        assert sum(counted.values()) == 20, "whichever worker is asked tells of all of them"
    finally:
        process.send_signal(signal.SIGTERM)
        status = process.wait(60)
    assert status in (0, -signal.SIGTERM)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert sum(line["event"].startswith("Started server process") for line in lines) == 2
    assert SECRET_PERSON not in log.read_text()
    assert not any("color_message" in line for line in lines)


def test_a_server_that_may_not_migrate_refuses_a_database_without_schema(tmp_path: Path) -> None:
    ended = run(on_file(tmp_path) | {"BURSAR_MIGRATE_AT_START": "false"}, "serve", "--port", str(free_port()))
    assert (ended.returncode, "bursar migrate" in ended.stderr) == (3, True), ended.stderr


@pytest.mark.parametrize("url", ["oracle://somewhere/db", "nonsense", "unknown://host/db"])
@pytest.mark.parametrize("command", [("migrate",), ("serve",), ("keys", "list")])
def test_a_database_that_cannot_be_used_is_one_sentence(url: str, command: tuple[str, ...], tmp_path: Path) -> None:
    ended = run(on_file(tmp_path) | {"BURSAR_DATABASE_URL": url}, *command)
    assert ended.returncode == 3, ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.stderr.startswith("bursar:")
