"""Endpoints' signing secrets, sealed for the database."""

from __future__ import annotations

from bursar.kit.sealing import Sealing
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
