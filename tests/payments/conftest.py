"""The running server of the tests of the wire, for what only real processes can show."""

from tests.wire.conftest import server

__all__ = ["server"]
