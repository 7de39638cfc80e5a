"""What may become of a payment, in plain values: the states that it can be in, and what each act makes of one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import permutations
from typing import Literal, NamedTuple

AMOUNT_MIN = 50
CONFIRMABLE = ("requires_payment_method", "requires_confirmation", "requires_action")


CardName = Literal["approved", "declined", "challenged", "challenged_then_declined", "upi", "collect"]


class State(NamedTuple):
    """The card, or what else pays, counts where the intent still has its payment method and no end."""

    status: str
    amount: int
    capturable: int = 0
    received: int = 0
    card: CardName | None = None
    is_authenticated: bool = False


CARDS: dict[CardName, str] = {
    "approved": "pm_card_visa",
    "declined": "pm_card_visa_chargeDeclinedInsufficientFunds",
    "challenged": "pm_card_authenticationRequired",
    "challenged_then_declined": "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds",
}


# What waits for its customer at the bank, and how the bank knows it.
WAITS: dict[CardName, str] = {"upi": "UpiIntent", "collect": "UpiCollect"}
FORMS: dict[CardName, dict[str, str]] = {name: {"payment_method": method} for name, method in CARDS.items()} | {
    "upi": {"payment_method_data[type]": "upi"},
    "collect": {"payment_method_data[type]": "upi", "payment_method_data[upi][vpa]": "asha@bank"},
}


@dataclass(frozen=True)
class Act:
    """One wish. `ends` are the states that it may lead to from one, the wished one first; none when it is refused.

    The others are what happens when the bank cannot be reached, or the wish must be given up.
    """

    name: str
    ends: Callable[[State], Sequence[State]]


@dataclass
class Payment:
    """One intent as the merchant knows it."""

    manual: bool
    multiple: bool
    confirms_itself: bool
    states: set[State] = field(default_factory=set)

    def approved(self, state: State) -> State:
        if self.manual:
            return State("requires_capture", state.amount, capturable=state.amount)
        return State("succeeded", state.amount, received=state.amount)

    # What can be wished.

    def confirm(self, card: CardName) -> Act:
        def ends(state: State) -> Sequence[State]:
            if state.status not in CONFIRMABLE:
                return ()
            failed = State("requires_payment_method", state.amount)
            action = State("requires_action", state.amount, card=card)
            if card in WAITS:
                if self.manual or not self.confirms_itself:
                    return ()  # it takes the money at once; and nobody has listed it
                return (action if card == "upi" else State("processing", state.amount, card=card), failed)
            wished = {"approved": self.approved(state), "declined": failed}.get(card, action)
            return (wished, failed)

        return Act("confirm", ends)

    def confirm_again(self) -> Act:
        """With the payment method that it has: the first time, or when the server has to, after the customer."""

        def ends(state: State) -> Sequence[State]:
            if state.card is None:
                return ()
            return self._authenticated_ends(state) if state.is_authenticated else self.confirm(state.card).ends(state)

        return Act("confirm", ends)

    def authenticate(self, *, passed: bool) -> Act:
        def ends(state: State) -> Sequence[State]:
            if state.status != "requires_action":
                return ()
            if not passed:
                return (State("requires_payment_method", state.amount),)
            if not self.confirms_itself:
                return (State("requires_confirmation", state.amount, card=state.card, is_authenticated=True),)
            return self._authenticated_ends(state)

        return Act("authenticate", ends)

    def capture(self, amount: int, *, final: bool) -> Act:
        def ends(state: State) -> Sequence[State]:
            possible = state.status == "requires_capture" and 0 < amount <= state.capturable
            if not possible or not (final or self.multiple):
                return ()
            received = state.received + amount
            if final or amount == state.capturable:
                return (State("succeeded", state.amount, received=received), state)
            left = state.capturable - amount
            return (State("requires_capture", state.amount, left, received), state)

        return Act("capture", ends)

    def increment(self, amount: int) -> Act:
        def ends(state: State) -> Sequence[State]:
            possible = state.status == "requires_capture" and amount > state.amount and not state.received
            return (State("requires_capture", amount, capturable=amount), state) if possible else ()

        return Act("increment_authorization", ends)

    def cancel(self) -> Act:
        def ends(state: State) -> Sequence[State]:
            if state.status == "requires_capture":
                # What was captured is paid: only the rest can be let go.
                end = "succeeded" if state.received else "canceled"
                return (State(end, state.amount, received=state.received), state)
            is_open = state.status in CONFIRMABLE or is_waiting(state)
            return (State("canceled", state.amount),) if is_open else ()

        return Act("cancel", ends)

    def update(self, amount: int) -> Act:
        def ends(state: State) -> Sequence[State]:
            if state.status not in CONFIRMABLE:
                return ()
            if amount == state.amount:
                return (state,)
            status = "requires_confirmation" if state.status == "requires_action" else state.status
            return (State(status, amount, card=state.card),)

        return Act("", ends)

    def hear(self, standing: str, *, is_reversed: bool) -> Act:
        """What the bank says of what waited for its customer, whoever notices it."""

        def ends(state: State) -> Sequence[State]:
            if not is_waiting(state):
                return ()
            if is_reversed or standing == "declined":
                return (State("requires_payment_method", state.amount),)
            if standing == "deemed":
                return (State("processing", state.amount, card=state.card),)
            return (self.approved(state),) if standing == "approved" else ()

        return Act("hear", ends)

    # What is known of it.

    def wishes(self, acts: Iterable[Act], *, surely: bool) -> None:
        """Afterwards: in any order, each of them done or not, unless it is sure to be done at once."""
        wished = list(acts)
        after = set()
        for order in permutations(wished):
            states = self.states
            for act in order:
                states = {end for state in states for end in _ends(act, state, surely=surely)}
            after |= states
        self.states = after

    def is_seen(self, state: State) -> None:
        assert state in self.states, f"{state} was to be one of {sorted(self.states)}"
        self.states = {state}

    def _authenticated_ends(self, state: State) -> Sequence[State]:
        failed = State("requires_payment_method", state.amount)
        return (failed, failed) if state.card == "challenged_then_declined" else (self.approved(state), failed)


def is_waiting(state: State) -> bool:
    """For the customer at the bank, or for another bank."""
    return state.card in WAITS and state.status in ("processing", "requires_action")


def _ends(act: Act, state: State, *, surely: bool) -> Sequence[State]:
    ends = act.ends(state)
    if not ends:
        return (state,)
    return ends[:1] if surely else (*ends, state)
