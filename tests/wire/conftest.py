"""One server for all tests of the wire; each test keeps to objects which it has made itself."""

import json
import os
import secrets
import shutil
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
import stripe

from tests.services import node_command
from tests.wire.checking import CheckingClient, object_complaints, undocumented
from tests.wire.exchanges import Exchange
from tests.wire.harness import PUBLISHABLE_KEY, SECRET_KEY, RunningServer

RunNode = Callable[[str], list[Exchange]]
"""Runs a script of tests/wire/node; what it received comes back, and its failure is the test's."""

Connect = Callable[[str], stripe.StripeClient]

ORGANISATION = "acct_bursardevelopment"
"""The one that `bursar dev` makes."""

NODE_PROJECT = Path(__file__).parent / "node"
INSTALL_SECONDS_MAX = 120
SCRIPT_SECONDS_MAX = 60
EVENTS_MAX = 100_000  # more than all tests together cause


@dataclass(frozen=True)
class Keys:
    """Keys beside those of the test mode that the server starts with."""

    live_secret: str
    live_publishable: str
    other_organisation: str


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with RunningServer(tmp_path_factory.mktemp("bursar")) as running:
        yield running
        log = running.log()
        assert "Traceback" not in log, log[-4_000:]
        complaints = event_complaints(running)
        complaints += undocumented(running.raw("GET", "/openapi.json", key=None).json)
    assert not complaints, "what no single test has looked at:\n  " + "\n  ".join(complaints)


def event_complaints(server: RunningServer) -> list[str]:
    """Of every event that the tests have caused: all are sent to webhooks, whether a test has read them or not."""
    found: list[str] = []
    after, page = "", {"has_more": True}
    for _ in range(EVENTS_MAX // 100):
        if not page["has_more"]:
            break
        page = server.raw("GET", f"/v1/events?limit=100{after}").json
        for event in page["data"]:
            found += [f"{event['type']} {complaint}" for complaint in object_complaints(event)]
        after = f"&starting_after={page['data'][-1]['id']}"
    return found[:50]


@pytest.fixture(scope="session")
def keys(server: RunningServer) -> Keys:
    def make(*options: str) -> str:
        key: str = json.loads(server.command("keys", "create", *options, "--json"))["key"]
        return key

    live = ("--live", "--organisation", ORGANISATION)
    wanted = [live, (*live, "--kind", "publishable"), ("--new-organisation", "Another shop")]
    with ThreadPoolExecutor() as pool:  # each is a process that takes a second to start
        return Keys(*pool.map(lambda options: make(*options), wanted))


@pytest.fixture(scope="session")
def connect(server: RunningServer) -> Iterator[Callable[[str], stripe.StripeClient]]:
    """The official SDK with a given key, without its retries, which would hide an error behind a second try."""
    with closing(CheckingClient()) as http_client:
        yield lambda key: stripe.StripeClient(
            key, base_addresses={"api": server.base_url}, http_client=http_client, max_network_retries=0
        )


@pytest.fixture(scope="session")
def stripe_client(connect: Callable[[str], stripe.StripeClient]) -> stripe.StripeClient:
    return connect(SECRET_KEY)


@pytest.fixture(scope="session")
def browser(connect: Callable[[str], stripe.StripeClient]) -> stripe.StripeClient:
    """What runs on the customer's side: the publishable key is all that it has."""
    return connect(PUBLISHABLE_KEY)


@pytest.fixture
def mark() -> str:
    """A word that no other test has used: the server is shared, its lists and searches are not empty."""
    return secrets.token_hex(6)


@pytest.fixture(scope="session")
def sdk_environment(server: RunningServer) -> dict[str, str]:
    """What the suites in other languages are told of the server."""
    return {"BASE_URL": server.base_url, "SECRET_KEY": SECRET_KEY, "PUBLISHABLE_KEY": PUBLISHABLE_KEY}


@pytest.fixture(scope="session")
def node_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the Node project with the SDK installed; the checkout stays as it is."""
    directory = tmp_path_factory.mktemp("node") / "project"
    shutil.copytree(NODE_PROJECT, directory, ignore=shutil.ignore_patterns("node_modules"))
    npm = str(_node().with_name("npm"))
    _run_node([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], directory, INSTALL_SECONDS_MAX, {})
    return directory


@pytest.fixture(scope="session")
def run_node(node_project: Path, sdk_environment: dict[str, str]) -> RunNode:
    def run(script: str) -> list[Exchange]:
        output = _run_node([str(_node()), script], node_project, SCRIPT_SECONDS_MAX, sdk_environment)
        received: list[Exchange] = json.loads(output)
        return received

    return run


def _node() -> Path:
    command = node_command()
    assert command is not None, "the service mark lets no test run without Node.js"
    return Path(command[0])


def _run_node(command: list[str], directory: Path, seconds_max: int, variables: dict[str, str]) -> str:
    # npm starts whatever `node` comes first on the path, which may be an older one than was chosen.
    path = os.pathsep.join([str(_node().parent), os.environ.get("PATH", os.defpath)])
    done = subprocess.run(
        command,
        cwd=directory,
        env={**os.environ, "PATH": path, **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=seconds_max,
        check=False,
    )
    assert done.returncode == 0, f"{command}:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return done.stdout
