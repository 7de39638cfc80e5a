"""The whole life of one authorisation's money, held against a plain model, with restarts in between."""

import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from piggybank import views
from tests.piggybank.harness import MERCHANT, House

# What ends most of an authorisation's life, rarely enough that there is a life before.
SELDOM = st.sampled_from([False, False, False, False, False, True])
AMOUNTS = st.integers(1, 1500)
NEAR = st.none() | st.integers(-1, 2)  # how far from the limit, where an amount is not just any
BALANCE = 2_500


class OneAuthorization(RuleBasedStateMachine):
    """The model: how much is authorised, taken and given back, and whether any of it still stands."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.house = House(Path(self.folder.name) / "bank")
        self.total = 1000
        self.taken = self.returned = 0
        self.open = self.standing = True
        self.last_capture: tuple[str, int, bool] | None = None

    @initialize(sale=st.booleans())
    def authorize(self, sale: bool) -> None:
        self.account = self.house.open_account(balance=BALANCE)
        self.authorization = self.house.authorize(
            self.account["number"], capture=sale, partial_captures=True, reference="auth"
        )
        assert self.authorization.status == "approved"
        if sale:
            self.taken, self.open = self.total, False

    @property
    def held(self) -> int:
        return self.total - self.taken if self.open and self.standing else 0

    @property
    def kept(self) -> int:
        return self.taken - self.returned if self.standing else 0

    def expect(self, operation: views.Operation, approved: bool) -> bool:
        assert operation.status == ("approved" if approved else "declined"), operation
        assert (operation.decline is None) == approved
        return approved

    @rule(amount=AMOUNTS, near=NEAR, final=st.booleans())
    def capture(self, amount: int, near: int | None, final: bool) -> None:
        amount = amount if near is None else max(1, self.held + near)
        operation = self.house.capture(self.authorization.id, amount, final=final)
        if self.expect(operation, 0 < amount <= self.held):
            self.taken += amount
            self.open = self.open and not final
            self.last_capture = (operation.reference, amount, final)

    @rule(amount=AMOUNTS, near=NEAR)
    def increment(self, amount: int, near: int | None) -> None:
        amount = amount if near is None else max(1, BALANCE - self.kept + self.taken + near)
        possible = self.held > 0 and self.total < amount
        # The account holds what is not taken yet, and has paid what was.
        affordable = amount - self.total <= BALANCE - self.held - self.kept
        if self.expect(self.house.increment(self.authorization.id, amount), possible and affordable):
            self.total = amount

    @rule(amount=AMOUNTS, near=NEAR)
    def refund(self, amount: int, near: int | None) -> None:
        amount = amount if near is None else max(1, self.kept + near)
        if self.expect(self.house.refund(self.authorization.id, amount), amount <= self.kept):
            self.returned += amount

    @precondition(lambda self: self.held > 0)
    @rule(seldom=SELDOM)
    def void(self, seldom: bool) -> None:
        if not seldom:
            return
        operation = self.house.void(self.authorization.id)
        assert operation.amount == self.held
        self.open = False

    @precondition(lambda self: self.last_capture is not None and self.standing)
    @rule()
    def reverse_the_last_capture(self) -> None:
        assert self.last_capture is not None
        reference, amount, final = self.last_capture
        undone = min(amount, self.kept)
        assert self.house.reverse(reference).amount == undone
        assert self.house.reverse(reference).amount == 0
        self.taken -= undone
        voided = self.house.look(self.authorization).voided
        self.open = not voided and (self.open or final)
        self.last_capture = None

    @rule(seldom=SELDOM)
    def reverse_it_all(self, seldom: bool) -> None:
        if not seldom:
            return
        expected = self.held + self.kept
        assert self.house.reverse("auth").amount == expected
        self.standing = False

    @rule()
    def forget_and_remember(self) -> None:
        """What is put together from the journal is what was remembered."""
        self.house.state._remembered.clear()

    @rule()
    def restart(self) -> None:
        self.house.again()

    @rule(seldom=SELDOM)
    def let_a_week_pass(self, seldom: bool) -> None:
        if not seldom:
            return
        if self.held:
            self.open = False
            self.last_capture = None
        self.house.pass_time(7 * 86_400)

    @invariant()
    def the_bank_agrees(self) -> None:
        if not hasattr(self, "authorization"):
            return
        seen = self.house.look(self.authorization)
        assert (seen.captured, seen.refunded, seen.reversed) == (self.taken, self.returned, not self.standing)
        account = self.house.account(self.account["id"])
        assert account["held"] == self.held
        assert account["balance"] == BALANCE - self.kept
        open_books = [batch for _, batch in self.house.state.books.of(MERCHANT)]
        assert sum(batch.gross - batch.refunds for batch in open_books) == self.kept

    def teardown(self) -> None:
        self.house.close()
        self.folder.cleanup()


OneAuthorization.TestCase.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
TestOneAuthorization = OneAuthorization.TestCase
