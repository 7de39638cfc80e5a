"""The keys that sign access tokens: made, replaced every month, known to all processes by one table.

What is kept is the private key alone, sealed and bound to its row; the public one is made of it. So whoever can write
to the database cannot put a key of their own among ours.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import Connection, Row, bindparam, select

from bursar.kit.clock import MICROSECONDS_PER_SECOND, Clock
from bursar.kit.errors import Unavailable
from bursar.kit.sealing import SealBroken, Sealing
from bursar.people.secrets import Secrets
from bursar.people.tables import signing_keys
from bursar.store.columns import INSTALLATION
from bursar.store.errors import DuplicateKey
from bursar.store.log import Entry
from bursar.store.store import Store
from bursar.store.unit import Change, Unit

if TYPE_CHECKING:
    from joserfc.jwk import ECKey

ALGORITHM = "ES256"  # what every library knows
DAY = 86_400 * MICROSECONDS_PER_SECOND
ROTATION = 30 * DAY
PUBLISHED_AHEAD = DAY  # so that whoever keeps our key set knows a key before it meets a token of it
# How long a key is known after its successor took over: longer than any token lives.
KEPT_AFTER = 2 * 3600 * MICROSECONDS_PER_SECOND
REREAD = 60 * MICROSECONDS_PER_SECOND
UNKNOWN_REREAD = 5 * MICROSECONDS_PER_SECOND  # whoever invents key ids does not make us read each time
RACES_MAX = 10
_SEALING = "sealing of signing keys"

INSERT = signing_keys.insert()
DELETE = signing_keys.delete().where(
    signing_keys.c.org_id == bindparam("o"), signing_keys.c.key_number == bindparam("n")
)
_ALL = select(signing_keys).where(signing_keys.c.org_id == INSTALLATION).order_by(signing_keys.c.key_number)


@dataclass(frozen=True, slots=True)
class SigningKey:
    number: int
    kid: str
    signs_from: int
    key: ECKey

    def public(self) -> dict[str, Any]:
        return {**self.key.as_dict(private=False), "kid": self.kid, "use": "sig", "alg": ALGORITHM}


class SigningKeys:
    def __init__(self, store: Store, clock: Clock, secrets: Secrets) -> None:
        self._store = store
        self._clock = clock
        self._sealing = Sealing(secrets.keys(_SEALING))
        self._keys: list[SigningKey] = []
        self._read_at = -REREAD
        self._opened: dict[str, ECKey] = {}
        self._reading = asyncio.Lock()

    async def current(self) -> SigningKey:
        """The one that signs now; makes it where there is none yet, and its successor in time."""
        await self._keep_fresh(REREAD)
        key = signer(self._keys, self._clock.now_microseconds())
        assert key is not None, "reading makes a key where there is none"
        return key

    async def find(self, kid: str) -> SigningKey | None:
        await self._keep_fresh(REREAD)
        found = self._known(kid)
        if found is None:
            await self._keep_fresh(UNKNOWN_REREAD)
            found = self._known(kid)
        return found

    async def published(self) -> list[dict[str, Any]]:
        await self._keep_fresh(REREAD)
        return [key.public() for key in living(self._keys, self._clock.now_microseconds())]

    def _known(self, kid: str) -> SigningKey | None:
        alive = living(self._keys, self._clock.now_microseconds())
        return next((key for key in alive if key.kid == kid), None)

    async def _keep_fresh(self, age_max: int) -> None:
        if self._clock.now_microseconds() - self._read_at < age_max:
            return
        async with self._reading:
            if self._clock.now_microseconds() - self._read_at >= age_max:
                await self._read()

    async def _read(self) -> None:
        for _ in range(RACES_MAX):
            rows, last_number = await self._store.read(_rows)
            # In a thread: the first key loads the library, which takes a while.
            keys = await asyncio.to_thread(self._open_all, rows)
            now = self._clock.now_microseconds()
            begins = next_begin(keys, now)
            if begins is None:
                self._keys, self._read_at = keys, now
                return
            with suppress(DuplicateKey):  # another process has made the same one at this moment
                await self._make(last_number + 1, begins, now)
        raise Unavailable("The keys that sign access tokens cannot be read; try again.")

    async def _make(self, number: int, signs_from: int, now: int) -> None:
        kid, plain = await asyncio.to_thread(_new_key)
        row = {
            "org_id": INSTALLATION,
            "key_number": number,
            "kid": kid,
            "sealed": self._sealing.seal(plain, number, kid, signs_from),
            "created": now,
            "signs_from": signs_from,
        }
        told = {"id": kid, "object": "signing_key", "signs_from": signs_from // MICROSECONDS_PER_SECOND}
        entry = Entry(INSTALLATION, 0, "bursar.signing_key.created", kid[:40], msgspec.json.encode(told))
        await self._store.commit(Unit([Change(INSERT, row)], [entry]))

    def _open_all(self, rows: Sequence[Row[Any]]) -> list[SigningKey]:
        found = [(row, self._open(row)) for row in rows]
        return [SigningKey(row.key_number, row.kid, row.signs_from, key) for row, key in found if key is not None]

    def _open(self, row: Row[Any]) -> ECKey | None:
        """None for what was sealed under a secret that is gone, or changed since."""
        known = self._opened.get(row.sealed)
        if known is not None:
            return known
        from joserfc.jwk import ECKey

        try:
            plain = self._sealing.unseal(row.sealed, row.key_number, row.kid, row.signs_from)
        except SealBroken:
            return None
        key = self._opened[row.sealed] = ECKey.import_key(plain)
        return key


def signer(keys: Sequence[SigningKey], now: int) -> SigningKey | None:
    """The youngest that may sign already."""
    return max((key for key in keys if key.signs_from <= now), key=lambda key: key.signs_from, default=None)


def living(keys: Sequence[SigningKey], now: int) -> list[SigningKey]:
    """Those that sign, are about to, or did so lately enough that a token of theirs may still be good."""
    ordered = sorted(keys, key=lambda key: key.signs_from)
    successions = [key.signs_from for key in ordered[1:]]
    return [
        key
        for number, key in enumerate(ordered)
        if number >= len(successions) or now < successions[number] + KEPT_AFTER
    ]


def next_begin(keys: Sequence[SigningKey], now: int) -> int | None:
    """From when a key that is to be made now would sign; None where none is needed yet."""
    if signer(keys, now) is None:
        return now
    youngest = max(key.signs_from for key in keys)
    if youngest > now or now < youngest + ROTATION - PUBLISHED_AHEAD:
        return None
    return max(youngest + ROTATION, now + PUBLISHED_AHEAD)


def _rows(connection: Connection) -> tuple[Sequence[Row[Any]], int]:
    rows = connection.execute(_ALL).all()
    return rows, max((row.key_number for row in rows), default=0)


def obsolete(connection: Connection, now: int) -> list[Change]:
    """Rows of keys that nobody needs any more. Only their times are looked at."""
    rows = sorted(connection.execute(_ALL).all(), key=lambda row: row.signs_from)
    return [
        Change(DELETE, {"o": INSTALLATION, "n": row.key_number})
        for row, successor in pairwise(rows)
        if successor.signs_from + KEPT_AFTER < now
    ]


def _new_key() -> tuple[str, bytes]:
    from joserfc.jwk import ECKey

    key = ECKey.generate_key("P-256")
    return key.thumbprint(), key.as_pem(private=True)
