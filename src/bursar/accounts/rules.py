"""How keys and codes look, and which keys are alive. Pure."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
import secrets
from collections.abc import Sequence

from bursar.accounts.schemas import ApiKey, Kind
from bursar.kit.errors import InvalidRequest
from bursar.kit.ids import ALPHABET
from bursar.kit.money import find_currency
from bursar.kit.permissions import NAMES, OF_KEYS

PREFIXES: dict[Kind, str] = {"secret": "sk", "publishable": "pk", "restricted": "rk"}
CHANCE_BYTES = 32
HINT_LENGTH = 4
NAME_LENGTH_MAX = 200
CATEGORY_LENGTH_MAX = 60
ADDRESSES_MAX = 50  # of one key: each request looks through them
CODE_PREFIX = "ORG"
CODE_LENGTH = 10  # 50 bits: a million organisations, and the next one's code is new but once in 10^9

DEVELOPMENT_SECRET_KEY = "sk_test_bursar_dev"  # noqa: S105 - public by design; refused outside dev mode
DEVELOPMENT_PUBLISHABLE_KEY = "pk_test_bursar_dev"
DEVELOPMENT_KEYS = (DEVELOPMENT_SECRET_KEY, DEVELOPMENT_PUBLISHABLE_KEY)
DEVELOPMENT_CODE = "ORGDEVELOPMENT"

_COUNTRY = re.compile("[A-Za-z]{2}")
_OF_KEYS = [name for name in NAMES if name in OF_KEYS]


def new_key(kind: Kind, *, livemode: bool) -> str:
    mode = "live" if livemode else "test"
    return f"{PREFIXES[kind]}_{mode}_{secrets.token_hex(CHANCE_BYTES)}"


def new_code() -> str:
    """To be read out and typed in: capitals and digits that nobody takes for each other."""
    return CODE_PREFIX + "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH)).upper()


def hash_key(api_key: str, secret: str) -> str:
    """Keyed, so that whoever can write to the database alone still cannot make a key that works."""
    return hmac.digest(secret.encode(), api_key.encode(), hashlib.sha256).hex()


def hint(api_key: str) -> str:
    prefix = "_".join(api_key.split("_")[:2])
    return f"{prefix}_…{api_key[-HINT_LENGTH:]}".replace("…", "...")


def is_alive(key: ApiKey, now: int) -> bool:
    return (key.revoked is None or key.revoked > now) and (key.expires is None or key.expires > now)


def check_permissions(kind: Kind, permissions: Sequence[str]) -> None:
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


def read_addresses(addresses: Sequence[str]) -> list[str]:
    """Addresses and networks as they are kept: each in its shortest spelling, none twice."""
    if len(addresses) > ADDRESSES_MAX:
        raise InvalidRequest(f"A key can have up to {ADDRESSES_MAX} addresses.", param="addresses")
    found = []
    for address in addresses:
        try:
            network = ipaddress.ip_network(address.strip())
        except ValueError:
            raise InvalidRequest(
                f"{address[:60]!r} is neither an address such as 203.0.113.7 or 2001:db8::1 nor a network such as "
                "203.0.113.0/24, whose bits behind the prefix are zero.",
                param="addresses",
            ) from None
        whole = network.prefixlen == network.max_prefixlen
        found.append(str(network.network_address) if whole else str(network))
    return list(dict.fromkeys(found))


def check_key_name(name: str) -> None:
    if len(name) > NAME_LENGTH_MAX:
        raise InvalidRequest(f"A key's name has at most {NAME_LENGTH_MAX} characters.", param="name")


def read_name(name: str) -> str:
    name = name.strip()
    if not name or len(name) > NAME_LENGTH_MAX:
        raise InvalidRequest(f"An organisation's name has 1 to {NAME_LENGTH_MAX} characters.", param="name")
    return name


def read_category(category: str) -> str:
    category = category.strip()
    if not category or len(category) > CATEGORY_LENGTH_MAX:
        raise InvalidRequest(
            f"An organisation's category has 1 to {CATEGORY_LENGTH_MAX} characters, such as retail.", param="category"
        )
    return category


def read_country(country: str | None) -> str | None:
    if country is None:
        return None
    country = country.strip()
    if _COUNTRY.fullmatch(country) is None:
        raise InvalidRequest("A country is two letters of ISO 3166, such as DE.", param="country")
    return country.upper()


def read_currency(code: str) -> str:
    currency = find_currency(code.strip()) if code.isascii() else None
    if currency is None:
        raise InvalidRequest(f"There is no currency {code[:10]!r}; send three letters, such as eur.", param="currency")
    return currency.code
