"""What opens brokers, sealed for the database."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from bursar.kit.sealing import Sealing
from bursar.people.secrets import Secrets
from bursar.streams.repository import StreamKey

SEALING_PURPOSE = "credentials of streams"


class StreamCredentials:
    """Each is bound to its stream: a row that was moved to another one cannot be opened."""

    def __init__(self, secret_key: str, secret_key_previous: str | None = None) -> None:
        self._sealing = Sealing(Secrets(secret_key, secret_key_previous).keys(SEALING_PURPOSE))

    def seal(self, credentials: Mapping[str, str], key: StreamKey) -> str:
        return self._sealing.seal(msgspec.json.encode(credentials), *key)

    def unseal(self, sealed: str, key: StreamKey) -> dict[str, str]:
        """Raises SealBroken."""
        return msgspec.json.decode(self._sealing.unseal(sealed, *key), type=dict[str, str])
