"""The server of the tests of the wire, one for all tests here, and an empty database."""

from pathlib import Path

import pytest

from tests.databases import Database, sqlite_database
from tests.wire.conftest import browser, connect, mark, server, stripe_client

__all__ = ["browser", "connect", "database", "mark", "server", "stripe_client"]


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return sqlite_database(tmp_path)
