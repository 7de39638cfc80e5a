"""PINs: whether somebody may pay from a wallet. Slow on purpose, and never within a transaction."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection

from bursar.http.call import Call
from bursar.http.endpoint import encode
from bursar.kit.clock import MICROSECONDS_PER_SECOND, Clock, seconds
from bursar.kit.errors import Unavailable
from bursar.kit.slow_hash import SlowHash
from bursar.store.errors import RowsExpected, StoreContention
from bursar.store.log import Entry, Origin
from bursar.store.store import Store
from bursar.store.unit import Change, Unit
from bursar.store.writer import Work
from bursar.wallets import pin_repository, rules
from bursar.wallets.errors import PinPaused, PinRefused
from bursar.wallets.pin_repository import StoredPin
from bursar.wallets.rules import TRIES_MAX, Tries
from bursar.wallets.schemas import PinTold, Wallet, view

RACES_MAX = 20  # of tries at once: each that is lost means that another one was counted


class Pins:
    def __init__(self, store: Store, clock: Clock, slow_hash: SlowHash) -> None:
        self._store = store
        self._clock = clock
        self._slow_hash = slow_hash

    async def hash(self, pin: str) -> str:
        return await self._slow_hash.hash(pin)

    async def check(self, wallet: Wallet, pin: str, call: Call, param: str) -> None:
        """Raises PinRefused or PinPaused. A wallet without a PIN takes as long, and is told apart by nobody."""
        begun = await self._begin(wallet, param)
        try:
            is_right = await self._slow_hash.matches(pin, begun.pin_hash if begun else None)
        except Unavailable:
            await self._end(wallet, rules.without_try)
            raise
        if is_right:
            await self._end(wallet, lambda _: Tries())
            return
        if begun is not None:
            await self._store.commit(Unit([], self._told(wallet, begun.tries, call.origin())))
        raise PinRefused(
            f"This is not the PIN of the wallet, or the wallet has none yet; its owner sets one at "
            f"PUT /api/v1/wallets/{wallet.code}/pin. After {TRIES_MAX} wrong ones nobody can try for a while.",
            param=param,
        )

    def setting(self, wallet: Wallet, known: StoredPin | None, pin_hash: str, origin: Origin) -> tuple[Change, Entry]:
        """A new PIN begins with all its tries."""
        if known is None:
            change = pin_repository.insertion(wallet.org_id, wallet.livemode, wallet.id, pin_hash)
        else:
            change = pin_repository.change(wallet, known, pin_hash, Tries())
        return change, _entry(wallet, "bursar.wallet_pin.set", encode(view(wallet)), origin)

    async def _begin(self, wallet: Wallet, param: str) -> StoredPin | None:
        """Counts the try before it is looked at. What stands there afterwards."""

        def work(connection: Connection) -> tuple[StoredPin | None, Unit]:
            known = pin_repository.find(connection, wallet)
            if known is None:
                return None, Unit()
            now = self._clock.now_microseconds()
            if known.tries.paused_until > now:
                raise _paused(known.tries.paused_until - now, param)
            begun = known._replace(tries=rules.begin_try(known.tries, now))
            return begun, Unit([pin_repository.change(wallet, known, known.pin_hash, begun.tries)])

        begun: StoredPin | None = await self._again(work)
        return begun

    async def _end(self, wallet: Wallet, after: Callable[[Tries], Tries]) -> None:
        """It was right, and all that was counted is forgotten; or it came to nothing."""

        def work(connection: Connection) -> tuple[None, Unit]:
            known = pin_repository.find(connection, wallet)
            if known is None or known.tries == Tries():
                return None, Unit()
            return None, Unit([pin_repository.change(wallet, known, known.pin_hash, after(known.tries))])

        await self._again(work)

    async def _again(self, work: Work) -> StoredPin | None:
        for races_left in reversed(range(RACES_MAX)):
            try:
                found: StoredPin | None = await self._store.transact(work)
            except (RowsExpected, StoreContention):
                if not races_left:
                    raise
            else:
                return found
        raise AssertionError("the loop above returns or raises")

    def _told(self, wallet: Wallet, tries: Tries, origin: Origin) -> list[Entry]:
        until = seconds(tries.paused_until) if tries.paused_until else None
        document = encode(PinTold(wallet=wallet.code, wrong_tries=tries.tries, paused_until=until))
        told = [_entry(wallet, "bursar.wallet_pin.refused", document, origin)]
        if until is not None:
            told.append(_entry(wallet, "bursar.wallet_pin.paused", document, origin))
        return told


def _entry(wallet: Wallet, event_type: str, document: bytes, origin: Origin) -> Entry:
    return Entry(wallet.org_id, wallet.livemode, event_type, wallet.id, document, origin=origin)


def _paused(left_microseconds: int, param: str) -> PinPaused:
    wait = -(-left_microseconds // MICROSECONDS_PER_SECOND)
    return PinPaused(
        f"Too many wrong PINs for this wallet. Nobody can try again for {-(-wait // 60)} minutes; its owner may set "
        "a new PIN meanwhile.",
        retry_after_seconds=wait,
        param=param,
    )
