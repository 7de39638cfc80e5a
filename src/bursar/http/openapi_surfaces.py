"""What each surface says of itself: how to authenticate, in which form to ask, what things are called."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bursar.http.endpoint import Endpoint, Surface
from bursar.http.limits import IDEMPOTENCY_KEY_LENGTH_MAX
from bursar.http.openapi_schemas import Schema
from bursar.kit.permissions import OF_KEYS, PLATFORM_ADMIN, PLATFORM_ADMIN_PERMISSIONS, ROLES, SELF
from bursar.kit.wire import API_VERSION

FORM, JSON = "application/x-www-form-urlencoded", "application/json"
KEY_KINDS = ["secret", "restricted"]

Security = list[dict[str, list[str]]]

_OF_KEYS: Security = [{"Bearer": []}, {"Basic": []}]
# A page sends its cookie by itself, so whatever changes something needs the token that only our pages can read.
_OF_PEOPLE: Security = [{"Bearer": []}, {"Cookie": [], "CsrfToken": []}]
_OF_READING_PEOPLE: Security = [{"Bearer": []}, {"Cookie": []}]

# What a part of an address is called where its own spelling does not say it.
_TAGS = {
    "api keys": "API keys",
    "auth": "Sign-in",
    "org": "Organisation",
    "openid": "OpenID Connect",
    "oidc": "OpenID Connect",
    "txn": "Transactions",
    ".well known": "Key sets",
    "signin": "The simplest integration",
    "pay": "The simplest integration",
}


@dataclass(frozen=True)
class Description:
    """One surface's own words."""

    surface: Surface
    title: str
    text: str
    url: str
    documentation_url: str
    body_types: tuple[str, ...]
    security_schemes: dict[str, Any]
    parameters: dict[str, Any]


_KEY_AS_BEARER = {"type": "http", "scheme": "bearer", "description": "The API key as a bearer token."}
_KEY_AS_USER = {"type": "http", "scheme": "basic", "description": "The API key as the user name, without a password."}
_TOKEN = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "JWT",
    "description": "The access token of somebody who has signed in; or an API key, where keys have the permission.",
}
_COOKIE = {
    "type": "apiKey",
    "in": "cookie",
    "name": "bursar_session",
    "description": "The cookie of a browser's session. Where the server is reached by HTTPS, its name begins with "
    "__Host-.",
}
_CSRF_TOKEN = {
    "type": "apiKey",
    "in": "header",
    "name": "X-CSRF-Token",
    "description": "The csrf_token of the session, for what changes something by the cookie.",
}
_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Repeating a request with the same key and parameters has no second effect; a UUID is best.",
    "schema": {
        "type": "string",
        "minLength": 1,
        "maxLength": IDEMPOTENCY_KEY_LENGTH_MAX,
        "pattern": "^[!-~]([ -~]*[!-~])?$",
    },
}
_MODE = {
    "name": "Bursar-Mode",
    "in": "header",
    "required": False,
    "description": "The mode that a person acts in. An API key has a mode of its own.",
    "schema": {"enum": ["test", "live"], "default": "test"},
}
_ORGANISATION = {
    "name": "Bursar-Organisation",
    "in": "header",
    "required": False,
    "description": "The id of the organisation that a platform admin looks at. Others act in the one that they are "
    "signed in to.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 40, "pattern": "^[!-~]+$"},
}

DESCRIPTIONS: dict[Surface, Description] = {
    "data": Description(
        surface="data",
        title="Bursar",
        text="A self-hosted payment platform. It takes the requests of the official payment SDKs; "
        f"its answers have the shapes of API version {API_VERSION}.",
        url="/openapi.json",
        documentation_url="/docs",
        body_types=(FORM, JSON),
        security_schemes={"Bearer": _KEY_AS_BEARER, "Basic": _KEY_AS_USER},
        parameters={"IdempotencyKey": _IDEMPOTENCY_KEY},
    ),
    "control": Description(
        surface="control",
        title="Bursar control plane",
        text="Organisations, people and what they may do; wallets, payment sessions and a plain API for payments. "
        "Plain JSON, for people who have signed in and, where it says so, for API keys.",
        url="/api/v1/openapi.json",
        documentation_url="/api/v1/docs",
        body_types=(JSON,),
        security_schemes={"Bearer": _TOKEN, "Basic": _KEY_AS_USER, "Cookie": _COOKIE, "CsrfToken": _CSRF_TOKEN},
        parameters={"IdempotencyKey": _IDEMPOTENCY_KEY, "Mode": _MODE, "Organisation": _ORGANISATION},
    ),
}


def needs_nobody(endpoint: Endpoint) -> bool:
    """Whether it is for everybody: in public, or for whoever pays and knows the address."""
    return endpoint.public or endpoint.payer is not None


def security(endpoint: Endpoint) -> Security:
    if endpoint.surface == "data":
        return _OF_KEYS
    if needs_nobody(endpoint):
        return []
    people = _OF_READING_PEOPLE if endpoint.method == "GET" else _OF_PEOPLE
    return [*people, {"Basic": []}] if endpoint.permission in OF_KEYS else people


def roles(endpoint: Endpoint) -> list[str]:
    """The built-in roles that may use it. What is a person's own is everybody's."""
    if endpoint.permission == SELF:
        return [*ROLES, PLATFORM_ADMIN]
    found = [role for role, permissions in ROLES.items() if endpoint.permission in permissions]
    return [*found, PLATFORM_ADMIN] if endpoint.permission in PLATFORM_ADMIN_PERMISSIONS else found


def extensions(endpoint: Endpoint) -> dict[str, Any]:
    """What the document says beyond the standard of who may use it."""
    if endpoint.surface == "data":
        return {"x-permission": endpoint.permission, "x-publishable": endpoint.publishable}
    if needs_nobody(endpoint):
        return {"x-public": True, "x-permission": None, "x-publishable": False, "x-roles": [], "x-keys": []}
    return {
        "x-public": False,
        "x-permission": endpoint.permission,
        "x-publishable": endpoint.publishable,
        "x-roles": roles(endpoint),
        "x-keys": KEY_KINDS if endpoint.permission in OF_KEYS else [],
        "x-needs-proof": endpoint.needs_proof,
    }


def header_parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    names = []
    if endpoint.writes and endpoint.keeps_answer and not endpoint.public:
        names.append("IdempotencyKey")
    if endpoint.surface == "control" and not needs_nobody(endpoint):
        names += ["Mode", "Organisation"]
    return [{"$ref": f"#/components/parameters/{name}"} for name in names]


def tag_of(endpoint: Endpoint) -> str:
    """`/v1/payment_intents/{intent}/capture` belongs to the payment intents, `/api/v1/api-keys` to the API keys."""
    segments = [segment for segment in endpoint.path.strip("/").split("/") if segment not in ("api", "v1")]
    words = segments[0].replace("_", " ").replace("-", " ")
    return _TAGS.get(words, words.capitalize())


def path_parameter(name: str, surface: Surface) -> dict[str, Any]:
    schema: Schema = {"type": "string", "minLength": 1, "pattern": "^[^/]+$"}
    told = f"The {name}'s id." if surface == "data" else f"The {_spaced(name)}, by its id or code."
    return {"name": name, "in": "path", "required": True, "description": told, "schema": schema}


def _spaced(name: str) -> str:
    """`walletCode` and `wallet_code` are a wallet code to readers."""
    words = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name)
    return words.replace("_", " ").replace("api key", "API key")
