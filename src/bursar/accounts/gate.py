"""Keeps people out of organisations that are suspended. Keys are looked after where they are found."""

from __future__ import annotations

from collections.abc import Mapping

from bursar.accounts.organisations import OrganisationService
from bursar.http.asgi import Scope
from bursar.http.authentication import USER, Principal
from bursar.http.endpoint import Endpoint
from bursar.http.gates import Gate
from bursar.http.requests import Headers
from bursar.kit.permissions import PLATFORM_ADMIN, SELF
from bursar.store.columns import INSTALLATION


class ActiveGate:
    """Another gate, and behind it this question."""

    def __init__(self, gate: Gate, organisations: OrganisationService) -> None:
        self._gate = gate
        self._organisations = organisations

    async def admit(self, endpoint: Endpoint, scope: Scope, headers: Headers, path: Mapping[str, str]) -> Principal:
        principal = await self._gate.admit(endpoint, scope, headers, path)
        if principal.kind == USER and not _may_go_on(principal, endpoint):
            await self._organisations.require_active(principal.org_id)
        return principal


def _may_go_on(principal: Principal, endpoint: Endpoint) -> bool:
    """What is a person's own stays so, such as signing out or switching to another organisation; and whoever runs
    the platform still sees the books of whom they have suspended.
    """
    return (
        principal.org_id == INSTALLATION
        or principal.role == PLATFORM_ADMIN
        or endpoint.permission == SELF
        or endpoint.permission.startswith("platform.")
    )
