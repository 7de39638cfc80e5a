"""A small honest bank in this process, with accidents on demand on the way to it and back.

It is written from what the contract promises, by none of the product's code: an operation counts once for its id,
a reversal undoes an operation or bars it for ever, and an inquiry tells what is. Its books are what tests compare with.
"""

import asyncio
import itertools
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal

import msgspec

from bursar.connectors.contract import (
    Account,
    Authorize,
    Capture,
    Card,
    Complete,
    CustomerWallet,
    Decline,
    Increment,
    Inquire,
    Method,
    NetBanking,
    Order,
    Outcome,
    QrCode,
    Redirect,
    Refund,
    UpiCollect,
    Void,
    WaitForCustomer,
)
from bursar.connectors.registry import NoAcquirer

CONNECTOR = "scripted"
FEE_PER_MILLE = 15

# What happens to one call. `lost_answer`: carried out, and the answer gets lost. `lost_order`: never arrives.
# `delayed`: arrives when `arrive` is called. `not_sent`: surely stays here. `slow_order` and `slow_answer`: wait until
# `let_go` is called, before or after they are carried out.
Accident = Literal["none", "lost_answer", "lost_order", "delayed", "not_sent", "slow_order", "slow_answer"]
ACCIDENTS: tuple[Accident, ...] = (
    "none", "lost_answer", "lost_order", "delayed", "not_sent", "slow_order", "slow_answer",
)  # fmt: skip

APPROVED = "4242424242424242"
DECLINED = "4000000000009995"
CHALLENGED = "4000002760003184"
CHALLENGED_THEN_DECLINED = "4000008260003178"
_DECLINES = {DECLINED: "insufficient_funds", "4000000000000002": "do_not_honor"}
_CHALLENGES = (CHALLENGED, CHALLENGED_THEN_DECLINED)

# Of customers' wallets; every other one can pay.
EMPTY_WALLET = "pw_empty"
# Nobody has this address, which the bank says at once; every other one waits for its customer.
UNKNOWN_VPA = "nobody@bank"
CUSTOMER_SECONDS = 300  # to approve
BANK_PAGE = "https://bank.example/approve"

Place = tuple[str, str]  # merchant and reference
Standing = Literal["approved", "declined", "challenge", "waiting", "deemed"]
# What a customer does at the bank; `defer` leaves it to another bank, which decides later.
Act = Literal["approve", "decline", "defer"]


@dataclass
class Authorization:
    """Held is what may still be captured; kept is what the cardholder has paid and not got back."""

    id: str
    number: str
    amount_minor: int
    captures: bool
    standing: Standing
    captured_minor: int = 0
    refunded_minor: int = 0
    is_closed: bool = False
    is_reversed: bool = False
    # Of what waits for its customer: what pays, where its customer goes back to, and why there was no money.
    method: Method | None = None
    return_url: str | None = None
    expires_at: int = 0
    refusal: tuple[str, str] | None = None
    has_news: bool = False  # which nobody has acknowledged

    @property
    def held_minor(self) -> int:
        if self.standing != "approved" or self.is_closed or self.is_reversed:
            return 0
        return self.amount_minor - self.captured_minor

    @property
    def kept_minor(self) -> int:
        return 0 if self.is_reversed else self.captured_minor - self.refunded_minor


@dataclass
class Operation:
    """One line of the journal."""

    kind: str
    merchant: str
    reference: str
    outcome: Outcome
    authorization: Authorization | None = None
    amount_minor: int = 0

    @property
    def ending(self) -> Outcome:
        """Its answer; of what waits for its customer, the one that it would get now."""
        found = self.authorization
        if found is None or found.method is None or self.kind != "authorize":
            return self.outcome
        return _opening(found)

    @property
    def captured_minor(self) -> int:
        """What it took from the cardholder, undone or not."""
        if self.ending.kind != "succeeded":
            return 0
        takes = self.kind == "capture" or (self.authorization is not None and self.authorization.captures)
        return self.amount_minor if takes and self.kind in ("authorize", "complete", "capture") else 0


@dataclass
class ScriptedBank:
    """Implements the product's `Bank`. Accidents are used up one for each call, whatever it asks."""

    accidents: deque[Accident] = field(default_factory=deque)
    is_down: bool = False
    has_acquirer: bool = True
    journal: list[Operation] = field(default_factory=list)
    calls: list[Order] = field(default_factory=list)
    on_their_way: list[Order] = field(default_factory=list)
    barred: set[Place] = field(default_factory=set)
    now_seconds: Callable[[], int] = lambda: 0

    def __post_init__(self) -> None:
        self._numbers = itertools.count(1)
        self._operations: dict[Place, Operation] = {}
        self._authorizations: dict[str, Authorization] = {}
        self._waiting: list[asyncio.Event] = []
        self.holds_somebody_up = asyncio.Event()

    # What the product sees.

    def account_for(self, org_id: str, livemode: bool) -> Account:
        if not self.has_acquirer:
            raise NoAcquirer("No acquirer is set up.")
        return Account(connector=CONNECTOR, merchant=f"{org_id}:{'live' if livemode else 'test'}")

    async def carry_out(self, order: Order) -> Outcome:
        self.calls.append(order)
        accident = self.accidents.popleft() if self.accidents else "none"
        if self.is_down or accident == "not_sent":
            return Outcome(kind="not_sent")
        if accident == "delayed":
            self.on_their_way.append(order)
        if accident in ("lost_order", "delayed"):
            return Outcome(kind="unknown")
        if accident == "slow_order":
            await self._wait()
        outcome = self._receive(order)
        if accident == "slow_answer":
            await self._wait()
        return Outcome(kind="unknown") if accident == "lost_answer" else outcome

    # What tests do to it.

    def script(self, *accidents: Accident) -> None:
        self.accidents.extend(accidents)

    def arrive(self) -> None:
        """What was on its way gets there; nobody hears the answers any more."""
        arriving, self.on_their_way = self.on_their_way, []
        for order in arriving:
            self._receive(order)

    def let_go(self) -> None:
        waiting, self._waiting = self._waiting, []
        self.holds_somebody_up.clear()
        for event in waiting:
            event.set()

    def approve_late(self) -> int:
        """Every first reversal is overtaken by the approval that it was to undo; tells how many there were."""
        overtaken = [one for one in self._authorizations.values() if one.is_reversed and one.standing == "approved"]
        for authorization in overtaken:
            authorization.is_reversed = False
        return len(overtaken)

    def act(self, reference: str, act: Act) -> bool:
        """What the customer does with what waits for them; false where that is no longer possible."""
        found = self.opened_by(reference)
        if found.is_reversed or found.standing not in ("waiting", "deemed"):
            return False
        if act == "defer":
            found.standing = "deemed"
        elif act == "approve":
            self._approve(found)
        else:
            found.standing, found.refusal = "declined", ("upi_declined", "ZA")
        return True

    def expire(self, reference: str) -> bool:
        """The customer's time is over."""
        found = self.opened_by(reference)
        if found.is_reversed or found.standing != "waiting":
            return False
        found.standing, found.refusal = "declined", ("upi_expired", "U69")
        return True

    def succeed_late(self, reference: str) -> bool:
        """Another bank has taken the money after all, although this one had said that there is none."""
        found = self.opened_by(reference)
        if found.standing not in ("declined", "waiting", "deemed") or found.method is None:
            return False
        found.is_reversed = False
        self._approve(found)
        return True

    # What tests look at.

    def opened_by(self, reference: str) -> Authorization:
        operation = self.operation(reference)
        assert operation is not None and operation.authorization is not None, "the bank has never seen it"
        return operation.authorization

    def operation(self, reference: str) -> Operation | None:
        return next((one for one in self.journal if one.reference == reference), None)

    def authorizations_of(self, references: Iterable[str]) -> list[Authorization]:
        """Those that these operations opened."""
        names = set(references)
        return [
            one.authorization
            for one in self.journal
            if one.kind == "authorize" and one.reference in names and one.authorization is not None
        ]

    # The bank itself.

    async def _wait(self) -> None:
        event = asyncio.Event()
        self._waiting.append(event)
        self.holds_somebody_up.set()
        await event.wait()

    def _receive(self, order: Order) -> Outcome:
        place = (order.account.merchant, order.operation_id)
        if isinstance(order, Inquire):
            return self._as_it_is(self._operations[place]) if place in self._operations else Outcome(kind="absent")
        if place not in self._operations:
            operation = self._barred(order, place) if place in self.barred else self._carry_out(order)
            self._operations[place] = operation
            self.journal.append(operation)
        return self._as_it_is(self._operations[place])

    def _as_it_is(self, operation: Operation) -> Outcome:
        """With what became of it since: a challenge that was passed is an approval."""
        authorization = operation.authorization
        if authorization is None or operation.kind == "void":
            return operation.outcome
        outcome = operation.outcome
        if operation.kind == "authorize":
            outcome = _opening(authorization)
        return _changed(outcome, reversed=authorization.is_reversed)

    def _barred(self, order: Order, place: Place) -> Operation:
        declined = _declined("duplicate", "94")
        return Operation(type(order).__name__.lower(), *place, declined)

    def _carry_out(self, order: Order) -> Operation:
        if isinstance(order, Authorize):
            return self._authorize(order)
        if isinstance(order, Void) and order.reverses is not None:
            return self._reverse(order)
        assert not isinstance(order, Inquire)
        found = self._authorizations.get(order.bank_reference or "")
        if found is None:
            return self._operation(order, _declined("invalid_transaction", "12"))
        if isinstance(order, Complete):
            return self._operation(order, self._complete(found, order.authentication), found, found.amount_minor)
        if isinstance(order, Capture):
            return self._operation(order, _capture(found, order), found, order.amount_minor)
        if isinstance(order, Increment):
            return self._operation(order, _increment(found, order), found, order.amount_minor)
        if isinstance(order, Refund):
            return self._operation(order, _refund(found, order), found, order.amount_minor)
        return self._operation(order, _void(found), found)

    def _authorize(self, order: Authorize) -> Operation:
        if not isinstance(order.method, Card):
            return self._authorize_without_card(order, order.method)
        number = order.method.number
        standing: Standing = "approved"
        if number in _DECLINES:
            standing = "declined"
        elif number in _CHALLENGES and not order.off_session:
            standing = "challenge"
        opened = Authorization(
            f"ba_{next(self._numbers)}", number, order.amount_minor, captures=order.capture, standing=standing
        )
        if standing == "approved" and order.capture:
            opened.captured_minor = opened.amount_minor
            opened.is_closed = True
        self._authorizations[opened.id] = opened
        return self._operation(order, _opening(opened), opened, order.amount_minor)

    def _authorize_without_card(self, order: Authorize, method: Method) -> Operation:
        assert order.capture, "what pays without a card is a sale"
        standing: Standing = "waiting"
        refusal = None
        if isinstance(method, CustomerWallet):
            standing = "approved"
            if method.wallet_id == EMPTY_WALLET:
                standing, refusal = "declined", ("insufficient_funds", "51")
        elif isinstance(method, UpiCollect) and method.vpa == UNKNOWN_VPA:
            standing, refusal = "declined", ("vpa_unknown", "ZH")
        opened = Authorization(
            f"ba_{next(self._numbers)}",
            type(method).__name__,
            order.amount_minor,
            captures=True,
            standing="waiting",
            method=method,
            return_url=order.return_url,
            expires_at=self.now_seconds() + CUSTOMER_SECONDS,
            refusal=refusal,
        )
        if standing == "approved":
            self._approve(opened)
        else:
            opened.standing = standing
        self._authorizations[opened.id] = opened
        return self._operation(order, _opening(opened), opened, order.amount_minor)

    def _approve(self, found: Authorization) -> None:
        found.standing, found.refusal = "approved", None
        found.captured_minor = found.amount_minor
        found.is_closed = True

    def _complete(self, found: Authorization, authentication: str) -> Outcome:
        if found.standing != "challenge" or found.is_reversed or found.is_closed:
            return _declined("invalid_transaction", "12")
        if authentication == "failed":
            found.standing = "declined"
            return _declined("three_ds_failed", "Z2")
        if found.number == CHALLENGED_THEN_DECLINED:
            found.standing = "declined"
            return _declined("insufficient_funds", "51")
        found.standing = "approved"
        if found.captures:
            found.captured_minor = found.amount_minor
            found.is_closed = True
        return _opening(found)

    def _reverse(self, order: Void) -> Operation:
        merchant = order.account.merchant
        assert order.reverses is not None
        target = self._operations.get((merchant, order.reverses))
        if target is None:
            self.barred.add((merchant, order.reverses))
        elif target.authorization is not None:
            assert target.kind in ("authorize", "complete"), "only authorisations are reversed here"
            target.authorization.is_reversed = True
        return Operation("reversal", merchant, order.operation_id, Outcome(kind="succeeded"))

    def _operation(
        self,
        order: Authorize | Complete | Capture | Increment | Refund | Void,
        outcome: Outcome,
        authorization: Authorization | None = None,
        amount_minor: int = 0,
    ) -> Operation:
        kind = type(order).__name__.lower()
        return Operation(kind, order.account.merchant, order.operation_id, outcome, authorization, amount_minor)


def fee_of(amount_minor: int) -> int:
    return max(1, (amount_minor * FEE_PER_MILLE + 500) // 1000)


def _opening(found: Authorization) -> Outcome:
    """The answer to the authorisation, and to what completes it."""
    if found.standing == "challenge":
        return Outcome(kind="action_required", bank_reference=found.id, action=Redirect())
    if found.standing == "waiting":
        return Outcome(kind="action_required", bank_reference=found.id, action=_action(found))
    if found.standing == "deemed":
        return Outcome(kind="pending", bank_reference=found.id)
    if found.refusal is not None:
        return _changed(_declined(*found.refusal), bank_reference=found.id)
    if found.standing == "declined":
        return _changed(_declined(_DECLINES.get(found.number, "insufficient_funds"), "51"), bank_reference=found.id)
    fee = fee_of(found.amount_minor) if found.captures else 0
    return Outcome(kind="succeeded", bank_reference=found.id, authorization_code="A1B2C3", fee_minor=fee)


def _action(found: Authorization) -> QrCode | Redirect | WaitForCustomer:
    if isinstance(found.method, NetBanking):
        return Redirect(url=f"{BANK_PAGE}/{found.id}", expires_at=found.expires_at)
    if isinstance(found.method, UpiCollect):
        return WaitForCustomer(expires_at=found.expires_at)
    link = f"upi://pay?pa=shop@bank&pn=A%20shop&tr={found.id}&am={found.amount_minor / 100:.2f}&cu=INR"
    return QrCode(text=link, expires_at=found.expires_at)


def _capture(found: Authorization, order: Capture) -> Outcome:
    if not found.held_minor or order.amount_minor > found.held_minor:
        return _declined("invalid_amount" if found.held_minor else "invalid_transaction", "13")
    found.captured_minor += order.amount_minor
    found.is_closed = order.final
    return Outcome(kind="succeeded", bank_reference=order.operation_id, fee_minor=fee_of(order.amount_minor))


def _increment(found: Authorization, order: Increment) -> Outcome:
    if not found.held_minor or order.amount_minor <= found.amount_minor:
        return _declined("invalid_transaction", "12")
    found.amount_minor = order.amount_minor
    return Outcome(kind="succeeded", bank_reference=found.id)


def _refund(found: Authorization, order: Refund) -> Outcome:
    if order.amount_minor > found.kept_minor:
        return _declined("invalid_amount", "13")
    found.refunded_minor += order.amount_minor
    return Outcome(kind="succeeded", bank_reference=order.operation_id)


def _void(found: Authorization) -> Outcome:
    if found.is_closed and found.captured_minor == found.amount_minor:
        return _declined("invalid_transaction", "12")
    found.is_closed = True
    return Outcome(kind="succeeded", bank_reference=found.id)


def _declined(code: str, raw_code: str) -> Outcome:
    return Outcome(kind="declined", decline=Decline(code=code, raw_code=raw_code))


def _changed(outcome: Outcome, **changes: object) -> Outcome:
    return msgspec.structs.replace(outcome, **changes)
