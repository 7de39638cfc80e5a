"""`bursar serve` as in production: settings by the environment, keys by the command line."""

import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.faults.process import PROGRAM, ServerProcess, clean_environment
from tests.secrets_of_production import secret_variables
from tests.wire.harness import _free_port


@contextmanager
def production_server(directory: Path, database_url: str) -> Iterator[ServerProcess]:
    """Not yet started, so that keys can be made before."""
    environment = {"BURSAR_DATABASE_URL": database_url, **secret_variables()}
    port = _free_port()
    server = ServerProcess(["serve", "--port", str(port)], port, directory / "server.log", environment)
    try:
        yield server
    finally:
        server.discard()


def create_key(server: ServerProcess, *options: str) -> dict[str, Any]:
    """What `bursar keys create` shows once; a new organisation unless the options name one."""
    known = () if "--organisation" in options else ("--new-organisation", "Shop")
    created: dict[str, Any] = command_json(server.environment, "keys", "create", *known, *options)
    return created


def command_json(environment: Mapping[str, str], *arguments: str) -> Any:
    done = run_command(environment, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def run_command(environment: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PROGRAM, *arguments],
        env=clean_environment() | dict(environment),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
