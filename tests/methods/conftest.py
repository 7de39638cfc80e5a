"""The server of the tests of the wire, one for all tests here."""

from tests.wire.conftest import connect, mark, server, stripe_client

__all__ = ["connect", "mark", "server", "stripe_client"]
