"""Confirming: what is durable before the bank is asked, and going on after the customer has authenticated."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import msgspec

from bursar.attempts.schemas import Attempt, BankOrder
from bursar.attempts.service import AttemptService, call_of
from bursar.connectors.contract import Card
from bursar.http.call import Call, Effect, Staged
from bursar.http.endpoint import encode
from bursar.methods import repository as method_repository
from bursar.methods.schemas import PaymentMethod
from bursar.methods.service import MethodService, PreparedMethod
from bursar.setup_intents import repository, rules
from bursar.setup_intents.repository import StoredSetup
from bursar.setup_intents.schemas import SetupIntent
from bursar.setup_intents.settlement import Settling, SetupSettlement
from bursar.store.errors import RowsExpected
from bursar.store.log import Entry
from bursar.store.store import Store
from bursar.store.unit import Unit
from bursar.three_d_secure import repository as authentications
from bursar.three_d_secure.repository import Authentication
from bursar.three_d_secure.rules import RedirectStatus, return_address
from bursar.three_d_secure.service import Return, Waiting

# Which acquirer a caller's cards are verified at: (connector, merchant).
AccountOf = Callable[[Call], tuple[str, str]]


class SetupConfirmation:
    def __init__(
        self,
        store: Store,
        methods: MethodService,
        attempts: AttemptService,
        settlement: SetupSettlement,
        account_of: AccountOf,
    ) -> None:
        self._store = store
        self._methods = methods
        self._attempts = attempts
        self._settlement = settlement
        self._account_of = account_of

    def begin(self, call: Call, stored: StoredSetup, prepared: PreparedMethod, return_url: str | None) -> Staged:
        """Confirms a setup, a new one when its version is 0."""
        rules.check_owner(stored.setup, prepared.method)
        order = self._order(call, stored.setup, prepared, return_url)
        unit = Unit(prepared.changes, prepared.entries)
        settling = self._first_commit(call, unit, stored, prepared.method, prepared.version or 1, order)
        return self._staged(settling, unit, prepared.card)

    # What the authentication page asks of a setup.

    async def waiting(self, authentication: Authentication) -> Waiting | None:
        stored = await self._find(authentication)
        return Waiting(rules.shown_title(stored.setup), None) if _waits(stored, authentication) else None

    async def authenticated(self, authentication: Authentication, *, passed: bool, address: str | None) -> Return:
        stored = await self._find(authentication)
        if _waits(stored, authentication):
            with suppress(RowsExpected):  # a second click: the first one decides
                await self._go_on(authentication, stored, passed=passed, address=address)
            stored = await self._find(authentication)
        return _return(authentication, stored.setup)

    async def _go_on(
        self, authentication: Authentication, stored: StoredSetup, *, passed: bool, address: str | None
    ) -> None:
        """The bank goes on where it had stopped to wait for the customer."""
        before = await self._attempts.find(authentication.org_id, authentication.livemode, authentication.id)
        assert before is not None and before.order.token_id is not None, "the customer authenticates a card"
        call = call_of(before)
        call.address = address
        found = await self._methods.find(call, before.order.token_id)
        version = 0 if found.state == method_repository.DETACHED else found.version
        order = msgspec.structs.replace(
            before.order, bank_reference=authentication.bank_reference, authenticated=passed
        )
        unit = Unit([authentications.decision(authentication, passed=passed)])
        staged = self._staged(self._first_commit(call, unit, stored, found.method, version, order), unit)
        await self._store.commit(staged.unit)
        effect = await staged.finish()
        await self._store.commit(effect.unit)

    def _first_commit(
        self,
        call: Call,
        unit: Unit,
        stored: StoredSetup,
        method: PaymentMethod,
        method_version: int,
        order: BankOrder,
    ) -> Settling:
        """Adds the attempt and the setup, new or changed, to the unit; returns what the second commit must know."""
        setup = msgspec.structs.replace(
            stored.setup, status="processing", payment_method=method.id, next_action=None, last_setup_error=None
        )
        attempt, insertion = self._attempts.prepare(
            call,
            "authorize" if order.bank_reference is None else "complete",
            setup.id,
            order,
            0,
            rules.VERIFICATION_CURRENCY,
        )
        document = encode(setup)
        if stored.version == 0:
            change = repository.insertion(call.org_id, call.livemode, setup, document, attempt.id)
            unit.entries.append(created_entry(call, setup.id, document))
        else:
            change = repository.update(call.org_id, call.livemode, stored, setup, document, attempt_id=attempt.id)
        unit.changes += [insertion, change]
        return Settling(attempt, StoredSetup(setup, stored.version + 1, attempt.id), method, method_version)

    def _staged(self, settling: Settling, unit: Unit, card: Card | None = None) -> Staged:
        """Asks the bank once `unit` is durable; what comes of it is the second commit."""
        attempt: Attempt = settling.attempt

        async def finish() -> Effect:
            settling.outcome = await self._attempts.carry_out(attempt, card)
            effect = self._settlement.apply(settling)
            effect.unit.changes.insert(0, self._attempts.conclude(attempt, settling.outcome))
            return effect

        return Staged(unit, attempt.id, finish)

    def _order(self, call: Call, setup: SetupIntent, prepared: PreparedMethod, return_url: str | None) -> BankOrder:
        connector, merchant = self._account_of(call)
        card = prepared.card
        return BankOrder(
            connector=connector,
            merchant=merchant,
            token_id=prepared.method.id,
            exp_month=card.exp_month,
            exp_year=card.exp_year,
            name=card.name,
            line1=card.line1,
            postal_code=card.postal_code,
            capture=False,
            authentication=setup.payment_method_options.card.request_three_d_secure,
            save_for_later=True,
            notes={} if return_url is None else {"return_url": return_url},
        )

    async def _find(self, authentication: Authentication) -> StoredSetup:
        found = await self._store.read(
            lambda connection: repository.find(
                connection, authentication.org_id, authentication.livemode, authentication.subject_id
            )
        )
        assert found is not None, "an authentication belongs to a setup that exists"
        return found


_STATUSES: dict[str, RedirectStatus] = {"succeeded": "succeeded", "processing": "pending"}


def _waits(stored: StoredSetup, authentication: Authentication) -> bool:
    """No longer once the setup has gone on without this authentication."""
    return stored.setup.status == "requires_action" and stored.authentication_id == authentication.id


def _return(authentication: Authentication, setup: SetupIntent) -> Return:
    """The merchant's address with what its page needs to look the setup up."""
    status = _STATUSES.get(setup.status, "failed")
    told = {
        "setup_intent": setup.id,
        "setup_intent_client_secret": setup.client_secret,
        "redirect_status": status,
    }
    url = authentication.return_url
    return Return(return_address(url, told) if url else None, status == "succeeded", pending=status == "pending")


def created_entry(call: Call, setup_id: str, document: bytes) -> Entry:
    return Entry(call.org_id, call.livemode, "setup_intent.created", setup_id, document, origin=call.origin())
