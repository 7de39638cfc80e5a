"""What can be done with wallets."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from msgspec import UNSET
from sqlalchemy import Connection

from bursar.http.authentication import USER
from bursar.http.call import Call, Effect
from bursar.http.endpoint import encode
from bursar.http.paging import Page, missing, window
from bursar.http.params import ListParams
from bursar.kit.clock import Clock, seconds
from bursar.kit.errors import Conflict, InvalidRequest
from bursar.kit.ids import IdFactory
from bursar.kit.slow_hash import SlowHash
from bursar.ledger.accounts import MAIN_WALLET
from bursar.ledger.balances import books
from bursar.ledger.service import LedgerService
from bursar.store.errors import DuplicateKey, StoreContention
from bursar.store.log import Entry, Origin, differences
from bursar.store.store import Store
from bursar.store.unit import Unit
from bursar.wallets import pin_repository, repository, rules
from bursar.wallets.codes import new_code, read_code
from bursar.wallets.payments import Paid, WalletPayment, WalletPayments
from bursar.wallets.pins import Pins
from bursar.wallets.schemas import (
    PinChange,
    Wallet,
    WalletAmounts,
    WalletChange,
    WalletCreation,
    WalletWithBalances,
    amounts_of,
    view,
    view_with_balances,
)

URL = "/api/v1/wallets"
PRIMARY_NAME = "Primary wallet"
WALLETS_MAX = 1_000  # of an organisation in one mode: the release of due money looks at each of them
# Of the development organisation in test mode, so that guides can name it.
DEVELOPMENT_CODE = "DEV00-0000G"


class WalletService:
    def __init__(self, store: Store, ids: IdFactory, clock: Clock, ledger: LedgerService, slow_hash: SlowHash) -> None:
        self._store = store
        self._ids = ids
        self._ledger = ledger
        self._pins = Pins(store, clock, slow_hash)
        self._payments = WalletPayments(ids, ledger)

    def new_wallet(
        self,
        origin: Origin,
        org_id: str,
        livemode: int,
        *,
        name: str,
        is_primary: bool = False,
        currency: str | None = None,
        pin_hash: str | None = None,
        code: str | None = None,
    ) -> tuple[Wallet, Unit]:
        """A wallet, and what must be committed for it to be one. There is one primary wallet in each mode."""
        wallet_id, now = self._ids.new_with_time(repository.PREFIX)
        wallet = Wallet(
            id=wallet_id,
            org_id=org_id,
            livemode=livemode,
            code=code or new_code(),
            name=name.strip(),
            is_primary=is_primary,
            currency=currency,
            ledger_name=MAIN_WALLET if is_primary else wallet_id,
            has_pin=pin_hash is not None,
            closed=False,
            created=seconds(now),
            version=1,
        )
        changes = repository.insertion(wallet)
        if pin_hash is not None:
            changes.append(pin_repository.insertion(org_id, livemode, wallet_id, pin_hash))
        return wallet, Unit(changes, [_entry("bursar.wallet.created", wallet, origin)])

    async def find_by_code(self, code: str, param: str = "code") -> Wallet | None:
        """Of any organisation, in any mode. A code that cannot be one is told as such: InvalidRequest."""
        known = read_code(code, param)
        return await self._store.read(lambda connection: repository.find_by_code(connection, known))

    async def find(self, org_id: str, livemode: int, wallet_id: str) -> Wallet | None:
        return await self._store.read(lambda connection: repository.find(connection, org_id, livemode, wallet_id))

    async def primary(self, org_id: str, livemode: int, origin: Origin | None = None) -> Wallet:
        """Where all payments of /v1 go. Made when it is first asked for, if the organisation is older than wallets."""
        found = await self._store.read(lambda connection: repository.find_primary(connection, org_id, livemode))
        if found is not None:
            return found
        work = self._making_primary(org_id, livemode, origin or Origin(), None)
        try:
            made: Wallet = await self._store.transact(work)
        except (DuplicateKey, StoreContention):  # somebody else is quicker
            found = await self._store.read(lambda connection: repository.find_primary(connection, org_id, livemode))
            if found is None:
                raise
            return found
        return made

    def seed_development(self, org_id: str) -> None:
        """The primary wallet of the organisation of dev mode, under a code that guides can name."""
        self._store.transact_blocking(self._making_primary(org_id, 0, Origin(), DEVELOPMENT_CODE))

    async def check_pin(self, wallet: Wallet, pin: str, call: Call, param: str = "pin") -> None:
        """Raises PinRefused or PinPaused. Takes some 20 ms and two commits of its own: never within a transaction."""
        await self._pins.check(wallet, pin, call, param)

    def pay(self, connection: Connection, payment: WalletPayment, origin: Origin) -> Paid:
        """Within the caller's own transaction; raises WalletRefused. The caller repeats it on RowsExpected."""
        return self._payments.pay(connection, payment, origin)

    def give_back(
        self,
        connection: Connection,
        payee: Wallet,
        payment_id: str,
        amount_minor: int,
        source_ids: tuple[str, str],
        origin: Origin,
    ) -> Paid:
        """A refund of such a payment, in the same way. The `payer` of what comes back is whoever was paid."""
        return self._payments.give_back(connection, payee, payment_id, amount_minor, source_ids, origin)

    async def hash_pin(self, pin: str, param: str = "pin") -> str:
        """For `new_wallet`: refuses a PIN that would be tried first."""
        rules.check_new_pin(pin, param)
        return await self._pins.hash(pin)

    async def create(self, call: Call, params: WalletCreation) -> Effect:
        currency = rules.check_currency(params.currency) if params.currency is not None else None
        pin_hash = await self.hash_pin(params.pin) if params.pin is not None else None
        await self.primary(call.org_id, call.livemode, call.origin())
        number = await self._store.read(lambda connection: repository.count(connection, call.org_id, call.livemode))
        if number >= WALLETS_MAX:
            raise Conflict(f"An organisation has up to {WALLETS_MAX} wallets in each mode.", code="too_many_wallets")
        wallet, unit = self.new_wallet(
            call.origin(), call.org_id, call.livemode, name=params.name, currency=currency, pin_hash=pin_hash
        )
        return Effect(view_with_balances(wallet, []), unit)

    async def retrieve(self, call: Call) -> WalletWithBalances:
        def query(connection: Connection) -> WalletWithBalances:
            of = books(connection, call.org_id, call.livemode)
            wallet = own(of.connection, call)
            return view_with_balances(wallet, self._balances(of.connection, wallet))

        await self._prepare(call)
        return await self._store.read(query)

    async def page(self, call: Call, params: ListParams) -> Page[WalletWithBalances]:
        view_of_list = window(params)

        def query(connection: Connection) -> tuple[list[WalletWithBalances], bool]:
            of = books(connection, call.org_id, call.livemode)
            check_cursors(params, "wallet", lambda cursor: repository.find(of.connection, *_place(call), cursor))
            rows = repository.page(of.connection, *_place(call), view_of_list)
            shown, has_more = view_of_list.cut(rows)
            return [view_with_balances(wallet, self._balances(of.connection, wallet)) for wallet in shown], has_more

        await self._prepare(call)
        data, has_more = await self._store.read(query)
        return Page(data=data, has_more=has_more, url=URL)

    async def change(self, call: Call, params: WalletChange) -> Effect:
        def query(connection: Connection) -> tuple[Wallet, list[WalletAmounts]]:
            # The version first, and the money after it: what moves in between moves the version.
            wallet = own(connection, call)
            return wallet, self._balances(connection, wallet)

        await self._prepare(call)
        before, balances = await self._store.read(query)
        after = before
        if params.name is not UNSET:
            after = msgspec.structs.replace(after, name=params.name.strip())
        if params.closed is not UNSET and params.closed != before.closed:
            if params.closed:
                rules.check_may_close(before, any(_is_there(amounts) for amounts in balances))
            after = msgspec.structs.replace(after, closed=params.closed)
        if after == before:
            return Effect(view(after), Unit())
        after = msgspec.structs.replace(after, version=before.version + 1)
        entry = _entry("bursar.wallet.updated", after, call.origin(), before)
        return Effect(view(after), Unit([repository.change(before, after)], [entry]))

    async def set_pin(self, call: Call, params: PinChange) -> Effect:
        rules.check_new_pin(params.pin)
        await self._prepare(call)

        def query(connection: Connection) -> tuple[Wallet, pin_repository.StoredPin | None]:
            wallet = own(connection, call)
            return wallet, pin_repository.find(connection, wallet)

        wallet, known = await self._store.read(query)
        if known is not None:
            if params.current_pin is not None:
                await self.check_pin(wallet, params.current_pin, call, "current_pin")
                wallet, known = await self._store.read(query)
            elif call.principal.kind != USER:
                raise InvalidRequest(
                    "This wallet has a PIN: send it as current_pin. Who has forgotten it signs in and sets a new one.",
                    param="current_pin",
                    code="parameter_missing",
                )
        pin_hash = await self._pins.hash(params.pin)
        changed = msgspec.structs.replace(wallet, has_pin=True)
        change, entry = self._pins.setting(changed, known, pin_hash, call.origin())
        return Effect(view(changed), Unit([change], [entry]))

    def balances(self, connection: Connection, wallet: Wallet) -> list[WalletAmounts]:
        return self._balances(connection, wallet)

    def _balances(self, connection: Connection, wallet: Wallet) -> list[WalletAmounts]:
        found = self._ledger.balances_of(connection, wallet.org_id, wallet.livemode, wallet.ledger_name)
        return [amounts_of(balance) for balance in found]

    async def _prepare(self, call: Call) -> None:
        """Whoever asks for wallets has at least the primary one."""
        await self.primary(call.org_id, call.livemode, call.origin())

    def _making_primary(
        self, org_id: str, livemode: int, origin: Origin, code: str | None
    ) -> Callable[[Connection], tuple[Wallet, Unit]]:
        def work(connection: Connection) -> tuple[Wallet, Unit]:
            found = repository.find_primary(connection, org_id, livemode)
            if found is not None:
                return found, Unit()
            return self.new_wallet(origin, org_id, livemode, name=PRIMARY_NAME, is_primary=True, code=code)

        return work


def own(connection: Connection, call: Call, code: str | None = None, param: str = "code") -> Wallet:
    """The caller's wallet of this code, by default that of the address. Another organisation's is none."""
    given = call.path["code"] if code is None else code
    found = repository.find_by_code(connection, read_code(given, param))
    if found is None or (found.org_id, found.livemode) != _place(call):
        raise missing("wallet", given, param)
    return found


def check_cursors(params: ListParams, kind: str, find: Callable[[str], object | None]) -> None:
    for param in ("starting_after", "ending_before"):
        cursor = getattr(params, param)
        if cursor is not None and find(cursor) is None:
            raise missing(kind, cursor, param)


def _place(call: Call) -> tuple[str, int]:
    return call.org_id, call.livemode


def _is_there(amounts: WalletAmounts) -> bool:
    return bool(amounts.available or amounts.pending or amounts.reserved or amounts.authorised)


def _entry(event_type: str, wallet: Wallet, origin: Origin, before: Wallet | None = None) -> Entry:
    document = encode(view(wallet))
    previous = differences(encode(view(before)), document) if before is not None else None
    return Entry(wallet.org_id, wallet.livemode, event_type, wallet.id, document, previous, origin)
