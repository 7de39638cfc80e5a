"""What features do with attempts: prepare, carry out, conclude."""

from __future__ import annotations

from typing import Protocol

import msgspec

from bursar.attempts import repository, rules
from bursar.attempts.commands import Commands
from bursar.attempts.schemas import Attempt, BankOrder, Kind, LatePayment, State
from bursar.connectors.contract import Method, Outcome
from bursar.http.authentication import Principal
from bursar.http.call import Call, Effect
from bursar.kit.clock import Clock
from bursar.kit.ids import IdFactory
from bursar.store.log import SYSTEM_ACTOR, Entry, Origin
from bursar.store.store import Store
from bursar.store.unit import Change

PREFIX = "att"
LATE_PAYMENT = "bursar.late_payment.returned"


class Settler(Protocol):
    """The feature that an attempt belongs to."""

    async def settle(self, attempt: Attempt, outcome: Outcome) -> Effect:
        """What the outcome makes of the subject as it is stored now, without the change of the attempt itself."""


class AttemptService:
    def __init__(self, store: Store, ids: IdFactory, clock: Clock, commands: Commands) -> None:
        self._store = store
        self._ids = ids
        self._clock = clock
        self.commands = commands
        self._settlers: dict[str, Settler] = {}

    def register(self, subject_prefix: str, settler: Settler) -> None:
        """Ids of a prefix belong to one feature."""
        self._settlers[subject_prefix] = settler

    def settler_of(self, attempt: Attempt) -> Settler:
        return self._settlers[attempt.subject_id.partition("_")[0]]

    def prepare(
        self,
        call: Call,
        kind: Kind,
        subject_id: str,
        order: BankOrder,
        amount_minor: int,
        currency: str,
    ) -> tuple[Attempt, Change]:
        """The attempt and the change that makes it durable, before anything is sent."""
        origin = call.origin()
        attempt = Attempt(
            org_id=call.org_id,
            livemode=call.livemode,
            id=self._ids.new(PREFIX),
            kind=kind,
            subject_id=subject_id,
            state="prepared",
            amount_minor=amount_minor,
            currency=currency,
            fence=1,
            tries=0,
            next_look=rules.leased_until(self._clock.now_microseconds()),
            bank_reference=order.bank_reference,
            order=msgspec.structs.replace(
                order,
                actor=origin.actor,
                address=origin.address,
                request_id=origin.request_id,
                idempotency_key=origin.idempotency_key,
            ),
        )
        return attempt, repository.insertion(attempt)

    async def carry_out(self, attempt: Attempt, method: Method | None = None) -> Outcome:
        return await self.commands.carry_out(attempt, method)

    def conclude(self, attempt: Attempt, outcome: Outcome) -> Change:
        """To be committed with what the outcome makes of the subject: only the holder of the fence can."""
        now = self._clock.now_microseconds()
        if not rules.is_known(outcome):
            state: State = attempt.state if attempt.state in ("reversing", "pending") else "unknown"
            return repository.postponing(attempt, state, rules.next_look(now, attempt.tries))
        return repository.settling(attempt, outcome, rules.looked_at_again(attempt, outcome, now))

    def wait_on(self, attempt: Attempt, outcome: Outcome) -> Change:
        """The bank was asked, and it waits still."""
        now = self._clock.now_microseconds()
        look = rules.looked_at_again(attempt, outcome, now)
        assert look is not None, "what is pending is looked at again"
        return repository.postponing(attempt, "pending", look)

    def reverse_again(self, attempt: Attempt) -> Change:
        """An approval came although the operation was reversed or given up: it must not stand."""
        return repository.reopening(attempt, self._clock.now_microseconds())

    def give_up(self, attempt: Attempt) -> Change:
        """Nobody waits any more for what the bank waits for: none of it may stand, whatever comes of it there."""
        return repository.giving_up(attempt, self._clock.now_microseconds())

    async def find(self, org_id: str, livemode: int, attempt_id: str) -> Attempt | None:
        return await self._store.read(lambda connection: repository.find(connection, org_id, livemode, attempt_id))


def call_of(attempt: Attempt) -> Call:
    """The request that began it, for what is written after it has ended."""
    order = attempt.order
    principal = Principal(attempt.org_id, attempt.livemode, order.actor or SYSTEM_ACTOR)
    return Call(principal, order.request_id or "", order.address, order.idempotency_key)


def origin_of(attempt: Attempt) -> Origin:
    order = attempt.order
    return Origin(
        actor=order.actor or SYSTEM_ACTOR,
        address=order.address,
        request_id=order.request_id,
        idempotency_key=order.idempotency_key,
    )


def late_success(attempt: Attempt, origin: Origin | None = None) -> Entry:
    """Told in the log: money came for what was over already, and goes back."""
    document = LatePayment(
        id=attempt.id,
        amount=attempt.amount_minor,
        currency=attempt.currency,
        livemode=bool(attempt.livemode),
        subject=attempt.subject_id,
        type=attempt.order.method,
    )
    place = (attempt.org_id, attempt.livemode)
    return Entry(*place, LATE_PAYMENT, attempt.id, msgspec.json.encode(document), origin=origin or Origin(SYSTEM_ACTOR))
