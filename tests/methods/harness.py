"""The service without HTTP: calls as the dispatcher would make them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bursar.customers.schemas import CustomerParams
from bursar.customers.service import CustomerService
from bursar.http.authentication import Principal
from bursar.http.call import Call, Effect
from bursar.kit.clock import ManualClock
from bursar.kit.ids import IdFactory
from bursar.methods.schemas import CardParams, PaymentMethod, PaymentMethodData
from bursar.methods.service import MethodService
from bursar.store.store import Store
from bursar.store.unit import Unit
from bursar.vault.codes import RecentCodes
from bursar.vault.service import Vault
from tests.databases import Database
from tests.vault.harness import opened, vault_on

ORG = "acct_methods"
NUMBER = "4242424242424242"
CODE = "737"


@dataclass
class Bench:
    store: Store
    clock: ManualClock
    vault: Vault
    codes: RecentCodes
    service: MethodService
    customers: CustomerService

    async def commit(self, effect: Effect) -> None:
        await self.store.commit(effect.unit)

    async def customer(self) -> str:
        effect = await self.customers.create(call(), CustomerParams())
        await self.commit(effect)
        return str(getattr(effect.result, "id"))  # noqa: B009 - a struct of whichever kind

    async def method(self, number: str = NUMBER, code: str | None = CODE) -> PaymentMethod:
        """Stored, as /v1/payment_methods does it."""
        prepared = await self.service.from_data(call(), data(number, code), use=False)
        await self.store.commit(Unit(prepared.changes, prepared.entries))
        return prepared.method


@contextmanager
def bench(database: Database) -> Iterator[Bench]:
    with opened(database) as store:
        clock = ManualClock()
        ids = IdFactory(clock)
        vault, codes = vault_on(store, clock), RecentCodes(clock)
        service = MethodService(store, ids, clock, vault, codes)
        yield Bench(store, clock, vault, codes, service, CustomerService(store, ids, service.detachments))


def call(*, livemode: int = 0, org_id: str = ORG, kind: str = "secret", **path: str) -> Call:
    return Call(Principal(org_id, livemode, "key_1", kind), "req_1", path=path)


def data(number: str = NUMBER, code: str | None = CODE, **more: object) -> PaymentMethodData:
    card = CardParams(number=number, exp_month=12, exp_year=2034, cvc=code)
    return PaymentMethodData(type="card", card=card, **more)  # type: ignore[arg-type]


def by_token(token_id: str) -> PaymentMethodData:
    return PaymentMethodData(type="card", card=CardParams(token=token_id))
