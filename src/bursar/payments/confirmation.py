"""Confirming: what is durable before the bank is asked, and going on after the customer has authenticated."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from contextlib import suppress

import msgspec

from bursar.attempts.orders import order_without_card
from bursar.attempts.schemas import Attempt, BankOrder
from bursar.attempts.service import AttemptService, call_of
from bursar.connectors.contract import Card, Method
from bursar.connectors.registry import NoAcquirer
from bursar.http.call import Call, Effect, Staged
from bursar.http.endpoint import encode
from bursar.kit.errors import InvalidRequest
from bursar.methods.repository import DETACHED
from bursar.methods.schemas import PaymentMethod
from bursar.methods.service import MethodService, PreparedMethod
from bursar.payments import method_rules, repository, rules
from bursar.payments.params import ConfirmationParams
from bursar.payments.repository import StoredIntent
from bursar.payments.returning import sent_back
from bursar.payments.schemas import PaymentIntent
from bursar.payments.settlement import Settlement
from bursar.payments.settling import Settling
from bursar.store.errors import RowsExpected
from bursar.store.log import Entry
from bursar.store.store import Store
from bursar.store.unit import Change, Unit
from bursar.three_d_secure import repository as authentications
from bursar.three_d_secure.repository import AT_BANK, PASSED, Authentication
from bursar.three_d_secure.rules import RedirectStatus
from bursar.three_d_secure.service import AuthenticationService, Return, Waiting

# Which acquirer an organisation's payments go to: (connector, merchant).
AccountOf = Callable[[str, bool], tuple[str, str]]


class Confirmation:
    def __init__(
        self,
        store: Store,
        methods: MethodService,
        attempts: AttemptService,
        settlement: Settlement,
        waiting: AuthenticationService,
        account_of: AccountOf,
    ) -> None:
        self._store = store
        self._methods = methods
        self._attempts = attempts
        self._settlement = settlement
        self._authentications = waiting
        self._account_of = account_of

    def begin(
        self,
        call: Call,
        stored: StoredIntent,
        prepared: PreparedMethod,
        params: ConfirmationParams,
        given_up: Sequence[Change] = (),
    ) -> Staged:
        """Confirms an intent, a new one when its version is 0. `given_up` ends what it waited for until now."""
        check_owner(stored.intent, prepared)
        method_rules.check_confirmation(
            prepared.method,
            off_session=bool(params.off_session),
            error_on_requires_action=params.error_on_requires_action,
        )
        intent = msgspec.structs.replace(
            method_rules.paid_with(stored.intent, prepared.method),
            status="processing",
            next_action=None,
            last_payment_error=None,
        )
        order = self._order(call, intent, prepared, params)
        attempt, insertion = self._attempts.prepare(call, "authorize", intent.id, order, intent.amount, intent.currency)
        unit = Unit([*given_up, *prepared.changes, insertion], prepared.entries)
        version = prepared.version or 1
        settling = self._first_commit(call, unit, stored, intent, attempt, prepared.method, version)
        return self.staged(settling, unit, prepared.means)

    async def given_up(self, call: Call, stored: StoredIntent) -> list[Change]:
        """What ends that the bank waits for the customer of this intent, where it does."""
        if stored.authentication_id is None:
            return []
        attempt = await self._attempts.find(call.org_id, call.livemode, stored.authentication_id)
        assert attempt is not None, "what an intent waits for is never deleted"
        return [self._attempts.give_up(attempt)] if attempt.state == "pending" else []

    async def after_authentication(self, call: Call, stored: StoredIntent, intent: PaymentIntent) -> Staged | None:
        """With the confirmation method manual the customer authenticates first, and the server confirms again."""
        if stored.authentication_id is None or intent.status != "requires_confirmation":
            return None
        found = await self._authentications.find_by_id(call.org_id, call.livemode, stored.authentication_id)
        if found is None or found.state != PASSED:
            return None
        return await self._completing(call, stored, intent, found, Unit(), passed=True)

    def staged(self, settling: Settling, unit: Unit, means: Method | None = None) -> Staged:
        """Asks the bank once `unit` is durable; what comes of it is the second commit."""
        attempt = settling.attempt

        async def finish() -> Effect:
            settling.outcome = await self._attempts.carry_out(attempt, means)
            effect = self._settlement.apply(settling)
            # First: whoever was overtaken must fail by the fence, and not by a row that the other has written already.
            effect.unit.changes.insert(0, self._attempts.conclude(attempt, settling.outcome))
            return effect

        return Staged(unit, attempt.id, finish)

    def account(self, call: Call) -> tuple[str, str]:
        try:
            return self._account_of(call.org_id, bool(call.livemode))
        except NoAcquirer as problem:
            raise InvalidRequest(str(problem), code="payment_method_not_available") from problem

    # What the authentication page asks of a payment.

    async def waiting(self, authentication: Authentication) -> Waiting | None:
        stored = await self._waiting_intent(authentication)
        if stored is None:
            return None
        intent = stored.intent
        return Waiting(rules.shown_title(intent), rules.shown_amount(intent))

    async def authenticated(self, authentication: Authentication, *, passed: bool, address: str | None) -> Return:
        stored = await self._waiting_intent(authentication)
        if stored is not None:
            with suppress(RowsExpected):  # a second click: the first one decides
                await self._go_on(authentication, stored, passed=passed, address=address)
        return _return(authentication, await self._find(authentication))

    async def _go_on(
        self, authentication: Authentication, stored: StoredIntent, *, passed: bool, address: str | None
    ) -> None:
        before = await self._attempts.find(authentication.org_id, authentication.livemode, authentication.id)
        assert before is not None, "an authentication is named after its attempt"
        call = call_of(before)
        call.address = address
        unit = Unit([authentications.decision(authentication, passed=passed)])
        intent = stored.intent
        if passed and intent.confirmation_method == "manual":
            after = msgspec.structs.replace(intent, status="requires_confirmation", next_action=None)
            unit.changes += repository.update(
                call.org_id, call.livemode, stored, after, encode(after), authentication_id=authentication.id
            )
            await self._store.commit(unit)
            return
        staged = await self._completing(call, stored, intent, authentication, unit, passed=passed)
        await self._store.commit(staged.unit)
        effect = await staged.finish()
        await self._store.commit(effect.unit)

    async def _completing(
        self,
        call: Call,
        stored: StoredIntent,
        intent: PaymentIntent,
        authentication: Authentication,
        unit: Unit,
        *,
        passed: bool,
    ) -> Staged:
        """The bank goes on where it had stopped to wait for the customer."""
        before = await self._attempts.find(call.org_id, call.livemode, authentication.id)
        assert before is not None and before.order.token_id is not None, "the customer authenticates a card"
        found = await self._methods.find(call, before.order.token_id)
        intent = msgspec.structs.replace(intent, status="processing", next_action=None, payment_method=found.method.id)
        order = msgspec.structs.replace(
            before.order, bank_reference=authentication.bank_reference, authenticated=passed
        )
        attempt, insertion = self._attempts.prepare(call, "complete", intent.id, order, intent.amount, intent.currency)
        unit.changes.append(insertion)
        version = 0 if found.state == DETACHED else found.version
        return self.staged(self._first_commit(call, unit, stored, intent, attempt, found.method, version), unit)

    def _first_commit(
        self,
        call: Call,
        unit: Unit,
        stored: StoredIntent,
        intent: PaymentIntent,
        attempt: Attempt,
        method: PaymentMethod,
        method_version: int,
    ) -> Settling:
        """Adds the intent, new or changed, to the unit; returns all that the second commit needs to know of it."""
        document = encode(intent)
        if stored.version == 0:
            unit.changes += repository.insertion(
                call.org_id, call.livemode, intent, document, attempt.id, stored.attribution
            )
            unit.entries.append(created_entry(call, intent.id, document))
        else:
            unit.changes += repository.update(
                call.org_id, call.livemode, stored, intent, document, attempt_id=attempt.id
            )
        after = dataclasses.replace(
            stored, intent=intent, version=stored.version + 1, attempt_id=attempt.id, authentication_id=None
        )
        return Settling(attempt, after, method=method, method_version=method_version)

    def _order(
        self, call: Call, intent: PaymentIntent, prepared: PreparedMethod, params: ConfirmationParams
    ) -> BankOrder:
        connector, merchant = self.account(call)
        notes = {}
        if params.return_url is not None:
            notes["return_url"] = params.return_url
        if params.error_on_requires_action:
            notes["error_on_requires_action"] = "true"
        if not isinstance(prepared.means, Card):
            order = order_without_card(prepared.means, prepared.method.id, connector=connector, merchant=merchant)
            return msgspec.structs.replace(
                order,
                return_url=self._authentications.bank_return_address(connector, call.org_id, call.livemode),
                descriptor=intent.statement_descriptor,
                notes=notes,
            )
        card, options = prepared.means, intent.payment_method_options.card
        return BankOrder(
            connector=connector,
            merchant=merchant,
            token_id=prepared.method.id,
            exp_month=card.exp_month,
            exp_year=card.exp_year,
            name=card.name,
            line1=card.line1,
            postal_code=card.postal_code,
            capture=not rules.captures_later(intent),
            off_session=bool(params.off_session),
            authentication=options.request_three_d_secure,
            save_for_later=intent.setup_future_usage is not None,
            agreed_before=prepared.agreed,
            partial_captures=options.request_multicapture == "if_available",
            descriptor=intent.statement_descriptor,
            notes=notes,
        )

    async def _waiting_intent(self, authentication: Authentication) -> StoredIntent | None:
        """None once the intent has gone on without this authentication."""
        if authentication.state == AT_BANK:
            return None
        stored = await self._find_stored(authentication)
        if stored.intent.status != "requires_action" or stored.authentication_id != authentication.id:
            return None
        return stored

    async def _find(self, authentication: Authentication) -> PaymentIntent:
        return (await self._find_stored(authentication)).intent

    async def _find_stored(self, authentication: Authentication) -> StoredIntent:
        found = await self._store.read(
            lambda connection: repository.find(
                connection, authentication.org_id, authentication.livemode, authentication.subject_id
            )
        )
        assert found is not None, "an authentication belongs to an intent that exists"
        return found


_NOT_AUTHENTICATED = ("requires_payment_method", "requires_action", "canceled")


def check_owner(intent: PaymentIntent, prepared: PreparedMethod) -> None:
    owner = prepared.method.customer
    if owner is None or owner == intent.customer:
        return
    raise InvalidRequest(
        f"The payment method {prepared.method.id} belongs to a customer. Send that customer's id as customer with the "
        "payment intent.",
        param="payment_method",
        code="payment_intent_invalid_parameter",
    )


def created_entry(call: Call, intent_id: str, document: bytes) -> Entry:
    return Entry(call.org_id, call.livemode, "payment_intent.created", intent_id, document, origin=call.origin())


def _return(authentication: Authentication, intent: PaymentIntent) -> Return:
    status: RedirectStatus = "succeeded"
    if intent.status == "processing":
        status = "pending"
    elif intent.status in _NOT_AUTHENTICATED:
        status = "failed"
    return sent_back(intent, authentication.return_url, status, "card")
