"""How keys look, and which are alive. Pure."""

from __future__ import annotations

import hashlib
import hmac
import secrets

from bursar.accounts.schemas import ApiKey, Kind
from bursar.kit.errors import InvalidRequest
from bursar.kit.permissions import NAMES, OF_KEYS

PREFIXES: dict[Kind, str] = {"secret": "sk", "publishable": "pk", "restricted": "rk"}
CHANCE_BYTES = 32
HINT_LENGTH = 4

DEVELOPMENT_SECRET_KEY = "sk_test_bursar_dev"  # noqa: S105 - public by design; refused outside dev mode
DEVELOPMENT_PUBLISHABLE_KEY = "pk_test_bursar_dev"
_OF_KEYS = [name for name in NAMES if name in OF_KEYS]
DEVELOPMENT_KEYS = (DEVELOPMENT_SECRET_KEY, DEVELOPMENT_PUBLISHABLE_KEY)


def new_key(kind: Kind, *, livemode: bool) -> str:
    mode = "live" if livemode else "test"
    return f"{PREFIXES[kind]}_{mode}_{secrets.token_hex(CHANCE_BYTES)}"


def hash_key(api_key: str, secret: str) -> str:
    """Keyed, so that whoever can write to the database alone still cannot make a key that works."""
    return hmac.digest(secret.encode(), api_key.encode(), hashlib.sha256).hex()


def hint(api_key: str) -> str:
    prefix = "_".join(api_key.split("_")[:2])
    return f"{prefix}_…{api_key[-HINT_LENGTH:]}".replace("…", "...")


def is_alive(key: ApiKey, now: int) -> bool:
    return (key.revoked is None or key.revoked > now) and (key.expires is None or key.expires > now)


def check_permissions(kind: Kind, permissions: list[str]) -> None:
    if kind != "restricted" and permissions:
        raise InvalidRequest("Only a restricted key has permissions of its own.", param="permissions")
    if kind == "restricted" and not permissions:
        raise InvalidRequest(
            f"A restricted key needs at least one permission of: {', '.join(_OF_KEYS)}.",
            param="permissions",
        )
    for permission in permissions:
        if permission not in OF_KEYS:
            raise InvalidRequest(
                f"No key can have the permission {permission[:80]}; there are {', '.join(_OF_KEYS)}.",
                param="permissions",
            )
