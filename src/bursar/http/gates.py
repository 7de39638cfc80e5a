"""Who is let in where: each surface has its gate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from bursar.http.asgi import Scope
from bursar.http.authentication import ANONYMOUS, KeyDirectory, Principal, authenticate
from bursar.http.endpoint import Endpoint, Surface
from bursar.http.requests import Headers
from bursar.store.columns import INSTALLATION

NOBODY = Principal(INSTALLATION, 0, ANONYMOUS, ANONYMOUS)


class Gate(Protocol):
    async def admit(self, endpoint: Endpoint, scope: Scope, headers: Headers, path: Mapping[str, str]) -> Principal:
        """Who is calling, if they may do this; raises what they are told otherwise."""


Gates = Mapping[Surface, Gate]


class KeyGate:
    """The data plane: API keys, and nothing else."""

    def __init__(self, directory: KeyDirectory) -> None:
        self._directory = directory

    async def admit(self, endpoint: Endpoint, scope: Scope, headers: Headers, path: Mapping[str, str]) -> Principal:
        principal = await authenticate(headers.authorization, self._directory, scope)
        principal.require(endpoint.permission, publishable=endpoint.publishable)
        return principal


async def admit_unknown(endpoint: Endpoint, path: Mapping[str, str]) -> Principal | None:
    """Whoever needs no key here: nobody in particular, or somebody who pays. None where one must be known."""
    if endpoint.payer is not None:
        return await endpoint.payer(path)
    return NOBODY if endpoint.public else None
