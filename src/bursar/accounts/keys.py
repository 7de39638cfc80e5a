"""API keys as an organisation's people manage them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType
from sqlalchemy import Connection

from bursar.accounts import repository
from bursar.accounts.rules import ADDRESSES_MAX, NAME_LENGTH_MAX
from bursar.accounts.schemas import ApiKey, Kind, ManagedKey, managed
from bursar.accounts.service import AccountService, ShownOnce
from bursar.http.authentication import Principal
from bursar.http.call import Call, Effect
from bursar.http.paging import Page, missing, window
from bursar.http.params import ListParams, Params, Seconds
from bursar.kit.clock import MICROSECONDS_PER_SECOND, Clock
from bursar.kit.errors import InvalidRequest, PermissionMissing
from bursar.kit.permissions import NAMES, OF_KEYS
from bursar.store.store import Store

URL = "/api/v1/api-keys"
OVERLAP_SECONDS_DEFAULT = 86_400
OVERLAP_SECONDS_MAX = 30 * 86_400
LIFETIME_SECONDS_MAX = 10 * 366 * 86_400

KeyName = Annotated[str, Meta(max_length=NAME_LENGTH_MAX, description="What you will recognise it by.")]
KeyPermissions = Annotated[
    list[Annotated[str, Meta(max_length=60)]],
    Meta(max_length=len(NAMES), description="What a restricted key may do; other kinds have none of their own."),
]
# A network's longest spelling, as in 2001:db8:ffff:ffff:ffff:ffff:255.255.255.255/128.
Addresses = Annotated[
    list[Annotated[str, Meta(min_length=1, max_length=50)]],
    Meta(
        max_length=ADDRESSES_MAX,
        description="Addresses and networks, IPv4 or IPv6, that it may be used from; anywhere if there are none.",
    ),
]
Expiry = Annotated[Seconds, Meta(description="When it ends, in seconds since 1970; never if it is null.")]
Overlap = Annotated[
    int, Meta(ge=0, le=OVERLAP_SECONDS_MAX, description="How long the old key still works beside the new one.")
]


class KeyParams(Params):
    kind: Kind
    name: KeyName = ""
    permissions: KeyPermissions | None = None
    addresses: Addresses | None = None
    expires: Expiry | None = None


class KeyChangeParams(Params):
    """What is left away stays as it is; a list is replaced as a whole."""

    name: KeyName | UnsetType = UNSET
    permissions: KeyPermissions | UnsetType = UNSET
    addresses: Addresses | UnsetType = UNSET
    expires: Expiry | UnsetType | None = UNSET


class RotationParams(Params):
    overlap_seconds: Overlap = OVERLAP_SECONDS_DEFAULT


class NewKey(ManagedKey, kw_only=True):
    """An API key with the key itself, which is shown this once and kept nowhere."""

    key: str


class ManagedKeys:
    def __init__(self, store: Store, clock: Clock, accounts: AccountService) -> None:
        self._store = store
        self._clock = clock
        self._accounts = accounts

    async def create(self, call: Call, params: KeyParams) -> Effect:
        if call.livemode:
            call.principal.require_proof(self._clock.now_microseconds())
        expires = self._expiry(params.expires)
        shown, unit = self._accounts.new_key(
            call.origin(),
            call.org_id,
            params.kind,
            livemode=bool(call.livemode),
            name=params.name,
            permissions=params.permissions,
            expires=expires,
            addresses=params.addresses,
        )
        _require_all_of(call.principal, shown.key)
        return Effect(_new(shown), unit)

    async def change(self, call: Call, params: KeyChangeParams) -> Effect:
        before = await self._find(call)
        after, unit = self._accounts.change(
            call.origin(),
            before,
            name=params.name,
            permissions=params.permissions,
            addresses=params.addresses,
            expires=params.expires if params.expires is UNSET else self._expiry(params.expires),
        )
        if _is_more(before, after):
            _require_all_of(call.principal, after)
            if call.livemode:
                call.principal.require_proof(self._clock.now_microseconds())
        return Effect(managed(after), unit)

    async def rotate(self, call: Call, params: RotationParams) -> Effect:
        old = await self._find(call)
        _require_all_of(call.principal, old)
        shown, unit = self._accounts.rotation(call.origin(), old, params.overlap_seconds)
        return Effect(_new(shown), unit)

    async def revoke(self, call: Call) -> Effect:
        revoked, unit = self._accounts.revocation(call.origin(), await self._find(call))
        return Effect(managed(revoked), unit)

    async def retrieve(self, call: Call) -> ManagedKey:
        return managed(await self._find(call))

    async def page(self, call: Call, params: ListParams) -> Page[ManagedKey]:
        view = window(params)

        def query(connection: Connection) -> list[ApiKey]:
            for param in ("starting_after", "ending_before"):
                cursor = getattr(params, param)
                if cursor is not None and _find(connection, call, cursor) is None:
                    raise missing("api_key", cursor, param)
            return repository.page_of_keys(connection, call.org_id, call.livemode, view)

        data, has_more = view.cut(await self._store.read(query))
        return Page(data=[managed(key) for key in data], has_more=has_more, url=URL)

    async def _find(self, call: Call) -> ApiKey:
        key_id = call.path["api_key"]
        key = await self._store.read(lambda connection: _find(connection, call, key_id))
        if key is None:
            raise missing("api_key", key_id)
        return key

    def _expiry(self, expires: int | None) -> int | None:
        if expires is None:
            return None
        now = self._clock.now_microseconds()
        at = expires * MICROSECONDS_PER_SECOND
        if not now < at <= now + LIFETIME_SECONDS_MAX * MICROSECONDS_PER_SECOND:
            raise InvalidRequest(
                "expires is a time ahead of now, in seconds since 1970, and at most ten years away.", param="expires"
            )
        return at


def _find(connection: Connection, call: Call, key_id: str) -> ApiKey | None:
    return repository.find_key_of(connection, call.org_id, call.livemode, key_id)


def _new(shown: ShownOnce) -> NewKey:
    return NewKey(**msgspec.structs.asdict(managed(shown.key)), key=shown.api_key)


def _require_all_of(principal: Principal, key: ApiKey) -> None:
    """Nobody makes a live key that may more than they may themselves. Test keys move no money."""
    if not key.livemode:
        return
    lacking = [name for name in _granted(key) if not principal.may(name)]
    if lacking:
        what = "A secret key may everything that keys may. " if key.kind == "secret" else ""
        raise PermissionMissing(
            f"{what}You lack the permission {', '.join(lacking)}, and cannot give away what you do not have: make a "
            "restricted key without it, or ask an owner or admin.",
            code="permission_missing",
            param=lacking[0],
        )


def _granted(key: ApiKey) -> Sequence[str]:
    return [name for name in NAMES if name in OF_KEYS] if key.kind == "secret" else key.permissions


def _is_more(before: ApiKey, after: ApiKey) -> bool:
    """Whether the key could be used for more, from more places or for longer than before. When in doubt, yes."""
    more_places = bool(before.addresses) and not (after.addresses and set(after.addresses) <= set(before.addresses))
    longer = before.expires is not None and (after.expires is None or after.expires > before.expires)
    return more_places or longer or not set(after.permissions) <= set(before.permissions)
