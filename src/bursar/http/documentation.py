"""The API's reference as one page: made from the OpenAPI document, with no other host and no inline script."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from bursar.http import documentation_examples as examples
from bursar.http import idempotency, limits, params
from bursar.http.authentication import PROOF_SECONDS_MAX
from bursar.http.endpoint import Surface
from bursar.http.openapi_surfaces import DESCRIPTIONS
from bursar.kit.permissions import CATALOGUE, ROLES
from bursar.kit.wire import API_VERSION

_FOLDER = Path(__file__).parent
_TEMPLATES: dict[Surface, str] = {"data": "documentation.html", "control": "documentation_control.html"}
_CONTENT_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}

Assets = dict[str, tuple[bytes, str]]


def render(document: dict[str, Any], surface: Surface = "data") -> bytes:
    # Only who reads the documentation pays for loading what makes it.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    from bursar.http.documentation_calls import CALLS
    from bursar.http.documentation_model import Reader

    environment = Environment(
        loader=FileSystemLoader(_FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    reader = Reader(document, CALLS[surface])
    page = environment.get_template(_TEMPLATES[surface]).render(
        info=document["info"],
        surface=DESCRIPTIONS[surface],
        permissions=_permissions(),
        proof_minutes=PROOF_SECONDS_MAX // 60,
        resources=reader.resources(),
        failures=reader.failures(),
        assets={name: f"/docs/assets/{name}?v={version_of(body)}" for name, (body, _) in assets().items()},
        api_version=API_VERSION,
        base_url=examples.BASE_URL,
        api_key=examples.API_KEY,
        customer_id=examples.object_id("customer"),
        tokens=examples.tokens,
        limits=limits,
        params=params,
        kept_hours=idempotency.KEPT_SECONDS // 3600,
    )
    return page.encode()


def _permissions() -> list[dict[str, Any]]:
    """What can be allowed, with the built-in roles that have it."""
    return [
        {
            "name": permission.name,
            "title": permission.title,
            "roles": [role for role, permissions in ROLES.items() if permission.name in permissions],
        }
        for permission in CATALOGUE
    ]


@cache
def assets() -> Assets:
    """File name → bytes and content type."""
    return {
        f"documentation{ending}": ((_FOLDER / "static" / f"documentation{ending}").read_bytes(), content_type)
        for ending, content_type in _CONTENT_TYPES.items()
    }


def version_of(body: bytes) -> str:
    """Goes into an asset's address, so that it may be kept for ever and still be replaced."""
    return hashlib.sha256(body).hexdigest()[:12]
