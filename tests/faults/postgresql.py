"""`bursar serve` on a PostgreSQL database of its own, with a key made by the command line."""

import json
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import NullPool, create_engine, make_url, text
from tests.faults.process import PROGRAM, ServerProcess, clean_environment
from tests.services import server_url
from tests.wire.harness import _free_port


@contextmanager
def production_server(directory: Path) -> Iterator[tuple[ServerProcess, str, str]]:
    """The server, not yet started; a secret key; the database's address."""
    with own_database() as url:
        environment = {"BURSAR_DATABASE_URL": url, "BURSAR_SECRET_KEY": secrets.token_hex(32)}
        api_key = create_key(environment)
        port = _free_port()
        server = ServerProcess(["serve", "--port", str(port)], port, directory / "server.log", environment)
        try:
            yield server, api_key, url
        finally:
            server.discard()


@contextmanager
def own_database() -> Iterator[str]:
    address = make_url(server_url("postgresql") or "")
    name = f"bursar_test_{secrets.token_hex(6)}"
    engine = create_engine(address, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    try:
        yield address.set(database=name).render_as_string(hide_password=False)
    finally:
        with engine.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


def create_key(environment: dict[str, str], *options: str) -> str:
    done = subprocess.run(
        [PROGRAM, "keys", "create", "--new-organisation", "Shop", "--json", *options],
        env=clean_environment() | environment,
        capture_output=True,
        check=True,
    )
    return str(json.loads(done.stdout)["key"])
