"""The server of the tests of the wire, one for all tests here."""

import json
from collections.abc import Callable

import pytest
import stripe

from tests.wire.conftest import connect, mark, server, stripe_client
from tests.wire.harness import RunningServer

__all__ = ["connect", "mark", "server", "stripe_client"]


@pytest.fixture(scope="session")
def stranger(server: RunningServer, connect: Callable[[str], stripe.StripeClient]) -> stripe.StripeClient:
    """Another organisation."""
    made = json.loads(server.command("keys", "create", "--new-organisation", "Another shop", "--json"))
    return connect(made["key"])
