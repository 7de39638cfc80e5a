"""Endpoints' signing secrets, sealed for the database."""

from __future__ import annotations

import msgspec

from bursar.http.call import Call
from bursar.http.endpoint import encode
from bursar.kit.sealing import SealBroken, Sealing
from bursar.people.secrets import Secrets

SEALING_PURPOSE = "webhook signing secrets"


class EndpointSecrets:
    """Each is bound to its endpoint: a row that was moved to another one cannot be opened."""

    def __init__(self, secret_key: str, secret_key_previous: str | None = None) -> None:
        self._sealing = Sealing(Secrets(secret_key, secret_key_previous).keys(SEALING_PURPOSE))

    def seal(self, secret: str, org_id: str, livemode: int, endpoint_id: str) -> str:
        return self._sealing.seal(secret.encode(), org_id, livemode, endpoint_id)

    def unseal(self, sealed: str, org_id: str, livemode: int, endpoint_id: str) -> str:
        """Raises SealBroken."""
        return self._sealing.unseal(sealed, org_id, livemode, endpoint_id).decode()

    def kept(self, answer: msgspec.Struct, sealed: str) -> bytes:
        """An answer that shows a secret, as it is kept for retries: with the secret as the database has it."""
        return encode(msgspec.structs.replace(answer, secret=sealed))

    def restored(self, call: Call, kept: bytes) -> bytes:
        """What was answered, byte by byte. A secret that cannot be opened any more is left away."""
        answer = msgspec.json.decode(kept)
        try:
            answer["secret"] = self.unseal(answer["secret"], call.org_id, call.livemode, answer["id"])
        except SealBroken:
            answer["secret"] = None
        return msgspec.json.encode(answer)
