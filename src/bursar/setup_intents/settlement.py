"""What a bank's answer makes of a setup: the second commit, in the request or long after it.

Whoever gets here holds the attempt's fence, and has the setup as it is stored. The unit that comes out
has everything but the attempt's own end, which the holder adds.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec
from sqlalchemy import Connection

from bursar.attempts.schemas import Attempt
from bursar.attempts.service import call_of, origin_of
from bursar.connectors.contract import Outcome
from bursar.customers import repository as customers
from bursar.http.call import Effect
from bursar.http.endpoint import encode
from bursar.methods import repository as methods
from bursar.methods.schemas import PaymentMethod
from bursar.methods.service import MethodService
from bursar.payments.schemas import NextAction, RedirectToUrl
from bursar.setup_intents import repository
from bursar.setup_intents.outcomes import card_error, last_error
from bursar.setup_intents.repository import StoredSetup
from bursar.setup_intents.schemas import SetupIntent
from bursar.store.log import Entry
from bursar.store.store import Store
from bursar.store.unit import Change, Unit
from bursar.three_d_secure.service import AuthenticationService

UNASKED = Outcome(kind="unknown")


@dataclass(slots=True)
class Settling:
    """One attempt at its end, and what is being written for it."""

    attempt: Attempt
    stored: StoredSetup
    method: PaymentMethod
    method_version: int  # of its row; 0 when it was detached meanwhile and can belong to nobody
    outcome: Outcome = UNASKED
    customer_is_gone: bool = False
    changes: list[Change] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)

    @property
    def setup(self) -> SetupIntent:
        return self.stored.setup


class SetupSettlement:
    def __init__(self, store: Store, methods: MethodService, authentications: AuthenticationService) -> None:
        self._store = store
        self._methods = methods
        self._authentications = authentications

    async def settle(self, attempt: Attempt, outcome: Outcome) -> Effect:
        """For the resolver: from what is stored."""
        return self.apply(await self._store.read(lambda connection: _read(connection, attempt, outcome)))

    def apply(self, settling: Settling) -> Effect:
        """For a request, which has everything in its hands."""
        kind = settling.outcome.kind
        if kind in ("unknown", "pending"):
            # Nobody knows yet, so nobody is told an end. The attempt stays open, and so does the setup.
            return self._moved(settling, settling.setup, None, attempt_id=settling.attempt.id)
        if kind == "succeeded":
            return self._succeeded(settling)
        if kind == "action_required":
            return self._action_required(settling)
        return self._declined(settling)

    def _succeeded(self, settling: Settling) -> Effect:
        after = msgspec.structs.replace(settling.setup, status="succeeded", last_setup_error=None, next_action=None)
        call = call_of(settling.attempt)
        if after.usage == "off_session":
            settling.changes.append(self._methods.agreement(call, settling.method.id))
        effect = self._moved(settling, after, "setup_intent.succeeded")
        is_free = settling.method.customer is None and settling.method_version > 0
        if after.customer is None or settling.customer_is_gone or not is_free:
            return effect
        # A customer who is deleted right now gets no card any more: then this is settled again from what is stored.
        settling.changes.append(methods.hold_customer(call.org_id, call.livemode, after.customer))
        _, changes, entries = self._methods.attachment(call, settling.method, settling.method_version, after.customer)
        settling.changes += changes
        settling.entries += entries
        return effect

    def _action_required(self, settling: Settling) -> Effect:
        attempt, outcome = settling.attempt, settling.outcome
        assert outcome.bank_reference is not None, "what waits for the customer has its name at the bank"
        return_url = attempt.order.notes.get("return_url")
        url, change = self._authentications.begin(attempt, outcome.bank_reference, return_url)
        settling.changes.append(change)
        after = msgspec.structs.replace(
            settling.setup,
            status="requires_action",
            next_action=NextAction(redirect_to_url=RedirectToUrl(url=url, return_url=return_url)),
        )
        return self._moved(settling, after, "setup_intent.requires_action", authentication_id=attempt.id)

    def _declined(self, settling: Settling) -> Effect:
        after = msgspec.structs.replace(
            settling.setup,
            status="requires_payment_method",
            last_setup_error=last_error(settling.outcome, settling.method),
            payment_method=None,
            next_action=None,
        )
        effect = self._moved(settling, after, "setup_intent.setup_failed")
        effect.error = card_error(after)
        return effect

    def _moved(
        self,
        settling: Settling,
        after: SetupIntent,
        event: str | None,
        *,
        attempt_id: str | None = None,
        authentication_id: str | None = None,
    ) -> Effect:
        """The setup as it is now, with its one event."""
        attempt, document = settling.attempt, encode(after)
        settling.changes.append(
            repository.update(
                attempt.org_id,
                attempt.livemode,
                settling.stored,
                after,
                document,
                attempt_id=attempt_id,
                authentication_id=authentication_id,
            )
        )
        if event is not None:
            origin = origin_of(attempt)
            settling.entries.append(Entry(attempt.org_id, attempt.livemode, event, after.id, document, origin=origin))
        return Effect(after, Unit(settling.changes, settling.entries), document)


def _read(connection: Connection, attempt: Attempt, outcome: Outcome) -> Settling:
    place = (attempt.org_id, attempt.livemode)
    stored = repository.find(connection, *place, attempt.subject_id)
    assert stored is not None, "an attempt belongs to a setup that exists"
    assert stored.attempt_id == attempt.id, "a setup waits for one attempt at a time"
    assert stored.setup.payment_method is not None, "a card is verified with its payment method"
    found = methods.find(connection, *place, stored.setup.payment_method)
    assert found is not None, "a payment method is never deleted"
    customer = stored.setup.customer
    return Settling(
        attempt,
        stored,
        found.method,
        0 if found.state == methods.DETACHED else found.version,
        outcome,
        customer_is_gone=customer is not None and customers.find(connection, *place, customer) is None,
    )
