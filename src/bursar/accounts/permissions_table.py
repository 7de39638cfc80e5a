"""The table of permissions: which routes need each of them, and which roles have it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import msgspec

from bursar.http.endpoint import Endpoint
from bursar.http.paging import Page
from bursar.kit.permissions import CATALOGUE, ROLES

URL = "/api/v1/permissions"


class Route(msgspec.Struct, kw_only=True):
    method: str
    path: str


class PermissionShown(msgspec.Struct, kw_only=True):
    """A permission: what it allows, the routes that need it, and the built-in roles that have it."""

    id: str
    object: Literal["permission"] = "permission"
    # Whether an API key may have it.
    keys: bool
    roles: list[str]
    routes: list[Route]
    title: str


class PermissionTable:
    """Made of the declared endpoints, once somebody asks."""

    def __init__(self, endpoints: Callable[[], Sequence[Endpoint]]) -> None:
        self._endpoints = endpoints
        self._page: Page[PermissionShown] | None = None

    def page(self) -> Page[PermissionShown]:
        if self._page is None:
            self._page = Page(data=self._rows(), has_more=False, url=URL)
        return self._page

    def _rows(self) -> list[PermissionShown]:
        routes: dict[str, list[Route]] = {}
        for endpoint in self._endpoints():
            if not endpoint.public and endpoint.payer is None:
                routes.setdefault(endpoint.permission, []).append(Route(method=endpoint.method, path=endpoint.path))
        return [
            PermissionShown(
                id=permission.name,
                keys=permission.keys,
                roles=[role for role, permissions in ROLES.items() if permission.name in permissions],
                routes=routes.get(permission.name, []),
                title=permission.title,
            )
            for permission in CATALOGUE
        ]
