"""One server for all tests of the wire; each test keeps to objects which it has made itself."""

import secrets
from collections.abc import Iterator
from contextlib import closing

import pytest
import stripe

from tests.wire.harness import SECRET_KEY, RunningServer


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with RunningServer(tmp_path_factory.mktemp("bursar")) as running:
        yield running


@pytest.fixture
def stripe_client(server: RunningServer) -> Iterator[stripe.StripeClient]:
    """The official SDK without its retries, which would hide a server error behind a second try."""
    with closing(stripe.new_default_http_client()) as http_client:
        yield stripe.StripeClient(
            SECRET_KEY,
            base_addresses={"api": server.base_url},
            http_client=http_client,
            max_network_retries=0,
        )


@pytest.fixture
def mark() -> str:
    """A word that no other test has used: the server is shared, its lists and searches are not empty."""
    return secrets.token_hex(6)
