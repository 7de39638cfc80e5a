"""Customers and their events through the official Node SDK, its answers held against Python's annotations."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import stripe

from tests.services import node_command
from tests.wire.annotations import assert_conforms
from tests.wire.harness import PUBLISHABLE_KEY, SECRET_KEY, RunningServer

pytestmark = pytest.mark.service("node")

Exchange = dict[str, Any]

PROJECT = Path(__file__).parent / "node"
PROJECT_FILES = ("package.json", "package-lock.json", "customers.mjs")
INSTALL_SECONDS_MAX = 120
SCRIPT_SECONDS_MAX = 60

EXPECTED: dict[tuple[str, str], type] = {
    ("customers", "customer"): stripe.Customer,
    ("customers", "list"): stripe.ListObject[stripe.Customer],
    ("customers", "search_result"): stripe.SearchResultObject[stripe.Customer],
    ("events", "event"): stripe.Event,
    ("events", "list"): stripe.ListObject[stripe.Event],
}
"""What an answer has to be, by the resource in its path and the `object` it calls itself."""


@pytest.fixture(scope="session")
def node() -> Path:
    command = node_command()
    assert command is not None, "the service mark lets no test run without Node.js"
    found = shutil.which(command[0])
    assert found is not None, f"{command[0]} is no program"
    return Path(found)


@pytest.fixture(scope="session")
def project(node: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the Node project with the SDK installed; the checkout stays as it is."""
    directory = tmp_path_factory.mktemp("node")
    for name in PROJECT_FILES:
        shutil.copy(PROJECT / name, directory)
    npm = [str(node.with_name("npm")), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    run(npm, directory, INSTALL_SECONDS_MAX, node)
    return directory


@pytest.fixture(scope="session")
def exchanges(node: Path, project: Path, server: RunningServer) -> list[Exchange]:
    """Every answer that the script has received; it fails by itself where the SDK understood one wrongly."""
    variables = {
        "BASE_URL": server.base_url,
        "SECRET_KEY": SECRET_KEY,
        "PUBLISHABLE_KEY": PUBLISHABLE_KEY,
    }
    output = run([str(node), "customers.mjs"], project, SCRIPT_SECONDS_MAX, node, variables)
    received: list[Exchange] = json.loads(output)
    return received


def run(
    command: list[str],
    directory: Path,
    seconds_max: int,
    node: Path,
    variables: dict[str, str] | None = None,
) -> str:
    # npm starts whatever `node` comes first on the path, which may be an older one than was chosen.
    path = os.pathsep.join([str(node.parent), os.environ.get("PATH", os.defpath)])
    done = subprocess.run(
        command,
        cwd=directory,
        env={**os.environ, "PATH": path, **(variables or {})},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=seconds_max,
        check=False,
    )
    assert done.returncode == 0, f"{command}:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return done.stdout


def test_every_answer_conforms_to_the_annotations(exchanges: list[Exchange]) -> None:
    succeeded = [exchange for exchange in exchanges if exchange["status"] == 200]
    met = set()
    for exchange in succeeded:
        resource = exchange["path"].partition("?")[0].split("/")[2]
        kind = (resource, exchange["body"]["object"])
        assert_conforms(exchange["body"], EXPECTED[kind])
        met.add(kind)
    assert met == EXPECTED.keys(), "the script has to drive every kind of answer"


def test_every_refusal_is_an_error_object(exchanges: list[Exchange]) -> None:
    refusals = [exchange for exchange in exchanges if exchange["status"] != 200]
    assert {exchange["status"] for exchange in refusals} == {400, 401, 403, 404}
    for exchange in refusals:
        error = exchange["body"]["error"]
        assert error["type"] in ("invalid_request_error", "idempotency_error")
        assert error["message"]
