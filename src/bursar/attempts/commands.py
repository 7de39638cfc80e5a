"""The way from an attempt to the bank and back.

Whoever processes payments hands an attempt over and gets an outcome; it does not see how. Here that
happens in this process. A message bus can take this place: it would carry the attempt's id, and whoever
receives it finds the order in the store and the card in the vault.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Literal, Protocol

from bursar.attempts.orders import method_without_card
from bursar.attempts.schemas import Attempt
from bursar.connectors.contract import (
    Account,
    Authorize,
    Capture,
    Card,
    Complete,
    Decline,
    Increment,
    Inquire,
    Method,
    Order,
    Outcome,
    Refund,
    Void,
)
from bursar.kit import crash
from bursar.vault.keys import CardMissing

logger = logging.getLogger(__name__)

# A customer waits, so not for long; afterwards the payment fails, and may be tried elsewhere.
NOT_SENT_WAITS_SECONDS = (0.1, 0.3, 0.8)
# A bank that took longer to answer nothing is slow or away: then asking at once again would only keep a place taken.
ASKED_AGAIN_SECONDS_MAX = 0.5
REVERSED = Outcome(kind="declined", decline=Decline(code="system_error", raw_code="reversed"), reversed=True)


class Bank(Protocol):
    """All acquirers behind one door."""

    def account_for(self, org_id: str, livemode: bool) -> Account: ...

    async def carry_out(self, order: Order) -> Outcome: ...


class Commands(Protocol):
    async def carry_out(self, attempt: Attempt, method: Method | None) -> Outcome:
        """Sends the operation and tells how it ended, or that this is unknown."""

    async def find_out(self, attempt: Attempt) -> Outcome:
        """Asks for the fate of an operation that may have been sent; sends it again if the bank never got it."""

    async def inquire(self, attempt: Attempt) -> Outcome:
        """Asks, and does no more than that."""

    async def reverse(self, attempt: Attempt) -> Outcome:
        """Makes sure that the operation does not stand; unknown until the bank has said so."""


# The card number or account behind a token, as the vault gives it: (org_id, livemode, token_id).
OpenCard = Callable[[str, int, str], Awaitable[str]]


class InProcess:
    def __init__(self, bank: Bank, open_card: OpenCard) -> None:
        self._bank = bank
        self._open_card = open_card

    async def carry_out(self, attempt: Attempt, method: Method | None) -> Outcome:
        crash.reach("before_send")
        outcome = await self._send(self._order(attempt, method))
        crash.reach("after_answer_of_bank")
        if outcome.kind != "unknown":
            return outcome
        # The reply is lost. The bank often knows the end already, and then the customer need not wait for it.
        return await self._find_out(attempt, method)

    async def find_out(self, attempt: Attempt) -> Outcome:
        return await self._find_out(attempt, None)

    async def inquire(self, attempt: Attempt) -> Outcome:
        account = self._bank.account_for(attempt.org_id, bool(attempt.livemode))
        question = Inquire(operation_id=attempt.id, account=account)
        started = time.monotonic()
        outcome = await self._bank.carry_out(question)
        if outcome.kind == "unknown" and time.monotonic() - started < ASKED_AGAIN_SECONDS_MAX:
            # The bank is there, and its answer was lost. Asking changes nothing, so nobody need wait for the next look.
            outcome = await self._bank.carry_out(question)
        # That the inquiry was not sent says nothing about the operation.
        return Outcome(kind="unknown") if outcome.kind == "not_sent" else _standing(outcome)

    async def reverse(self, attempt: Attempt) -> Outcome:
        account = self._bank.account_for(attempt.org_id, bool(attempt.livemode))
        # A bank answers a reference that it knows without acting again; an approval that came after an earlier
        # reversal needs a new one. The fence rises with every look.
        order = Void(operation_id=f"{attempt.id}_r{attempt.fence}", account=account, reverses=attempt.id)
        outcome = await self._bank.carry_out(order)
        return REVERSED if outcome.kind == "succeeded" else Outcome(kind="unknown")

    async def _find_out(self, attempt: Attempt, method: Method | None) -> Outcome:
        outcome = await self.inquire(attempt)
        if outcome.kind != "absent":
            return outcome
        if method is None and attempt.kind == "authorize":
            try:
                method = await self._stored_method(attempt)
            except CardMissing:  # detached meanwhile: it cannot be sent any more, so it must never count
                return await self.reverse(attempt)
        # The bank never got it. The same reference makes sure that it counts once, even if the first is still on
        # its way.
        again = await self._bank.carry_out(self._order(attempt, method))
        return Outcome(kind="unknown") if again.kind == "not_sent" else _standing(again)

    async def _send(self, order: Order) -> Outcome:
        """What surely was not sent can safely be sent again: a bank that restarts is back within moments."""
        outcome = await self._bank.carry_out(order)
        for wait_seconds in NOT_SENT_WAITS_SECONDS:
            if outcome.kind != "not_sent":
                break
            await asyncio.sleep(wait_seconds)
            outcome = await self._bank.carry_out(order)
        return _standing(outcome)

    async def _stored_method(self, attempt: Attempt) -> Method:
        """A card without the security code: that is kept nowhere."""
        order = attempt.order
        assert order.token_id is not None
        if order.method != "card":
            account = None
            if order.has_account:
                account = await self._open_card(attempt.org_id, attempt.livemode, order.token_id)
            return method_without_card(order, account)
        number = await self._open_card(attempt.org_id, attempt.livemode, order.token_id)
        return Card(
            number=number,
            exp_month=order.exp_month,
            exp_year=order.exp_year,
            name=order.name,
            line1=order.line1,
            postal_code=order.postal_code,
        )

    def _order(self, attempt: Attempt, method: Method | None) -> Order:
        account = self._bank.account_for(attempt.org_id, bool(attempt.livemode))
        order = attempt.order
        if attempt.kind == "authorize":
            assert method is not None, "an authorisation needs what pays"
            return Authorize(
                operation_id=attempt.id,
                account=account,
                amount_minor=attempt.amount_minor,
                currency=attempt.currency,
                method=method,
                capture=order.capture,
                off_session=order.off_session,
                authentication=order.authentication,
                save_for_later=order.save_for_later,
                agreed_before=order.agreed_before,
                partial_captures=order.partial_captures,
                descriptor=order.descriptor,
                return_url=order.return_url,
            )
        reference = order.bank_reference
        assert reference is not None, "what follows an authorisation names it"
        return _following(attempt, account, reference)


def _standing(outcome: Outcome) -> Outcome:
    """Banks repeat what they once answered, and say beside it that nothing of it stands any more."""
    return REVERSED if outcome.reversed else outcome


def _following(attempt: Attempt, account: Account, reference: str) -> Order:
    """What is done to an authorisation that exists."""
    amount, currency = attempt.amount_minor, attempt.currency
    if attempt.kind == "complete":
        result: Literal["passed", "failed"] = "passed" if attempt.order.authenticated else "failed"
        return Complete(operation_id=attempt.id, account=account, bank_reference=reference, authentication=result)
    if attempt.kind == "capture":
        final = attempt.order.final
        return Capture(
            operation_id=attempt.id,
            account=account,
            bank_reference=reference,
            final=final,
            amount_minor=amount,
            currency=currency,
        )
    if attempt.kind == "increment":
        return Increment(
            operation_id=attempt.id, account=account, bank_reference=reference, amount_minor=amount, currency=currency
        )
    if attempt.kind == "refund":
        return Refund(
            operation_id=attempt.id, account=account, bank_reference=reference, amount_minor=amount, currency=currency
        )
    return Void(operation_id=attempt.id, account=account, bank_reference=reference)
