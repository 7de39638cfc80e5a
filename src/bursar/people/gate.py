"""The gate of the control plane: people by their tokens and cookies, programs by their keys."""

from __future__ import annotations

from collections.abc import Mapping

from bursar.http.asgi import Scope
from bursar.http.authentication import KeyDirectory, Principal, authenticate
from bursar.http.endpoint import Endpoint
from bursar.http.gates import admit_unknown
from bursar.http.requests import Headers


class ControlGate:
    def __init__(self, directory: KeyDirectory) -> None:
        self._directory = directory

    async def admit(self, endpoint: Endpoint, scope: Scope, headers: Headers, path: Mapping[str, str]) -> Principal:
        unknown = await admit_unknown(endpoint, path)
        if unknown is not None:
            return unknown
        principal = await authenticate(headers.authorization, self._directory)
        principal.require(endpoint.permission, publishable=endpoint.publishable)
        return principal
