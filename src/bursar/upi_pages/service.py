"""What a UPI payment that waits for its customer shows of itself."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from bursar.accounts.organisations import OrganisationService
from bursar.attempts import repository as attempts
from bursar.attempts.schemas import Attempt
from bursar.connectors.contract import QrCode
from bursar.kit import amounts
from bursar.kit.clock import Clock, seconds
from bursar.kit.errors import NotFound
from bursar.payments import repository as intents
from bursar.payments.returning import sent_back_from_bank
from bursar.payments.schemas import PaymentIntent
from bursar.store.store import Store
from bursar.three_d_secure.repository import AT_BANK
from bursar.three_d_secure.service import AuthenticationService, Return


@dataclass(frozen=True, slots=True)
class Instructions:
    """What the customer needs: the code or link, and what they are about to pay, to whom, until when."""

    link: str
    amount: str
    merchant: str | None
    description: str | None
    minutes_left: int
    expires_at: int


class UpiPageService:
    def __init__(
        self,
        store: Store,
        clock: Clock,
        authentications: AuthenticationService,
        organisations: OrganisationService,
    ) -> None:
        self._store = store
        self._clock = clock
        self._authentications = authentications
        self._organisations = organisations

    async def show(self, place: str, secret: str) -> Instructions | Return:
        """The instructions while the customer can still pay; where to go on to once that is over."""
        attempt, intent = await self._find(place, secret)
        now = seconds(self._clock.now_microseconds())
        payee = await self._organisations.of(attempt.org_id)
        name = payee.name if payee is not None else None
        shown = _instructions(attempt, intent, name, now) if _waits(intent, attempt) else None
        return shown if shown is not None else sent_back_from_bank(intent, attempt)

    async def link(self, place: str, secret: str) -> str:
        """What the images show; nothing once it cannot be paid any more."""
        shown = await self.show(place, secret)
        if not isinstance(shown, Instructions):
            raise NotFound("This payment is over, or its time is.", code="resource_missing")
        return shown.link

    async def _find(self, place: str, secret: str) -> tuple[Attempt, PaymentIntent]:
        found = await self._authentications.find(place, secret)
        if found.state != AT_BANK:
            raise NotFound("There is no payment at this address.", code="resource_missing")

        def query(connection: Connection) -> tuple[Attempt | None, intents.StoredIntent | None]:
            return (
                attempts.find(connection, found.org_id, found.livemode, found.id),
                intents.find(connection, found.org_id, found.livemode, found.subject_id),
            )

        attempt, stored = await self._store.read(query)
        assert attempt is not None and stored is not None, "what is shown belongs to a payment that exists"
        return attempt, stored.intent


def _waits(intent: PaymentIntent, attempt: Attempt) -> bool:
    return attempt.state == "pending" and intent.status == "requires_action"


def _instructions(attempt: Attempt, intent: PaymentIntent, payee: str | None, now: int) -> Instructions | None:
    outcome = attempt.outcome
    action = outcome.action if outcome is not None else None
    # A link of another kind would open who knows what on the customer's phone.
    if not isinstance(action, QrCode) or action.expires_at <= now or not action.text.startswith("upi://"):
        return None
    return Instructions(
        link=action.text,
        amount=amounts.shown(intent.amount, intent.currency),
        merchant=payee,
        description=intent.description,
        minutes_left=-(-(action.expires_at - now) // 60),
        expires_at=action.expires_at,
    )
