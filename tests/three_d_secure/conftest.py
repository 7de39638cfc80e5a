"""The server of the tests of the wire, one for all tests here."""

from tests.wire.conftest import connect, server, stripe_client

__all__ = ["connect", "server", "stripe_client"]
