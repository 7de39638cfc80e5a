"""What can be done with payment methods."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from sqlalchemy import Connection

from bursar.connectors.contract import Card, Method
from bursar.customers import repository as customers
from bursar.customers.schemas import DeletedCustomer
from bursar.http.call import Call, Effect
from bursar.http.endpoint import encode
from bursar.http.paging import Page, missing, window
from bursar.kit.clock import Clock, seconds
from bursar.kit.errors import InvalidRequest
from bursar.kit.ids import IdFactory
from bursar.kit.scrub import scrub_text
from bursar.methods import repository, rules, without_card
from bursar.methods.lookups import (
    find_token_with_card,
    find_with_card,
    no_method,
    refuse_declined,
    refuse_other_kinds,
    unexpected_state,
)
from bursar.methods.repository import ATTACHED, DETACHED, NEW, Found
from bursar.methods.rules import GivenCard
from bursar.methods.schemas import (
    AttachParams,
    BillingDetails,
    CustomerMethodListParams,
    PaymentMethod,
    PaymentMethodCreateParams,
    PaymentMethodData,
    PaymentMethodListParams,
    PaymentMethodUpdateParams,
    Token,
    TokenParams,
    decode_method,
)
from bursar.store.log import Entry, differences
from bursar.store.store import Store
from bursar.store.unit import Change, Unit
from bursar.vault.codes import RecentCodes
from bursar.vault.keys import CardMissing
from bursar.vault.service import Vault

URL = "/v1/payment_methods"
CUSTOMERS_URL = "/v1/customers"
Json = dict[str, Any]

UNEXPECTED_STATE = "payment_methodunexpected_state"


@dataclass(slots=True)
class PreparedMethod:
    """A payment method that a payment can be made with, and what makes it durable where it is new."""

    method: PaymentMethod
    version: int  # of the stored row, 0 when new
    means: Method  # what the bank is sent
    # The cardholder agreed to payments that are made without them.
    agreed: bool = False
    changes: list[Change] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)

    @property
    def card(self) -> Card:
        assert isinstance(self.means, Card), "asked only where nothing but a card is taken"
        return self.means


class MethodService:
    def __init__(self, store: Store, ids: IdFactory, clock: Clock, vault: Vault, codes: RecentCodes) -> None:
        self._store = store
        self._ids = ids
        self._clock = clock
        self._vault = vault
        self._codes = codes

    # For payments.

    async def from_data(
        self, call: Call, data: PaymentMethodData | PaymentMethodCreateParams, *, use: bool = True
    ) -> PreparedMethod:
        """A new method of what a request says. A card's own data need no read.

        Without `use` it is for later: the security code is remembered until then.
        """
        rules.check_type(data.type)
        if data.type != "card":
            return await self._new_without_card(call, data)
        if data.card is not None and data.card.token is not None:
            return await self._from_token(call, data, data.card.token, use=use)
        given = rules.given_card(data.card, livemode=call.livemode, now=self._clock.now_microseconds())
        return await self._new(call, given, BillingDetails(), data, use=use)

    async def from_id(
        self, call: Call, method_id: str, *, param: str = "payment_method", use: bool = True
    ) -> PreparedMethod:
        """The method of this id, or a new one where the id names a test card. With `use` the security code, if it
        is still known, is handed out and forgotten."""
        given = self._test_card(call, method_id)
        if given is not None:
            return await self._new(call, given, BillingDetails(), None, use=use)
        refuse_other_kinds(method_id, param)
        found, sealed = await self._store.read(lambda connection: find_with_card(connection, call, method_id))
        if found is None:
            raise no_method(method_id, param)
        if found.state == DETACHED:
            raise unexpected_state(
                f"The payment method {found.method.id} was detached from its customer and cannot be used again.", param
            )
        if found.method.type != "card":
            account = None if sealed is None else await self._vault.unseal(call.org_id, call.livemode, sealed)
            return PreparedMethod(found.method, found.version, without_card.bank_method(found.method, account))
        if sealed is None:
            raise CardMissing(f"The vault has no card for {found.method.id} of {call.org_id}.")
        number = await self._vault.unseal(call.org_id, call.livemode, sealed)
        code = self._codes.take(found.method.id) if use else None
        return PreparedMethod(found.method, found.version, rules.bank_card(found.method, number, code), found.agreed)

    def attachment(
        self, call: Call, method: PaymentMethod, version: int, customer_id: str
    ) -> tuple[PaymentMethod, list[Change], list[Entry]]:
        """A stored method as the customer's, and what makes it so: its row is changed under its version."""
        if method.customer == customer_id:
            return method, [], []
        attached = msgspec.structs.replace(method, customer=customer_id)
        changes = repository.attachment(call.org_id, call.livemode, attached, version)
        return attached, changes, [_entry(call, "payment_method.attached", attached)]

    def agreement(self, call: Call, method_id: str) -> Change:
        """From now on payments without the cardholder can refer to what was agreed when they were there."""
        return repository.agreement(call.org_id, call.livemode, method_id)

    async def find(self, call: Call, method_id: str, *, param: str = "payment_method") -> Found:
        """The stored method, whatever its state, without its card."""
        found = await self._store.read(
            lambda connection: repository.find(connection, call.org_id, call.livemode, method_id)
        )
        if found is None:
            raise no_method(method_id, param)
        return found

    async def load(self, call: Call, ids: Sequence[str]) -> dict[str, Json]:
        """For expansions: the methods by id."""
        pending = [decode_method(call.pending[one]) for one in ids if one in call.pending]
        stored = [one for one in ids if one not in call.pending]
        if stored:
            pending += await self._store.read(
                lambda connection: repository.find_many(connection, call.org_id, call.livemode, stored)
            )
        return {method.id: msgspec.to_builtins(method) for method in pending}

    # For customers.

    async def detachments(self, call: Call, customer_id: str) -> tuple[list[Change], list[Entry]]:
        """What takes all its methods from a customer that is about to be deleted."""
        attached = await self._store.read(
            lambda connection: repository.attached_to(connection, call.org_id, call.livemode, customer_id)
        )
        changes: list[Change] = []
        entries: list[Entry] = []
        for found in attached:
            _, unit = self._detachment(call, found)
            changes += unit.changes
            entries += unit.entries
        return changes, entries

    async def load_customers(self, call: Call, ids: Sequence[str]) -> dict[str, Json]:
        """For expansions: the customers by id, also those that are deleted."""

        def query(connection: Connection) -> dict[str, Json]:
            loaded: dict[str, Json] = {}
            for customer_id in ids:
                found = customers.find(connection, call.org_id, call.livemode, customer_id)
                shown: msgspec.Struct = found[0] if found else DeletedCustomer(id=customer_id)
                loaded[customer_id] = msgspec.to_builtins(shown)
            return loaded

        return await self._store.read(query)

    # On the wire.

    async def create(self, call: Call, params: PaymentMethodCreateParams) -> Effect:
        prepared = await self.from_data(call, params, use=False)
        return Effect(prepared.method, Unit(prepared.changes, prepared.entries))

    async def retrieve(self, call: Call) -> PaymentMethod:
        return (await self.find(call, call.path["payment_method"])).method

    async def update(self, call: Call, params: PaymentMethodUpdateParams) -> Effect:
        found = await self.find(call, call.path["payment_method"])
        before = found.method
        without_card.refuse_keeping(before)
        if found.state != ATTACHED:
            raise unexpected_state("Attach the payment method to a customer before you update it.")
        after = rules.changed(before, params, self._clock.now_microseconds())
        if after == before:
            return Effect(after, Unit())
        entry = _entry(call, "payment_method.updated", after, before)
        change = repository.update(call.org_id, call.livemode, after, found.version, found.state)
        return Effect(after, Unit([change], [entry]))

    async def attach(self, call: Call, params: AttachParams) -> Effect:
        method_id, customer_id = call.path["payment_method"], params.customer
        await self._require_customer(call, customer_id, "customer")
        hold = repository.hold_customer(call.org_id, call.livemode, customer_id)
        given = self._test_card(call, method_id)
        if given is not None:
            refuse_declined(given.number)
            new = await self._new(call, given, BillingDetails(), None, use=False, customer_id=customer_id)
            entry = _entry(call, "payment_method.attached", new.method)
            return Effect(new.method, Unit([hold, *new.changes], [entry]))
        prepared = await self.from_id(call, method_id, use=False)
        without_card.refuse_keeping(prepared.method)
        if prepared.method.customer == customer_id:
            return Effect(prepared.method, Unit())
        if prepared.method.customer is not None:
            raise unexpected_state(f"The payment method {prepared.method.id} is attached to another customer already.")
        refuse_declined(prepared.card.number)
        attached, changes, entries = self.attachment(call, prepared.method, prepared.version, customer_id)
        return Effect(attached, Unit([hold, *changes], entries))

    async def detach(self, call: Call) -> Effect:
        found = await self.find(call, call.path["payment_method"])
        if found.state != ATTACHED:
            raise unexpected_state("The payment method is not attached to a customer, so it cannot be detached.")
        after, unit = self._detachment(call, found)
        return Effect(after, unit)

    async def page(self, call: Call, params: PaymentMethodListParams) -> Page[PaymentMethod]:
        return await self._page(call, params, params.customer, "customer", URL)

    async def page_of_customer(self, call: Call, params: CustomerMethodListParams) -> Page[PaymentMethod]:
        customer_id = call.path["customer"]
        url = f"{CUSTOMERS_URL}/{customer_id}/payment_methods"
        return await self._page(call, params, customer_id, "customer", url)

    async def retrieve_of_customer(self, call: Call) -> PaymentMethod:
        await self._require_customer(call, call.path["customer"], "customer")
        found = await self.find(call, call.path["payment_method"])
        if found.method.customer != call.path["customer"]:
            raise no_method(call.path["payment_method"])
        return found.method

    async def create_token(self, call: Call, params: TokenParams) -> Effect:
        given = rules.given_card(params.card, livemode=call.livemode, now=self._clock.now_microseconds())
        token_id, now = self._ids.new_with_time(repository.TOKEN_PREFIX)
        billing = rules.token_billing(params.card)
        details = rules.card_details(given, self._vault.fingerprint(call.org_id, given.number), billing)
        card_id = self._ids.new(repository.CARD_PREFIX)
        token = rules.new_token(token_id, card_id, seconds(now), call.address, call.livemode, details, params.card)
        changes = [
            repository.insert_token(call.org_id, call.livemode, token),
            *await self._vault.seal(call.org_id, call.livemode, token_id, given.number),
        ]
        if given.code is not None:
            self._codes.put(token_id, given.code)
        return Effect(token, Unit(changes))

    async def retrieve_token(self, call: Call) -> Token:
        token_id = call.path["token"]
        token = await self._store.read(
            lambda connection: repository.find_token(connection, call.org_id, call.livemode, token_id)
        )
        if token is None:
            raise missing("token", scrub_text(token_id))
        return token

    def _test_card(self, call: Call, name: str) -> GivenCard | None:
        if call.livemode:
            return None
        return rules.card_named_as_method(name, self._clock.now_microseconds())

    async def _new(
        self,
        call: Call,
        given: GivenCard,
        known_billing: BillingDetails,
        data: PaymentMethodData | PaymentMethodCreateParams | None,
        *,
        use: bool,
        customer_id: str | None = None,
    ) -> PreparedMethod:
        method_id, now = self._ids.new_with_time(repository.PREFIX)
        billing = known_billing if data is None else rules.billing_details(known_billing, data.billing_details)
        fingerprint = self._vault.fingerprint(call.org_id, given.number)
        details = rules.card_details(given, fingerprint, billing)
        method = rules.new_method(method_id, seconds(now), call.livemode, details, billing, data)
        method.customer = customer_id
        changes = [
            *repository.insertion(call.org_id, call.livemode, method, ATTACHED if customer_id else NEW),
            *await self._vault.seal(call.org_id, call.livemode, method_id, given.number),
        ]
        if not use and given.code is not None:
            self._codes.put(method_id, given.code)
        return PreparedMethod(method, 0, rules.bank_card(method, given.number, given.code), changes=changes)

    async def _new_without_card(
        self, call: Call, data: PaymentMethodData | PaymentMethodCreateParams
    ) -> PreparedMethod:
        method_id, now = self._ids.new_with_time(repository.PREFIX)
        method = without_card.new_method(data, method_id, seconds(now), livemode=bool(call.livemode))
        account = without_card.given_account(data)
        changes = repository.insertion(call.org_id, call.livemode, method, NEW)
        if account is not None:
            changes += await self._vault.seal(call.org_id, call.livemode, method_id, account)
        return PreparedMethod(method, 0, without_card.bank_method(method, account), changes=changes)

    async def _from_token(
        self, call: Call, data: PaymentMethodData | PaymentMethodCreateParams, token_id: str, *, use: bool
    ) -> PreparedMethod:
        assert data.card is not None
        if data.card.number is not None:
            raise InvalidRequest("Send either a token or a card's own data, not both.", param="card[token]")
        now = self._clock.now_microseconds()
        given = None if call.livemode else rules.card_named_as_token(token_id, now)
        if given is not None:
            return await self._new(call, given, BillingDetails(), data, use=use)
        token, sealed = await self._store.read(lambda connection: find_token_with_card(connection, call, token_id))
        if token is None:
            raise missing("token", scrub_text(token_id), "card[token]")
        if token.used:
            raise InvalidRequest(
                f"The token {token.id} was used already; each can be used once. Make another one.",
                param="card[token]",
                code="token_already_used",
            )
        if sealed is None:
            raise CardMissing(f"The vault has no card for {token.id} of {call.org_id}.")
        number = await self._vault.unseal(call.org_id, call.livemode, sealed)
        card = token.card
        code, preferred = self._codes.take(token.id), card.networks.preferred
        given = GivenCard(number, card.exp_month, card.exp_year, code, preferred)
        prepared = await self._new(call, given, rules.token_billing(card), data, use=use)
        used = msgspec.structs.replace(token, used=True)
        prepared.changes.append(repository.use_token(call.org_id, call.livemode, used))
        prepared.changes += self._vault.delete_changes(call.org_id, call.livemode, [token.id])
        return prepared

    def _detachment(self, call: Call, found: Found) -> tuple[PaymentMethod, Unit]:
        """Its card leaves the vault: what cannot be used again need not be kept."""
        before = found.method
        assert before.customer is not None, "only what is attached can be detached"
        after = msgspec.structs.replace(before, customer=None)
        changes = repository.detachment(call.org_id, call.livemode, after, found.version, before.customer)
        changes += self._vault.delete_changes(call.org_id, call.livemode, [before.id])
        self._codes.take(before.id)
        return after, Unit(changes, [_entry(call, "payment_method.detached", after, before)])

    async def _page(
        self, call: Call, params: CustomerMethodListParams, customer_id: str, customer_param: str, url: str
    ) -> Page[PaymentMethod]:
        view = window(params)
        await self._require_customer(call, customer_id, customer_param)
        if params.type not in (None, "card"):  # nothing else is ever kept for a customer
            return Page(data=[], has_more=False, url=url)

        def query(connection: Connection) -> list[PaymentMethod]:
            for param in ("starting_after", "ending_before"):
                cursor = getattr(params, param)
                if cursor is not None and repository.find(connection, call.org_id, call.livemode, cursor) is None:
                    raise no_method(cursor, param)
            return repository.page(connection, call.org_id, call.livemode, customer_id, view, params.allow_redisplay)

        data, has_more = view.cut(await self._store.read(query))
        return Page(data=data, has_more=has_more, url=url)

    async def _require_customer(self, call: Call, customer_id: str, param: str) -> None:
        found = await self._store.read(
            lambda connection: customers.find(connection, call.org_id, call.livemode, customer_id)
        )
        if found is None:
            raise missing("customer", scrub_text(customer_id), param)


def _entry(call: Call, event_type: str, method: PaymentMethod, before: PaymentMethod | None = None) -> Entry:
    document = encode(method)
    entry = Entry(call.org_id, call.livemode, event_type, method.id, document, origin=call.origin())
    if before is not None:
        entry.previous_attributes = differences(encode(before), document)
    return entry
